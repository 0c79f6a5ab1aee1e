// authd_hostile.mjs: what authd_hostile.sh does to a running authd. Sends what no honest client sends and
// looks at answers, times and processor use. It must never take a missing answer for a refusal.
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';
import { parseArgs } from 'node:util';
import { Checks, assert } from './check.mjs';
import { lint } from './metrics_lint.mjs';

const { values: o, positionals } = parseArgs({ allowPositionals: true, options: Object.fromEntries(
	['port', 'admin', 'metrics', 'socket', 'run', 'pid', 'hz'].map((name) => [name, { type: 'string' }])) });
const long = positionals.includes('long');
const file = (name) => fs.readFileSync(`${o.run}/${name}`);
const ca = file('ca.crt');
const checks = new Checks();
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const cpu = () => {
	const f = fs.readFileSync(`/proc/${o.pid}/stat`, 'latin1').replace(/.*\) /, '').split(' ');
	return (Number(f[11]) + Number(f[12])) / Number(o.hz);
};

// One request; { status, headers, raw (head without the date, and body), body, ms }.
function ask(method, path, { body, headers = {}, where = {}, agent } = {}) {
	const text = body === undefined ? undefined : typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
	const all = { ...(text === undefined ? {} : { 'Content-Type': 'application/json',
		'Content-Length': Buffer.byteLength(text) }), ...headers };
	const to = where.socketPath ? http : where.plain ? http : https;
	return new Promise((done, fail) => {
		const begin = process.hrtime.bigint();
		const req = to.request({ host: '127.0.0.1', port: o.port, ca, servername: 'authd.test', timeout: 120000,
			...where, method, path, headers: all, agent }, (res) => {
			const parts = [];
			res.on('data', (d) => parts.push(d));
			res.on('end', () => {
				const bytes = Buffer.concat(parts).toString();
				const head = [];
				for (let i = 0; i < res.rawHeaders.length; i += 2) {
					if (res.rawHeaders[i].toLowerCase() !== 'date') {
						head.push(`${res.rawHeaders[i]}: ${res.rawHeaders[i + 1]}`);
					}
				}
				let json;
				try { json = JSON.parse(bytes); } catch { json = undefined; }
				done({ status: res.statusCode, headers: res.headers, json, body: bytes,
					raw: `${res.statusCode}\n${head.join('\n')}\n${bytes}`,
					ms: Number(process.hrtime.bigint() - begin) / 1e6 });
			});
		});
		req.on('timeout', () => req.destroy(new Error('no answer in 120 s')));
		req.on('error', fail);
		req.end(text);
	});
}
const unix = { where: { socketPath: o.socket } };
const adm = (method, path, body) => ask(method, path, { body, ...unix });
const remote = (method, path, more = {}) => ask(method, path, { ...more, where: { port: o.admin, ...more.where } });

// Bytes as they are over TLS; all that came until the end, or until quiet for ms: authd ends what it refuses.
function raw(bytes, ms = 20000) {
	return new Promise((done, fail) => {
		let got = '';
		const s = tls.connect({ host: '127.0.0.1', port: o.port, ca, servername: 'authd.test' }, () => s.write(bytes));
		s.setTimeout(ms, () => { s.destroy(); done(got); });
		s.on('data', (d) => { got += d; });
		s.on('end', () => done(got));
		s.on('error', (e) => (got !== '' || e.code === 'ECONNRESET' ? done(got) : fail(e)));
	});
}
const answers = (text) => [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((m) => Number(m[1]));
const head = (lines, body = '') => `${lines.join('\r\n')}\r\nHost: a\r\n\r\n${body}`;

async function crowd(count, address, bytes) {
	const sockets = [];
	await Promise.all(Array.from({ length: count }, (_, i) => new Promise((done) => {
		const s = net.connect({ host: '127.0.0.1', port: o.port, localAddress: address(i) }, () => {
			if (bytes) { s.write(bytes); }
			done();
		});
		s.on('error', done);
		sockets.push(s);
	})));
	return sockets;
}

// ---------------------------------------------------------------- silence and crowds
await checks.run('50 times six bytes of a ClientHello use under 5 % of a core', async () => {
	const sockets = await crowd(50, () => '127.0.0.9', Buffer.from('160301020001', 'hex'));
	await sleep(200);
	const before = cpu(), begin = Date.now();
	await sleep(3000);
	const share = (cpu() - before) / ((Date.now() - begin) / 1000);
	assert.ok(share < 0.05, `${(share * 100).toFixed(1)} %`);
	const ends = sockets.map((s) => new Promise((done) => { s.on('close', done); s.resume(); }));
	const late = sleep(40000).then(() => 'late');
	assert.notEqual(await Promise.race([Promise.all(ends), late]), 'late', 'not cut at the deadline');
});
await checks.run('1,000 idle connections: an honest request is answered', async () => {
	const sockets = await crowd(1000, (i) => `127.0.1.${1 + Math.floor(i / 100)}`);
	const good = await ask('GET', '/healthz');
	assert.equal(good.status, 200);
	assert.ok(good.ms < 10000, `${good.ms} ms`);
	// What accepting them took is not what they cost while they idle.
	for (let at = -1, i = 0; at !== cpu() && i < 100; i++) {
		at = cpu();
		await sleep(200);
	}
	const before = cpu();
	await sleep(1000);
	assert.ok(cpu() - before < 0.5, 'idle connections cost processor time');
	sockets.forEach((s) => s.destroy());
});
await checks.run('one address does not get more than 128 connections', async () => {
	const sockets = await crowd(140, () => '127.0.2.1');
	let ended = 0;
	sockets.forEach((s) => {
		s.on('close', () => { ended++; });
		s.resume();
		ended += s.closed ? 1 : 0;
	});
	for (let i = 0; i < 300 && ended < 10; i++) { await sleep(100); }
	await sleep(500); // for more than there should be
	assert.ok(ended >= 10 && ended <= 12, `${ended} were refused`); // two threads may count at the same moment
	assert.equal((await ask('GET', '/healthz')).status, 200);
	sockets.forEach((s) => s.destroy());
});

// ---------------------------------------------------------------- those who drip
// They begin here and are judged at the end: their deadlines run meanwhile.
const memory = () => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${o.pid}/status`, 'latin1'))[1]);
const DEADLINE_MS = 80000; // 30 s for a request or its answer, looked at once a second; this machine is not alone
// A body of which a byte comes every second is never idle, and never whole.
const drips = Array.from({ length: 8 }, (_, i) => new Promise((done) => {
	const begin = Date.now();
	const s = tls.connect({ host: '127.0.0.1', port: o.port, ca, servername: 'authd.test', localAddress: '127.0.7.1' }, () => {
		s.write(`POST /v1/token HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${1000 + i}\r\n\r\n{`);
		const timer = setInterval(() => s.write(' '), 1000);
		s.on('close', () => { clearInterval(timer); done(Date.now() - begin); });
	});
	s.on('error', () => {});
	s.resume();
}));
// A list of more than a megabyte, of which a reader takes a piece now and then, or nothing.
const PATTERNS = Array.from({ length: 60 }, (_, i) => `${'room-of-a-long-name-'.repeat(3)}${i}`);
for (let i = 0; i < 300; i++) {
	await ask('POST', '/v1/apikeys', { body: { name: `long${i}`, rooms: PATTERNS }, where: { socketPath: o.socket } });
}
const slow = { before: memory(), most: 0, began: Date.now(), closed: 0 };
slow.size = (await ask('GET', '/v1/apikeys?limit=1000', { where: { socketPath: o.socket } })).body.length;
slow.sockets = Array.from({ length: 20 }, (_, i) => {
	const s = net.connect(o.socket, () => s.write('GET /v1/apikeys?limit=1000 HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(4)));
	s.on('error', () => {});
	s.on('data', () => { s.pause(); if (i % 2 === 0) { setTimeout(() => s.resume(), 3000); } });
	return s;
});
slow.timer = setInterval(() => { slow.most = Math.max(slow.most, memory()); }, 200);

// ---------------------------------------------------------------- bodies and heads
const post = (body, headers) => ask('POST', '/v1/token', { body, headers });
const refused = async (name, status, code, fn) => checks.run(name, async () => {
	const a = await fn();
	assert.equal(`${a.status} ${a.json?.code}`, `${status} ${code}`);
	assert.equal(a.headers['content-type'], 'application/problem+json');
});
const nest = (n) => `${'{"a":'.repeat(n)}1${'}'.repeat(n)}`;
await refused('a body over 64 KiB', 413, 'too-large', () => post(' '.repeat(65537)));
await refused('JSON 17 levels deep', 400, 'bad-json', () => post(nest(17)));
await refused('JSON of 20,000 brackets', 400, 'bad-json', () => post('['.repeat(20000)));
await refused('a key twice', 400, 'bad-json', () => post('{"user":"a","user":"b","password":"x","room":"r"}'));
await refused('a key twice, one of them escaped', 400, 'bad-json', () => post('{"user":"a","us\\u0065r":"b"}'));
await refused('bytes that are not UTF-8', 400, 'bad-json', () => post(Buffer.from('{"user":"\x80"}', 'latin1')));
await refused('no content type', 415, 'bad-field', () => post('{}', { 'Content-Type': 'text/plain' }));
await refused('a compressed body', 415, 'bad-field', () => post('{}', { 'Content-Encoding': 'gzip' }));
await refused('an unknown method', 405, 'unknown-message', () => ask('PROPFIND', '/healthz'));
await refused('an unknown field of an administrator', 400, 'bad-field',
	() => adm('POST', '/v1/apikeys', { name: 'k', rooms: ['*'], nonsense: 1 }));
await checks.run('HEAD has the head of GET and no body', async () => {
	const a = await ask('HEAD', '/healthz');
	assert.equal(a.status, 200);
	assert.equal(a.body, '');
});
await checks.run('pipelined requests are answered in order', async () => {
	const got = await raw(head(['GET /healthz HTTP/1.1']) + head(['GET /nothing HTTP/1.1']) +
		head(['GET /healthz HTTP/1.1', 'Connection: close']));
	assert.deepEqual(answers(got), [200, 404, 200]);
});
const hidden = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
for (const [name, lines, body] of [
	['both lengths', ['Content-Length: 4', 'Transfer-Encoding: chunked'], `0\r\n\r\n${hidden}`],
	['two lengths', ['Content-Length: 2', 'Content-Length: 30'], `{}${hidden}`],
	['a signed length', ['Content-Length: +2'], `{}${hidden}`],
	['a length in hex', ['Content-Length: 0x2'], `{}${hidden}`],
	['a list of lengths', ['Content-Length: 2, 2'], `{}${hidden}`],
	['an encoding nobody knows', ['Transfer-Encoding: xchunked'], `0\r\n\r\n${hidden}`],
	['two encodings', ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], `0\r\n\r\n${hidden}`],
	['a list of encodings', ['Transfer-Encoding: identity, chunked'], `0\r\n\r\n${hidden}`],
]) {
	await checks.run(`smuggling: ${name}`, async () => {
		const got = await raw(head(['POST /v1/token HTTP/1.1', 'Content-Type: application/json', ...lines], body));
		// libmicrohttpd may send the head of its own 400 twice before it closes
		assert.ok([1, 2].includes(answers(got).length) && answers(got).every((s) => s === 400), got.replace(/\r?\n/g, '|'));
	});
}
await refused('a path of 9,000 bytes', 414, 'too-large', () => ask('GET', `/${'a'.repeat(9000)}`));
await refused('a query of 9,000 bytes', 414, 'too-large', () => ask('GET', `/healthz?a=${'a'.repeat(9000)}`));
await refused('header fields of 20 KB', 431, 'too-large', () => ask('GET', '/healthz', { headers: { X: 'a'.repeat(20000) } }));
await checks.run('a head of 64 KiB is refused', async () => {
	const got = await raw(head(['GET /healthz HTTP/1.1', `X: ${'a'.repeat(65536)}`]));
	assert.ok(answers(got).length >= 1 && answers(got).every((s) => s >= 400), `${answers(got)}`);
	assert.equal((await ask('GET', '/healthz')).status, 200);
});

// ---------------------------------------------------------------- remote administration
const made = async (body) => {
	const a = await adm('POST', '/v1/apikeys', body);
	assert.equal(a.status, 201, a.body);
	return a.json.key;
};
const bearer = (key) => ({ headers: { Authorization: `Bearer ${key}` } });
await checks.run('without the right all of admin-listen is one and the same 401', async () => {
	const app = await made({ name: 'app', rooms: ['*'] });
	const gone = await made({ name: 'gone', rooms: ['*'], admin: true });
	assert.equal((await adm('DELETE', '/v1/apikeys/gone')).status, 204);
	const other = { where: { cert: file('worker.crt'), key: file('worker.key') } };
	const seen = new Set();
	for (const path of ['/v1/users', '/healthz', '/nothing', '/v1/rooms/a']) {
		for (const more of [{}, bearer(app), bearer(gone), bearer('hk_aaaaaaaaaaaa_x'), bearer('x'), other]) {
			const a = await remote('GET', path, more);
			assert.equal(a.status, 401);
			seen.add(a.raw);
		}
	}
	assert.equal(seen.size, 1);
});
await checks.run('an administrator\'s key opens admin-listen, and not the listener for clients', async () => {
	const key = await made({ name: 'boss', rooms: ['*'], admin: true });
	assert.equal((await remote('GET', '/v1/users', bearer(key))).status, 200);
	assert.equal((await ask('GET', '/v1/users', bearer(key))).status, 404);
	assert.equal((await adm('DELETE', '/v1/apikeys/boss')).status, 204);
	assert.equal((await remote('GET', '/v1/users', bearer(key))).status, 401);
});
const toldOf = async (text) => { // there is, or comes, such an event
	let seen = [];
	for (let after = 0, next = -1; next !== after;) {
		next = after;
		const { json } = await adm('GET', `/v1/events?after=${after}&wait=5&limit=1000`);
		seen = seen.concat(json.events.map((e) => `${e.what} ${e.object} ${e.actor}`));
		if (seen.includes(text)) { return; }
		after = json.next;
	}
	assert.fail(`no ${text} in ${seen.join(', ')}`);
};
await checks.run('a client certificate that admin-names names opens it', async () => {
	const where = { cert: file('boss.crt'), key: file('boss.key') };
	assert.equal((await remote('GET', '/v1/users', { where })).status, 200);
	await toldOf('apikey.revoke boss admin:root');
	assert.equal((await remote('POST', '/v1/users', { where, body: { name: 'byboss', password: '12345678' } })).status, 201);
	await toldOf('user.add byboss admin:boss');
});
await checks.run('a key that asks too much is told when to come back', async () => {
	const key = await made({ name: 'busy', rooms: ['*'], admin: true });
	let a;
	for (let i = 0; i < 2000; i++) { // some come back while it asks
		a = await remote('GET', '/v1/status', bearer(key));
		if (a.status !== 200) { break; }
	}
	assert.equal(`${a.status} ${a.json.code}`, '429 rate');
	assert.ok(Number(a.headers['retry-after']) >= 1);
});

// ---------------------------------------------------------------- metrics, health, events
await checks.run('metrics: every sample has its help and type, and the counters count', async () => {
	const get = (path) => ask('GET', path, { where: { port: o.metrics, plain: true } });
	const a = await get('/metrics');
	assert.equal(a.status, 200);
	assert.match(a.headers['content-type'], /^text\/plain; version=0\.0\.4/);
	assert.deepEqual(lint(a.body), []);
	assert.match(a.body, /helio_http_requests_total\{method="GET",route="\/healthz",code="200"\} [1-9]/);
	for (const name of ['store_up', 'store_commits_total', 'store_commit_changes_count', 'certificate_expiry_seconds{what="https"}',
		'certificate_expiry_seconds{what="control"}', 'certificate_expiry_seconds{what="ca"}', 'events_total', 'work_running{pool="general"}']) {
		const at = a.body.split('\n').find((line) => line.startsWith(`helio_${name} `));
		assert.ok(Number(at?.split(' ')[1]) > 0, `${name}: ${at}`);
	}
	for (const name of ['store_failures_total', 'store_waiting', 'hashes_running', 'hashes_waiting', 'events_dropped_total',
		'reflector_alarms_total{reflector="r1"}', 'signing_key_age_seconds']) {
		assert.match(a.body, new RegExp(`^helio_${name.replace(/[{}]/g, String.raw`\$&`)} [0-9]+$`, 'm'));
	}
	assert.match(a.body, /helio_reflector_linked\{reflector="r1"\} 1/);
	assert.equal((await get('/readyz')).status, 200);
	assert.equal((await get('/v1/users')).status, 404);
	assert.equal((await ask('GET', '/metrics')).status, 404);
});
await checks.run('events: who waits is woken, and only a few may wait', async () => {
	const { next } = (await adm('GET', '/v1/events?limit=1')).json;
	const waiting = Array.from({ length: 8 }, () => adm('GET', `/v1/events?after=${next}&wait=30`));
	for (let n = 0; n < 8;) {
		n = (await adm('GET', '/v1/status')).json.work.general.running - 1;
	}
	const ninth = await adm('GET', `/v1/events?after=${next}&wait=20`);
	assert.equal(ninth.status, 429);
	assert.equal((await adm('POST', '/v1/users', { name: 'woken', password: '12345678' })).status, 201);
	for (const a of await Promise.all(waiting)) {
		assert.equal(a.json.events[0].object, 'woken');
		assert.equal(a.json.next, next + 1);
	}
});
await checks.run('a client that is gone while it waits harms nobody', async () => {
	const { next } = (await adm('GET', '/v1/events?limit=1')).json;
	await Promise.all(Array.from({ length: 5 }, () => new Promise((done) => {
		const req = http.request({ socketPath: o.socket, path: `/v1/events?after=${next}&wait=1` });
		req.on('error', done);
		req.end();
		setTimeout(() => req.destroy(new Error('gone')), 100);
	})));
	await sleep(1500);
	assert.equal((await adm('GET', '/v1/status')).status, 200);
});

// ---------------------------------------------------------------- guessing
const samples = long ? 400 : 24;
const stats = (x) => {
	const mean = x.reduce((a, b) => a + b, 0) / x.length;
	const sorted = [...x].sort((a, b) => a - b);
	return { mean, median: sorted[x.length >> 1], n: x.length,
		var: x.reduce((a, b) => a + (b - mean) ** 2, 0) / (x.length - 1) };
};
// Welch's t over interleaved samples, the slowest tenth of each left out: others use this machine too. Told apart
// when |t| > 6 and the medians differ by more than a fifth and a millisecond, in each of three rounds: a difference
// that others made by using this machine does not come three times, one that authd makes does.
const ROUNDS = 3;
function differences(times) {
	const cut = (x) => [...x].sort((a, b) => a - b).slice(0, Math.ceil(x.length * 0.9));
	const [a, ...others] = Object.entries(times).map(([name, x]) => [name, stats(cut(x))]);
	const found = [];
	for (const b of others) {
		const t = (a[1].mean - b[1].mean) / Math.sqrt(a[1].var / a[1].n + b[1].var / b[1].n);
		const apart = Math.abs(a[1].median - b[1].median);
		if (Math.abs(t) > 6 && apart > 1 && apart > 0.2 * Math.max(a[1].median, b[1].median)) {
			found.push(`${a[0]} ${a[1].median.toFixed(2)} ms, ${b[0]} ${b[1].median.toFixed(2)} ms, t ${t.toFixed(1)}`);
		}
	}
	return found;
}
async function compare(kinds, count) {
	let found = [];
	for (let round = 0; round < ROUNDS && (round === 0 || found.length > 0); round++) {
		found = differences(await measure(kinds, round * count, count));
	}
	assert.deepEqual(found, []);
}
async function measure(kinds, first, count) {
	const times = {}, seen = new Set();
	for (let i = first; i < first + count; i++) {
		const agent = new https.Agent({ keepAlive: true, maxSockets: 1, localAddress: `127.0.${3 + (i >> 7)}.${1 + (i & 127)}` });
		await ask('GET', '/healthz', { agent }); // the handshake is not measured
		for (const name of Object.keys(kinds)) {
			const a = await kinds[name](i, agent);
			assert.equal(a.status, 401, `${name}: ${a.body}`);
			seen.add(a.raw);
			(times[name] ??= []).push(a.ms);
		}
		agent.destroy();
	}
	assert.equal(seen.size, 1, [...seen].join(' | '));
	return times;
}
await checks.run('wrong password, unknown user and unknown room: one answer, in text and time', async () => {
	for (let i = 0; i < Math.ceil(ROUNDS * samples / 4); i++) {
		const a = await adm('POST', '/v1/users', { name: `u${i}`, password: 'correct horse' });
		assert.equal(a.status, 201, a.body);
	}
	assert.equal((await adm('POST', '/v1/rooms', { name: 'demo' })).status, 201);
	const login = (user, password, room, agent) => ask('POST', '/v1/token', { body: { user, password, room }, agent });
	await compare({
		'wrong password': (i, agent) => login(`u${i >> 2}`, 'correct hors3', 'demo', agent),
		'unknown user': (i, agent) => login(`n${i >> 2}`, 'correct hors3', 'demo', agent),
		'unknown room': (i, agent) => login(`u${i >> 2}`, 'correct horse', 'nowhere', agent),
	}, samples);
});
await checks.run('unknown, wrong, revoked and malformed API keys: one answer, in text and time', async () => {
	const good = await made({ name: 'k1', rooms: ['*'] });
	const revoked = await made({ name: 'k2', rooms: ['*'] });
	assert.equal((await adm('DELETE', '/v1/apikeys/k2')).status, 204);
	const wrong = good.slice(0, -6) + (good.endsWith('AAAAAA') ? 'BBBBBB' : 'AAAAAA');
	const unknown = `hk_aaaaaaaaaaaa${good.slice(15)}`;
	const body = { room: 'demo', user: 'u0' };
	const use = (key) => (i, agent) => ask('POST', '/v1/token', { body, headers: { Authorization: `Bearer ${key}` }, agent });
	await compare({ unknown: use(unknown), wrong: use(wrong), revoked: use(revoked), malformed: use('hk_x') }, samples);
});

await checks.run('unknown, forged, expired, revoked and used up invites: one answer, in text and time', async () => {
	const invite = async (more) => {
		const a = await adm('POST', '/v1/invites', { room: 'demo', ...more });
		assert.equal(a.status, 201, a.body);
		return { id: a.json.id, token: a.json.url.split('#')[1] };
	};
	const b64 = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
	const use = (token) => (i, agent) => ask('POST', '/v1/token', { body: { invite: token, name: 'Guest' }, agent });
	const look = (token) => (i, agent) => ask('POST', '/v1/invite', { body: { invite: token }, agent });
	const good = await invite({}), revoked = await invite({}), used = await invite({ uses: 1 });
	const ends = Math.floor(Date.now() / 1000) + 3;
	const expired = await invite({ expires_at: ends });
	assert.equal((await adm('DELETE', `/v1/invites/${revoked.id}`)).status, 204);
	assert.equal((await use(used.token)(0)).status, 200);
	const [header, payload, signature] = good.token.split('.');
	const claims = JSON.parse(Buffer.from(payload, 'base64url'));
	const forged = `${header}.${payload}.${signature[0] === 'A' ? 'B' : 'A'}${signature.slice(1)}`;
	const none = `${b64({ ...JSON.parse(Buffer.from(header, 'base64url')), alg: 'none' })}.${payload}.`;
	const unknown = `${header}.${b64({ ...claims, jti: 'aaaaaaaaaaaa' })}.${signature}`;
	while (Date.now() < (ends + 1) * 1000) { await sleep(100); }
	const bad = { unknown, forged, none, expired: expired.token, revoked: revoked.token, 'used up': used.token };
	for (const [how, ways] of [['use', use], ['look', look]]) {
		await compare(Object.fromEntries(Object.entries(bad).map(([name, token]) => [`${how} ${name}`, ways(token)])), samples);
	}
	assert.equal((await use(good.token)(0)).status, 200); // it was not all of them
});

// ---------------------------------------------------------------- those who drip, at their end
await checks.run('a body that drips is cut at its deadline', async () => {
	for (const ms of await Promise.all(drips)) {
		assert.ok(ms > 20000 && ms < DEADLINE_MS, `${ms} ms`);
	}
});
await checks.run('who reads a long list slowly, or not at all, costs bounded time and memory', async () => {
	assert.ok(slow.size > 1e6, `${slow.size} bytes`);
	const open = () => fs.readFileSync('/proc/net/unix', 'latin1').split('\n').filter((line) => line.endsWith(` ${o.socket}`)
		&& line.split(/\s+/)[5] === '03').length;
	while (open() > 0 && Date.now() - slow.began < 2 * DEADLINE_MS) { await sleep(250); }
	assert.equal(open(), 0, 'connections are open still');
	clearInterval(slow.timer);
	slow.sockets.forEach((s) => s.destroy());
	// one answer at a time each: as a tree of JSON, as text, and what the allocator keeps
	assert.ok(slow.most - slow.before < 20 * 8 * slow.size / 1024, `${slow.most - slow.before} KiB for ${slow.size} bytes`);
	assert.equal((await adm('GET', '/v1/status')).status, 200);
});

// ---------------------------------------------------------------- the log
await checks.run('names that would forge a line are refused', async () => {
	for (const evil of ['a\n<3>event=forged', 'a\r\n<3>event=forged', '\u001b[31m', 'a\u202eb', 'a\u2066b', '\u009b1m']) {
		assert.equal((await ask('POST', '/v1/token', { body: { user: evil, password: 'x', room: 'r' } })).status, 400);
		assert.equal((await adm('POST', '/v1/users', { name: evil, password: '12345678' })).status, 400);
		assert.equal((await adm('POST', '/v1/rooms', { name: evil })).status, 400);
		assert.equal((await adm('DELETE', `/v1/users/${encodeURIComponent(evil)}`)).status, 404);
		assert.equal((await ask('GET', `/${encodeURIComponent(evil)}`)).status, 404);
	}
});

process.exit(checks.finish());
