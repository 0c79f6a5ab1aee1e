// A small authd for helioctl's tests: node fake_authd.mjs DIRECTORY [CERT KEY CA]. It listens on one Unix
// socket for each way to behave: good.sock keeps what it is told in memory, the others are hostile or in
// trouble. With a certificate it serves the same over HTTPS and writes the port to DIRECTORY/port; whoever
// has neither the key hk_good nor a client certificate is told 401. Each request goes to DIRECTORY/requests.
import { createServer } from 'node:http';
import { createServer as createTls } from 'node:https';
import { appendFileSync, readFileSync, writeFileSync, renameSync } from 'node:fs';

const [dir, cert, key, ca] = process.argv.slice(2);
const now = () => Math.floor(Date.now() / 1000);
const rooms = new Map(Array.from({ length: 2503 }, (_, i) => [`room-${String(i).padStart(4, '0')}`, {}]));
rooms.set('demo', {});
const users = new Map([['alice', { policy: {} }]]);
const started = Date.now();
let policy = { grants: { publish: ['audio'] }, room: { capacity: 10 } };
const HASH = 'a'.repeat(64);

class Problem extends Error {
	constructor(status, code, detail, headers = {}) {
		super(detail);
		Object.assign(this, { status, code, headers });
	}
}
const notFound = () => new Problem(404, 'not-found', 'there is none of that name');

// Counters that grow by the clock: 1 Mbit/s in, 3 out, 5 drops a second.
const seconds = () => (Date.now() - started) / 1000;
const counters = (factor) => ({ bytes_in: Math.floor(seconds() * 125000 * factor),
	bytes_out: Math.floor(seconds() * 375000 * factor), dropped: Math.floor(seconds() * 5 * factor) });
const people = () => ['alice', 'bob', 'Zo\u00eb+\u65e5\u672c'].map((id, i) => ({ id, num: i + 1, name: id, room: 'demo', user: id,
	jti: `jti-${id}`, joined_at: now() - 60, address: '192.0.2.7', streams: [{ stream: i, kind: 'audio' }],
	queue_ms: i * 100, ...counters(i + 1), waiting: i === 2 }));
const reflectors = () => [{ name: 'r1', control: '127.0.0.1:9', address: '127.0.0.1', state: 'up', linked: true, since: now() - 99,
	certificate_until: now() + 86400 * 20,
	weight: 100, workers: [{ port: 1, rooms: 1, participants: 3, streams: 3, queue_ms: 200, uptime_s: 5, ...counters(6) },
		{ port: 2, rooms: 0, participants: 0, streams: 0, queue_ms: 0, uptime_s: 5, bytes_in: 0, bytes_out: 0, dropped: 0 }] },
{ name: 'r2', control: '127.0.0.1:8', address: '127.0.0.1', state: 'down', linked: false, certificate_until: now() - 5, error: 'refused', workers: [] }];
const room = (name) => ({ name, live: name === 'demo', reflector: 'r1', port: 1, participants: name === 'demo' ? 3 : 0, streams: 3,
	created_at: now() - 3600, ...counters(name === 'demo' ? 6 : 0), ...rooms.get(name) });

function page(items, keyOf, query) {
	const limit = Number(query.get('limit') ?? 100), after = query.get('after');
	const rest = items.filter((item) => after === null || keyOf(item) > after);
	return { items: rest.slice(0, limit), next: rest.length > limit ? keyOf(rest[limit - 1]) : null };
}
function audit(query) {
	const after = Number(query.get('after') ?? 0), limit = Number(query.get('limit') ?? 100);
	const all = Array.from({ length: 2500 }, (_, i) => ({ seq: i + 1, at: 1790000000 + i, actor: 'socket:root', address: '',
		action: 'room.create', object: `r${i}`, detail: { n: i }, hash: HASH }));
	const records = after < 0 ? all.slice(-limit) : all.filter((r) => r.seq > after).slice(0, limit);
	const last = records.at(-1)?.seq ?? 0;
	return { records, next: last > 0 && last < 2500 ? last : null };
}

// The good one: [status, answer] for a request.
const routes = [
	['GET', /^\/v1\/rooms$/, (m, q) => { const p = page([...rooms.keys()].sort(), (n) => n, q);
		return { rooms: p.items.map(room), partial: false, next: p.next }; }],
	['POST', /^\/v1\/rooms$/, (m, q, b) => { if (rooms.has(b.name)) throw new Problem(409, 'exists', 'taken');
		rooms.set(b.name, b); return room(b.name); }],
	['GET', /^\/v1\/rooms\/([^/]+)$/, ([, n]) => { if (!rooms.has(n)) throw notFound();
		return { ...room(n), participants_list: people() }; }],
	['PATCH', /^\/v1\/rooms\/([^/]+)$/, ([, n], q, b) => { Object.assign(rooms.get(n), b); return room(n); }],
	['DELETE', /^\/v1\/rooms\/([^/]+)$/, ([, n]) => { if (!rooms.delete(n)) throw notFound(); }],
	['POST', /^\/v1\/rooms\/[^/]+\/(close|rekey)$/, () => ({})],
	['POST', /^\/v1\/rooms\/[^/]+\/participants\/([^/]+)\/(mute|unmute|kick|admit|deny|move)$/, ([, id]) => {
		if (!people().some((p) => p.id === id)) throw notFound(); return {}; }],
	['GET', /^\/v1\/participants$/, () => ({ participants: people(), partial: false })],
	['GET', /^\/v1\/tokens$/, (m, q) => ({ tokens: people().filter((p) => !q.get('user') || p.user === q.get('user')).map((p) => ({ jti: p.jti,
		user: p.user, participant: p.id, room: 'demo', source: 'user', issued_at: now(), expires_at: now() + 60 })), next: null })],
	['DELETE', /^\/v1\/tokens\/(.*)$/, () => undefined],
	['GET', /^\/v1\/revocations$/, () => ({ revocations: [{ seq: 7, kind: 'user', id: 'bob', room: 'demo', ban: true, until: now() + 600,
		created_at: now(), reason: 'rude' }], next: null })],
	['POST', /^\/v1\/revocations$/, () => ({ seq: 8, tokens: 2 })],
	['DELETE', /^\/v1\/revocations\/\d+$/, () => undefined],
	['GET', /^\/v1\/users$/, () => ({ users: [...users.keys()].map((name) => ({ name, created_at: 1, disabled: false })), next: null })],
	['POST', /^\/v1\/users$/, (m, q, b) => { users.set(b.name, b); return { name: b.name }; }],
	['GET', /^\/v1\/users\/([^/]+)$/, ([, name]) => { if (!users.has(name)) throw notFound(); return { name, ...users.get(name) }; }],
	['PATCH', /^\/v1\/users\/([^/]+)$/, ([, name], q, b) => { if (!users.has(name)) throw notFound();
		return { name, ...Object.assign(users.get(name), b) }; }],
	['DELETE', /^\/v1\/users\/([^/]+)$/, ([, name]) => { if (!users.delete(name)) throw notFound(); }],
	['GET', /^\/v1\/apikeys$/, () => ({ apikeys: [{ name: 'app', id: 'abcdefghijkl', rooms: ['*'], admin: false, created_at: 1,
		expires_at: 0, revoked_at: 0 }], next: null })],
	['GET', /^\/v1\/apikeys\/app$/, () => ({ name: 'app', id: 'abcdefghijkl', rooms: ['*'], grants: { publish: ['audio'] } })],
	['POST', /^\/v1\/apikeys$/, (m, q, b) => ({ ...b, key: 'hk_abc_secret' })],
	['DELETE', /^\/v1\/apikeys\/app$/, () => undefined],
	['GET', /^\/v1\/invites$/, () => ({ invites: [{ id: 'inv1', room: 'demo', label: 'Gina', uses: 1, uses_max: 3, passcode: true,
		created_at: 1, expires_at: now() + 9999, revoked_at: 0 }], next: null })],
	['POST', /^\/v1\/invites$/, (m, q, b) => ({ ...b, id: 'inv2', url: `https://authd.example/join#${'eyJ'.repeat(100)}` })],
	['DELETE', /^\/v1\/invites\/inv1$/, () => undefined],
	['GET', /^\/v1\/reflectors$/, () => ({ reflectors: reflectors() })],
	['POST', /^\/v1\/reflectors$/, () => ({ code: 'ABCDE-FGHIJ', expires_at: now() + 900 })],
	['PATCH', /^\/v1\/reflectors\/r1$/, () => ({})],
	['DELETE', /^\/v1\/reflectors\/r1$/, () => undefined],
	['GET', /^\/v1\/keys$/, () => ({ keys: [{ kid: 'k1', created_at: 1, active_at: 1, retired_at: 0, signs: true }] })],
	['POST', /^\/v1\/keys\/rotate$/, () => ({})],
	['GET', /^\/v1\/policy$/, () => policy],
	['PATCH', /^\/v1\/policy$/, (m, q, b) => { policy = b; return policy; }],
	['GET', /^\/v1\/audit$/, (m, q) => audit(q)],
	['GET', /^\/v1\/audit\/verify$/, () => ({ ok: true, records: 2500, bad_seq: 0, why: '', head: HASH })],
	['GET', /^\/v1\/events$/, (m, q) => ({ events: Number(q.get('after')) < 2 ? [{ n: 1, at: now(), what: 'joined', room: 'demo', id: 'alice' },
		{ n: 2, at: now(), what: 'alarm', reflector: 'r9', why: 'wrong pin' }] : [], next: 2 })],
	['GET', /^\/v1\/status$/, () => ({ name: 'authd', cluster: 'test', version: '0.1.0', now: now(), uptime_s: 5, listen: [],
		database: { kind: 'sqlite', ok: true, clock: now() }, keys: [{ kid: 'k1', active_at: now() - 400 * 86400, signs: true }],
		certificates: [{ what: 'https', file: 'a.crt', expires_at: now() + 86400 * 365 },
			{ what: 'control', begins_at: now() - 86400, expires_at: now() + 86400 * 40 },
			{ what: 'short', begins_at: now() - 86400 * 6, expires_at: now() + 86400 }],
		limits: { open_files: 65536, open_files_used: 20 }, links: { all: 2, up: 1 } })],
];

function good(method, url, body) {
	const { pathname, searchParams } = new URL(url, 'http://x');
	for (const [how, pattern, answer] of routes) {
		const match = pathname.split('/').map(decodeURIComponent).join('/').match(pattern);
		if (how === method && match) {
			const json = answer(match, searchParams, body);
			return [json === undefined ? 204 : 200, json];
		}
	}
	throw notFound();
}

// ---------------------------------------------------------------- the others
const evil = 'a\u001b]0;pwned\u0007b\u009b31m\u202egnp\r\nforged line';
const lists = ['rooms', 'participants', 'tokens', 'users', 'apikeys', 'invites', 'reflectors', 'revocations', 'keys', 'records', 'events'];
const all = (value) => Object.fromEntries(lists.map((name) => [name, value]));
const badTypes = { name: 7, id: [], live: 'x', participants: {}, streams: 'many', created_at: 'soon', joined_at: 1e300, bytes_in: -1,
	bytes_out: true, dropped: null, queue_ms: {}, workers: 'none', seq: 'x', at: [], hash: 5, detail: [[[]]], missing: 4, until: -9e15,
	expires_at: 9e18, grants: 3, policy: 'no', rooms: 4 };
const hostile = {
	good: null,
	types: () => [200, { ...all([badTypes, 3, null, [], 'x']), ...badTypes, ...all([badTypes, 3, null, [], 'x']), partial: true, next: {} }],
	nolist: () => [200, { ok: 1 }],
	array: () => [200, []],
	nul: () => [200, all([{ name: 'a\u0000b' }])],
	escapes: () => [200, { ...all([{ name: evil, id: evil, jti: evil, room: evil, user: evil, reason: evil, kid: evil, what: evil, label: evil,
		error: evil, alarm: evil, state: evil, control: evil, actor: evil, action: evil, object: evil, detail: evil, [evil]: evil, seq: 1,
		n: 1, address: evil, workers: [{ port: 1 }], grants: { publish: [evil], [evil]: evil } }]), name: evil, policy: { zone: evil, [evil]: evil },
	key: evil, url: evil, code: evil, ok: false, why: evil, head: evil, version: evil, database: { ok: false, error: evil }, next: null,
	partial: true, missing: [evil] }],
	loop: () => [200, { ...all([{ name: 'x', seq: 1, n: 1 }]), next: 'x' }],
	climb: (() => { let n = 0; return () => [200, { ...all([]), next: `n${n++}` }]; })(),
	denied: () => { throw new Problem(401, 'denied', 'this key may not'); },
	rate: () => { throw new Problem(429, 'rate', 'too many requests', { 'Retry-After': '17' }); },
	full: () => { throw new Problem(503, 'store', 'the disk is full', { 'Retry-After': '5' }); },
	evilproblem: () => { throw new Problem(400, 'bad-field', evil); },
	odd: () => { throw new Problem(418, 'teapot-\u001b[31m', 'short and stout'); },
	html: (res) => { res.writeHead(502, { 'Content-Type': 'text/html' }); res.end('<h1>bad gateway</h1>'); },
	redirect: (res) => { res.writeHead(302, { Location: 'http://192.0.2.1/' }); res.end(); },
	truncated: (res) => { res.writeHead(200, { 'Content-Length': 1000 }); res.write('{"rooms": [{"na'); setTimeout(() => res.destroy(), 20); },
	halfjson: (res) => { res.end('{"rooms": [{"na'); },
	twice: (res) => { res.end('{"rooms": [], "rooms": []}'); },
	deep: (res) => { res.end(`{"rooms": ${'['.repeat(100000)}${']'.repeat(100000)}}`); },
	notutf8: (res) => { res.end(Buffer.from('{"rooms": [{"name": "\xff\xfe"}]}', 'latin1')); },
	huge: (res) => { res.writeHead(200); const chunk = ' '.repeat(1 << 20); let n = 0;
		const more = () => { while (n++ < 80) { if (!res.write(chunk)) { res.once('drain', more); return; } } res.end('{}'); }; more(); },
	drip: (res) => { res.writeHead(200); const timer = setInterval(() => res.write(' '), 20); res.on('close', () => clearInterval(timer)); },
	deaf: () => null,
};

function answer(mode, req, res, body) {
	try {
		const how = hostile[mode];
		if (how && how.length > 0) { how(res); return; }
		const made = how ? how() : good(req.method, req.url, body.length > 0 ? JSON.parse(body) : undefined);
		if (made === null) return;
		res.writeHead(made[0], { 'Content-Type': 'application/json' });
		res.end(made[1] === undefined ? undefined : JSON.stringify(made[1]));
	} catch (problem) {
		if (!(problem instanceof Problem)) throw problem;
		res.writeHead(problem.status, { 'Content-Type': 'application/problem+json', ...problem.headers });
		res.end(JSON.stringify({ code: problem.code, title: 'no', detail: problem.message }));
	}
}
const listener = (mode, judge) => (req, res) => {
	const chunks = [];
	req.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
		const body = Buffer.concat(chunks).toString();
		appendFileSync(`${dir}/requests`, `${req.method} ${req.url} ${body}\n`);
		if (judge && !judge(req)) {
			res.writeHead(401, { 'Content-Type': 'application/problem+json' });
			res.end('{"code":"denied","detail":"this key may not"}');
			return;
		}
		answer(mode, req, res, body);
	});
	res.on('error', () => {});
};

const waiting = Object.keys(hostile).map((mode) => new Promise((done) => {
	createServer(listener(mode)).listen(`${dir}/${mode}.sock`, done);
}));
if (cert) {
	const options = { cert: readFileSync(cert), key: readFileSync(key), ca: readFileSync(ca), requestCert: true, rejectUnauthorized: false };
	const server = createTls(options, listener('good', (req) => req.headers.authorization === 'Bearer hk_good' || req.socket.authorized));
	waiting.push(new Promise((done) => {
		server.listen(0, '127.0.0.1', () => { writeFileSync(`${dir}/port`, String(server.address().port)); done(); });
	}));
}
await Promise.all(waiting);
writeFileSync(`${dir}/ready.tmp`, 'ready');
renameSync(`${dir}/ready.tmp`, `${dir}/ready`);
setTimeout(() => process.exit(0), 1500000);
