// reflector_alone.mjs: helio-reflector with a small authd of the test's own: the control link, joins,
// roster, media to many, chat, what is refused, and what signals and dead processes do.
// usage: reflector_alone.mjs --reflector PROGRAM [--address 127.0.0.1|::1]
import crypto from 'node:crypto';
import { FLAG, KIND, Lane, frame, join, pinOf, sleep, until } from './hrp.mjs';
import { Checks, assert, options, watchdog } from './check.mjs';
import { FakeAuthd, Files, Reflector, freePorts } from './alone_lib.mjs';

const opt = options();
const address = opt.address ?? '127.0.0.1';
const bracketed = address.includes(':') ? `[${address}]` : address;
const checks = new Checks();
const files = new Files();
let reflector;
process.on('exit', () => {
	reflector?.child.kill('SIGTERM');
	files.remove();
});
watchdog(120000);

files.ca('ca');
files.ca('other');
files.cert('r1', 'r1.example');
files.cert('authd', 'authd.example');
files.cert('stranger', 'stranger.example');
files.cert('forged', 'authd.example', 'other');
const [port, port2, control] = await freePorts(address);
const settings = (more = '') => `name = "r1"
listen = {"${address}"}
ports = "${port}-${port2}"
control = "${bracketed}:${control}"
authd-name = "authd.example"
certificate = "r1.crt"
key = "r1.key"
control-ca = "ca.crt"
log-format = "json"
heartbeat = 1s
${more}`;
const settingsFile = files.write('reflector.conf', settings());
reflector = new Reflector(opt.reflector, settingsFile);
const authd = new FakeAuthd(files);
const place = `r1:${port}`;
const endpoint = { address, port, tls_name: 'r1.example' };
const ca = files.read('ca.crt');

const enter = (id, room = 'demo', more = {}) => join({ token: authd.token(id, room, place, more.claims).token },
	{ endpoint, ca, hello: more.hello });
async function refused(token, hello = {}) {
	try {
		(await join({ token }, { endpoint, ca, hello })).cut();
	} catch (e) {
		await e.lane?.closed;
		return e.code ?? e.message;
	}
	return 'joined';
}
const collect = (lane, kind) => {
	const frames = [];
	lane.on('frame', (f) => { if (f.kind === kind) { frames.push(f); } });
	return frames;
};
const publish = async (lane, kind, codec = 'opus') => {
	const answer = await lane.request({ type: 'publish', kind, codec, label: kind });
	assert.equal(answer.type, 'published', JSON.stringify(answer));
	return answer.stream;
};
const sendAudio = (lane, stream, from, count) => {
	for (let seq = from; seq < from + count; seq++) {
		lane.send({ kind: KIND.audio, stream, seq, timestamp: seq * 960, level: seq % 128,
			payload: crypto.createHash('sha512').update(`${stream}:${seq}`).digest() });
	}
};
const ends = async (...lanes) => { await Promise.all(lanes.map((l) => l.bye())); };

await checks.run('ready is logged with its ports', async () => {
	const ready = await reflector.event('ready');
	assert.equal(ready.ports, `${port}-${port2}`);
});

await checks.run('without authd a join is refused as authd-away', async () => {
	assert.equal(await refused(authd.token('a', 'demo', place).token), 'authd-away');
});

await checks.run('the control link is for authd alone', async () => {
	for (const [cert, alpn] of [[null], ['stranger'], ['forged'], ['authd', 'helio/1']]) {
		const link = new FakeAuthd(files).dial(address, control, cert, alpn);
		link.socket.once('secureConnect', () => link.send({ type: 'link-hello', version: 1,
			cluster: 'example', issuer: 'authd', authd: 'authd' }));
		await link.closed;
		assert.equal(link.messages.length, 0, `${cert} ${alpn} was welcome`);
	}
});

await checks.run('a link that does not begin with link-hello is closed', async () => {
	const link = new FakeAuthd(files).dial(address, control);
	link.sendKeys();
	await link.closed;
	assert.equal(link.messages.length, 0);
});

await checks.run('link-hello is answered with name, workers and pin', async () => {
	const welcome = await authd.dial(address, control).hello();
	assert.equal(welcome.version, 1);
	assert.equal(welcome.reflector, 'r1');
	assert.deepEqual(welcome.workers, [{ port }, { port: port2 }]);
	assert.equal(welcome.pin, pinOf(new crypto.X509Certificate(files.read('r1.crt'))));
	endpoint.pin = welcome.pin;
	authd.sendKeys();
	await authd.query('rooms'); // behind the keys: the workers have them now
});

await checks.run('two join, see each other and hear each other', async () => {
	const a = await enter('alice+laptop');
	assert.deepEqual([a.welcome.participant.num, a.welcome.room, a.welcome.max_lanes], [1, 'demo', 1]);
	assert.deepEqual(a.welcome.capabilities, ['chat', 'layers']);
	const b = await enter('bob');
	assert.deepEqual([...b.roster.people.values()].map((p) => p.id), ['alice+laptop']);
	assert.equal((await a.expect('joined')).participant.id, 'bob');
	const heard = [collect(a, KIND.audio), collect(b, KIND.audio)];
	const ids = [await publish(a, 'audio'), await publish(b, 'audio')];
	assert.equal((await b.expect((m) => m.type === 'published' && m.stream === ids[0])).num, 1);
	assert.equal((await a.expect((m) => m.type === 'published' && m.stream === ids[1])).id, 'bob');
	sendAudio(a, ids[0], 0, 200);
	sendAudio(b, ids[1], 65500, 200);
	assert.ok(await until(() => heard[0].length >= 200 && heard[1].length >= 200));
	assert.deepEqual(heard[1].map((f) => f.seq), [...Array(200).keys()]);
	assert.equal(heard[0][199].seq, 163);
	assert.ok(heard[1].every((f) => f.level === f.seq % 128 && f.timestamp === f.seq * 960 && f.stream === ids[0]));
	a.control({ type: 'unpublish', stream: ids[0] });
	assert.equal((await b.expect('unpublished')).stream, ids[0]);
	assert.equal((await a.expect('unpublished')).num, 1);
	await a.bye();
	assert.deepEqual([(await b.expect('left')).reason, b.roster.people.size], ['bye', 0]);
	await b.bye();
	await reflector.event('room-close');
});

await checks.run('every receiver gets every frame, the sender none', async () => {
	const lanes = [];
	for (let i = 0; i < 8; i++) {
		lanes.push(await enter(`p${i}`, 'many'));
	}
	const heard = lanes.map((l) => collect(l, KIND.audio));
	const id = await publish(lanes[0], 'audio');
	sendAudio(lanes[0], id, 0, 500);
	sendAudio(lanes[0], id, 500, 500);
	lanes[0].control({ type: 'unpublish', stream: id });
	assert.ok(await until(() => heard.slice(1).every((h) => h.length === 1000)), heard.map((h) => h.length).join(' '));
	assert.equal(heard[0].length, 0);
	const digest = (h) => crypto.createHash('sha256').update(Buffer.concat(h.map((f) => f.payload))).digest('hex');
	assert.equal(new Set(heard.slice(1).map(digest)).size, 1);
	const { items } = await authd.query('participants', 'many');
	assert.equal(items.length, 8);
	assert.ok(items.every((p) => p.room === 'many' && p.dropped === 0 && p.lanes === 1), JSON.stringify(items[0]));
	const rooms = (await authd.query('rooms')).items;
	assert.deepEqual([rooms.length, rooms[0].name, rooms[0].participants, rooms[0].reflector, rooms[0].port],
		[1, 'many', 8, 'r1', port]);
	await ends(...lanes);
});

await checks.run('chat to the room and to one, in order, acknowledged', async () => {
	const [a, b, c] = [await enter('a'), await enter('b'), await enter('c')];
	const got = [a, b, c].map((l) => collect(l, KIND.chat));
	for (let seq = 1; seq <= 50; seq++) {
		a.send({ kind: KIND.chat, seq, payload: `line ${seq}` });
		assert.deepEqual(await a.expect('chat-ack'), { type: 'chat-ack', seq, number: seq });
	}
	b.send({ kind: KIND.chat, flags: FLAG.marker, stream: c.welcome.participant.num, seq: 1, payload: 'psst' });
	assert.equal((await b.expect('chat-ack')).number, 51);
	assert.ok(await until(() => got[1].length === 50 && got[2].length === 51));
	assert.deepEqual(got[1].map((f) => [f.timestamp, f.seq, f.stream, f.flags, f.payload.toString()]),
		[...Array(50).keys()].map((i) => [i + 1, i + 1, 1, 0, `line ${i + 1}`]));
	assert.deepEqual([got[2][50].flags, got[2][50].stream, got[2][50].timestamp], [FLAG.marker, 2, 51]);
	assert.equal(got[0].length, 0);
	for (const [fields, code] of [[{ payload: '' }, 'bad-field'], [{ payload: Buffer.alloc(4097) }, 'too-large'],
		[{ payload: 'x', stream: 99, flags: FLAG.marker }, 'unknown-participant']]) {
		a.send({ kind: KIND.chat, seq: 77, ...fields });
		const e = await a.expect('error');
		assert.deepEqual([e.code, e.about, e.seq, e.fatal], [code, 'chat', 77, false]);
	}
	await ends(a, b, c);
});

await checks.run('video begins at a keyframe, which is asked for once', async () => {
	const a = await enter('a');
	const id = await publish(a, 'video', 'vp8');
	const video = (seq, flags) => a.send({ kind: KIND.video, stream: id, seq, timestamp: seq * 3000, flags,
		payload: `picture ${seq}` });
	const b = await enter('b');
	const seen = collect(b, KIND.video);
	assert.equal((await a.expect('keyframe')).stream, id);
	video(0, FLAG.first | FLAG.last);
	video(1, FLAG.keyframe | FLAG.first);
	video(2, FLAG.keyframe | FLAG.last);
	video(3, FLAG.first | FLAG.last);
	assert.ok(await until(() => seen.length === 3));
	assert.deepEqual(seen.map((f) => f.seq), [1, 2, 3]);
	for (let i = 0; i < 5; i++) {
		b.control({ type: 'keyframe', stream: id });
	}
	await b.ping();
	await sleep(600);
	b.control({ type: 'keyframe', stream: id });
	await a.expect('keyframe');
	await a.ping();
	assert.ok(a.messages.filter((m) => m.type === 'keyframe').length <= 1, 'too many requests');
	assert.deepEqual((await b.request({ type: 'unsubscribe', streams: [id, 999] })).streams, [id]);
	video(4, FLAG.keyframe | FLAG.first | FLAG.last);
	await a.ping();
	await b.ping();
	assert.equal(seen.length, 3);
	assert.deepEqual((await b.request({ type: 'subscribe', streams: [id] })).streams, [id]);
	assert.deepEqual(await b.request({ type: 'layers', stream: id, spatial: 0, temporal: 1 }).then((m) => m.type), 'layers');
	video(5, FLAG.first | FLAG.last);
	video(6, FLAG.keyframe | FLAG.first | FLAG.last);
	a.send({ kind: KIND.video, stream: id, seq: 7, layer: 2, flags: FLAG.first | FLAG.last, payload: 'above' });
	a.send({ kind: KIND.video, stream: id, seq: 8, layer: 1, flags: FLAG.first | FLAG.last, payload: 'wanted' });
	assert.ok(await until(() => seen.length === 5));
	assert.deepEqual(seen.slice(3).map((f) => f.seq), [6, 8]);
	await ends(a, b);
});

await checks.run('the newcomer finds streams in the roster; subscribe none gets nothing', async () => {
	const a = await enter('a');
	const id = await publish(a, 'audio');
	const b = await enter('b', 'demo', { hello: { subscribe: 'none' } });
	assert.deepEqual([...b.roster.streams.values()].map((s) => [s.stream, s.codec, s.label]), [[id, 'opus', 'audio']]);
	const heard = collect(b, KIND.audio);
	sendAudio(a, id, 0, 5);
	await a.ping();
	await b.ping();
	assert.equal(heard.length, 0);
	assert.equal((await b.request({ type: 'subscribe', streams: [id] })).type, 'subscribed');
	sendAudio(a, id, 5, 5);
	assert.ok(await until(() => heard.length === 5));
	assert.equal((await b.request({ type: 'subscribe', streams: [4000] })).code, 'unknown-stream');
	await ends(a, b);
});

await checks.run('a roster larger than the payload limit comes in pages', async () => {
	const lanes = [];
	for (let i = 0; i < 12; i++) {
		lanes.push(await enter(`someone-with-a-long-name-${i}`, 'roster', { claims: { name: 'x'.repeat(128) } }));
	}
	for (let i = 0; i < 8; i++) {
		const m = await lanes[0].request({ type: 'publish', kind: 'audio', codec: 'c'.repeat(32), label: 'l'.repeat(64) });
		assert.equal(m.type, 'published');
	}
	assert.equal((await lanes[0].request({ type: 'publish', kind: 'audio', codec: 'x' })).code, 'limit');
	const last = await enter('last', 'roster', { hello: { max_payload: 1200 } });
	assert.equal(last.welcome.max_payload, 1200);
	await last.ping();
	assert.equal(last.roster.people.size, 12);
	assert.equal(last.roster.streams.size, 8);
	await ends(last, ...lanes);
});

await checks.run('tokens that open no door', async () => {
	const now = Math.floor(Date.now() / 1000);
	const t = (change, head) => authd.token('eve', 'demo', place, change, head).token;
	const other = new FakeAuthd(files);
	for (const [token, code, hello] of [
		['x', 'token-invalid'], [t().replace(/.$/, (c) => (c === 'A' ? 'B' : 'A')), 'token-invalid'],
		[other.token('eve', 'demo', place).token, 'token-invalid'],
		[t({}, { alg: 'none' }), 'token-invalid'], [t({}, { typ: 'JWT' }), 'token-invalid'],
		[t({ aud: 'elsewhere' }), 'token-audience'], [t({ iss: 'mallory' }), 'token-invalid'],
		[t({ exp: now - 1 }), 'token-expired'], [t({ nbf: now + 3600 }), 'token-early'],
		[t(), 'token-room', { room: 'other' }], [t({ at: [`r1:${port2}`] }), 'token-place'],
		[t(), 'version', { versions: [2] }], [t(), 'bad-field', { max_payload: 1199 }],
		[t(), 'bad-field', { subscribe: 'some' }], [7, 'bad-field'],
	]) {
		assert.equal(await refused(token, hello), code, code);
	}
});

await checks.run('a revoked token opens nothing and ends its session', async () => {
	const { token, claims } = authd.token('mallory', 'demo', place);
	const lane = await join({ token }, { endpoint, ca });
	authd.revoke(claims.jti);
	assert.equal((await lane.closed).bye, 'token-revoked');
	assert.equal(await refused(token), 'token-revoked');
});

await checks.run('the end of a token ends its session', async () => {
	const lane = await enter('short', 'demo', { claims: { exp: Math.floor(Date.now() / 1000) + 4 } });
	assert.equal((await lane.closed).bye, 'token-expired');
});

await checks.run('the same participant again replaces the older session; the room stays', async () => {
	const first = await enter('twin');
	const second = await enter('twin');
	assert.equal((await first.closed).bye, 'replaced');
	assert.equal(second.welcome.participant.num, 2);
	assert.equal(second.roster.people.size, 0);
	await second.bye();
});

await checks.run('grants are kept', async () => {
	const grants = { publish: ['audio'], subscribe: false, chat: false, moderate: false };
	const a = await enter('a', 'demo', { claims: { grants } });
	const b = await enter('b');
	const id = await publish(b, 'audio');
	assert.equal((await a.request({ type: 'publish', kind: 'video', codec: 'vp8' })).code, 'not-granted');
	assert.equal((await a.request({ type: 'subscribe', streams: [id] })).code, 'not-granted');
	a.send({ kind: KIND.chat, seq: 1, payload: 'x' });
	assert.equal((await a.expect('error')).code, 'not-granted');
	const heard = collect(a, KIND.audio);
	sendAudio(b, id, 0, 3);
	await b.ping();
	await a.ping();
	assert.equal(heard.length, 0);
	await ends(a, b);
});

await checks.run('bad messages are answered and survived, bad frames are not', async () => {
	const a = await enter('a');
	for (const [text, code] of [['{', 'bad-json'], ['[]', 'bad-json'], ['{}', 'bad-field'],
		['{"type":"attach"}', 'unknown-message'], ['{"type":"publish","kind":"smell","codec":"x"}', 'bad-field'],
		['{"type":"publish","req":-1}', 'bad-field'], ['{"type":"unpublish","stream":9}', 'unknown-stream']]) {
		a.control(text);
		const e = await a.expect('error');
		assert.deepEqual([e.code, e.fatal], [code, false], text);
	}
	sendAudio(a, 9, 0, 100);
	assert.equal((await a.expect('error')).code, 'unknown-stream');
	await a.ping();
	assert.equal(a.messages.filter((m) => m.type === 'error').length, 0);
	for (const [bytes, code] of [[frame({ kind: 8 }), 'bad-frame'], [frame({ kind: 2, flags: 0x40 }), 'bad-frame'],
		[frame({ kind: 2, length: 16385 }), 'too-large'], [frame({ kind: 6, payload: Buffer.alloc(65) }), 'bad-frame'],
		[frame({ kind: 1, payload: '{"type":"hello"}' }), 'second-hello']]) {
		const lane = await enter('b');
		lane.sendRaw(bytes);
		assert.equal((await lane.closed).error, code);
	}
	await a.bye();
});

await checks.run('the room hears how somebody left', async () => {
	const a = await enter('a');
	for (const [how, reason] of [[(l) => l.bye(), 'bye'], [(l) => l.cut(), 'lost'], [(l) => l.socket.end(), 'closed'],
		[(l) => l.control({ type: 'bye', reason: 'too-slow' }), 'too-slow'],
		[(l) => l.control({ type: 'bye', reason: 'rude words' }), 'bye'],
		[(l) => l.control({ type: 'error', code: 'bad-frame', fatal: true }), 'bad-frame'],
		[(l) => l.send({ kind: KIND.ping, payload: Buffer.alloc(65) }), 'bad-frame']]) {
		const b = await enter('b');
		await a.expect('joined');
		how(b);
		assert.equal((await a.expect('left')).reason, reason);
		await b.closed;
	}
	a.control({ type: 'error', code: 'bad-frame', fatal: false });
	await a.ping();
	await a.bye();
});

await checks.run('before the hello only a hello, and in time', async () => {
	const silent = await Lane.connect(endpoint, { ca });
	const early = await Lane.connect(endpoint, { ca });
	early.send({ kind: KIND.audio, payload: 'x' });
	assert.equal((await early.closed).error, 'hello-expected');
	const large = await Lane.connect(endpoint, { ca });
	large.sendRaw(frame({ kind: 1, length: 8193 }));
	assert.equal((await large.closed).error, 'too-large');
	assert.equal((await silent.closed).error, 'deadline');
});

await checks.run('too many control messages end the session', async () => {
	const a = await enter('flood');
	for (let i = 0; i < 300; i++) {
		a.control({ type: 'nonsense' });
	}
	assert.equal((await a.closed).error, 'limit');
});

await checks.run('a receiver that does not read loses media, is told, and costs others nothing', async () => {
	const [a, slow, fine] = [await enter('a'), await enter('slow'), await enter('fine')];
	const id = await publish(a, 'audio');
	const heard = collect(fine, KIND.audio);
	const late = collect(slow, KIND.audio);
	slow.socket.pause();
	const count = 3000;
	for (let seq = 0; seq < count; seq += 20) {
		for (let i = 0; i < 20; i++) {
			a.send({ kind: KIND.audio, stream: id, seq: seq + i, payload: Buffer.alloc(8000) });
		}
		await a.ping();
	}
	assert.ok(await until(() => heard.length === count), `${heard.length}`);
	slow.socket.resume();
	const drops = await slow.expect('drops');
	assert.deepEqual([drops.stream, drops.class], [id, 'audio']);
	assert.ok(drops.count > 0 && drops.bytes > 0);
	const told = () => drops.count + slow.messages.filter((m) => m.type === 'drops').reduce((n, m) => n + m.count, 0);
	assert.ok(await until(() => late.length + told() === count, 5000), `${late.length} + ${told()}`);
	await ends(a, slow, fine);
});

await checks.run('pings of one that does not read are bounded', async () => {
	const a = await enter('pinger');
	// At one moment: were they to come one by one, each could be answered before the next.
	a.sendRaw(Buffer.concat(Array(5000).fill(frame({ kind: KIND.ping, payload: Buffer.alloc(64) }))));
	let pongs = 0;
	a.on('pong', () => { pongs++; });
	assert.ok(await until(() => pongs >= 32), `${pongs} pongs`);
	// An answer to one that was sent behind them says that all have been dealt with.
	let answered = false;
	for (let i = 0; i < 20 && !answered; i++) {
		answered = await a.ping(Buffer.from(`behind ${i}`), 500).then(() => true, () => false);
	}
	assert.ok(answered && pongs < 5000, `${pongs} pongs`);
	await a.bye();
});

await checks.run('a silent peer is closed as timeout', async () => {
	const a = await enter('silent');
	a.autoPong = false;
	assert.equal((await a.closed).bye, 'timeout');
});

await checks.run('a killed worker is started again, with keys and revocations', async () => {
	const { token, claims } = authd.token('gone', 'demo', place);
	authd.revoke(claims.jti);
	const a = await enter('victim');
	process.kill(reflector.pid('worker-started', port), 'SIGKILL');
	const died = await reflector.event('worker-died');
	assert.deepEqual([died.by, Number(died.status), Number(died.port)], ['signal', 9, port]);
	await a.closed;
	assert.ok(await until(() => reflector.events('worker-started').length === 3));
	const b = await enter('back');
	assert.equal(b.welcome.participant.num, 1);
	assert.equal(await refused(token), 'token-revoked');
	await b.bye();
});

await checks.run('a killed gate is started again; sessions and keys stay', async () => {
	const a = await enter('stays');
	process.kill(reflector.pid('gate-started', 0), 'SIGKILL');
	await authd.closed;
	await reflector.event('gate-died');
	await enter('still').then((l) => l.bye());
	assert.ok(await until(() => reflector.events('gate-started').length === 2));
	await until(() => reflector.events('gate-started').length === 2);
	let welcome;
	for (let i = 0; welcome === undefined && i < 50; i++, await sleep(100)) {
		authd.dial(address, control);
		welcome = await authd.hello().catch(() => undefined);
	}
	assert.equal(welcome.reflector, 'r1');
	authd.sendKeys();
	assert.equal((await authd.query('participants')).items.length, 1);
	await a.bye();
});

await checks.run('SIGHUP with bad settings keeps the old ones and says why', async () => {
	const a = await enter('reload');
	for (const [text, why] of [['nonsense = 1\n', /nonsense/], ['', /listen/],
		[settings().replace('"r1"', '"r2"'), /`name` changed/], [settings('max-payload = 3\n'), /max-payload/]]) {
		files.write('reflector.conf', text);
		const before = reflector.events('reload-failed').length;
		reflector.kill('SIGHUP');
		assert.ok(await until(() => reflector.events('reload-failed').length > before));
		assert.match(reflector.events('reload-failed').at(-1).reason, why);
	}
	await a.ping();
	await a.bye();
});

await checks.run('SIGHUP takes new certificates and limits; sessions stay', async () => {
	files.cert('r1', 'r1.example'); // nothing here pings while it is made
	const a = await enter('reload');
	files.write('reflector.conf', settings('max-payload = 2000\n'));
	reflector.kill('SIGHUP');
	await reflector.event('reload');
	const pin = pinOf(new crypto.X509Certificate(files.read('r1.crt')));
	assert.notEqual(pin, endpoint.pin);
	await authd.closed;
	endpoint.pin = pin;
	const b = await enter('later');
	assert.equal(b.welcome.max_payload, 2000);
	await a.ping();
	assert.equal((await authd.dial(address, control).hello()).pin, pin);
	authd.sendKeys();
	await ends(a, b);
});

await checks.run('SIGTERM says shutdown to everybody and ends in order', async () => {
	const lanes = [await enter('a'), await enter('b')];
	const start = Date.now();
	reflector.kill('SIGTERM');
	for (const lane of lanes) {
		assert.equal((await lane.closed).bye, 'shutdown');
	}
	assert.deepEqual(await reflector.end(), { code: 0, signal: null });
	assert.ok(Date.now() - start < 20000, `${Date.now() - start} ms`);
	const texts = reflector.events('text').map((e) => e.text);
	assert.deepEqual(texts, []);
});

const status = checks.finish();
if (status !== 0) {
	for (const e of reflector.log.slice(-30)) {
		console.log(JSON.stringify(e));
	}
}
reflector.kill('SIGTERM');
await reflector.end().catch(() => reflector.kill('SIGKILL'));
process.exit(status);
