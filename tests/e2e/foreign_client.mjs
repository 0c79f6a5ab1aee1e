// foreign_client.mjs: a client written from doc/protocol.md alone (by way of hrp.mjs) in a room with
// helio-call: it receives what helio-call sends, sends each audio packet back on a stream of its own,
// and chats. It prints one line per case, "ready" when helio-call may come, and a JSON line at the end.
// usage: foreign_client.mjs --authd URL --ca FILE --user U --password P --room R --other USER --say TEXT
//        --answer TEXT --text doc/protocol.md --hashes FILE
// --hashes: where the hash of each received payload is written, one a line.
import crypto from 'node:crypto';
import fs from 'node:fs';
import https from 'node:https';
import {
	FLAG, FrameReader, KIND, Lane, fetchToken, frame, join, opusDuration, within,
} from './hrp.mjs';
import { Checks, assert, options, watchdog } from './check.mjs';

watchdog(110000);
const opt = options();
const ca = fs.readFileSync(opt.ca);
const checks = new Checks();
const who = { user: opt.user, password: opt.password, room: opt.room };

function getJson(url) {
	return new Promise((resolve, reject) => {
		https.get(url, { ca, agent: false }, (res) => {
			let text = '';
			res.on('data', (d) => { text += d; });
			res.on('end', () => resolve(JSON.parse(text)));
		}).on('error', reject);
	});
}

// The hash that helio-call's trace has of each payload: FNV-1a, 64 bits.
function fnv1a(bytes) {
	let hash = 0xcbf29ce484222325n;
	for (const b of bytes) {
		hash = BigInt.asUintN(64, (hash ^ BigInt(b)) * 0x100000001b3n);
	}
	return hash.toString(16).padStart(16, '0');
}

const decode = (s) => JSON.parse(Buffer.from(s, 'base64url'));

// The lines of a block of test vectors, split into words.
function vectors(text, name) {
	const [, block] = new RegExp(`^\`\`\`${name}\n([^]*?)\n\`\`\``, 'm').exec(text);
	return block.split('\n').map((line) => line.split(' '));
}

function judgeVectors(text) {
	const good = vectors(text, 'vectors');
	for (const [head, body, kind, flags, layer, level, stream, seq, timestamp] of good) {
		const bytes = Buffer.from(head + (body === '-' ? '' : body), 'hex');
		const reader = new FrameReader();
		reader.limit = 16384;
		reader.push(bytes);
		const f = reader.next();
		const want = [kind, parseInt(flags, 16), parseInt(layer, 16), level, stream, seq, timestamp].map(Number);
		assert.deepEqual([f.kind, f.flags, f.layer, f.level, f.stream, f.seq, f.timestamp], want, head);
		assert.ok(frame(f).equals(bytes), head);
	}
	const bad = vectors(text, 'vectors-bad');
	for (const [head] of bad) {
		const reader = new FrameReader();
		reader.limit = 16384;
		reader.push(Buffer.from(head, 'hex'));
		assert.throws(() => reader.next(), head);
	}
	assert.ok(good.length >= 8 && bad.length >= 5);
}

// What we need not do as a client, but what the text promises of tokens and keys.
function judgeToken(answer, jwks) {
	const [head, claims, signature] = answer.token.split('.');
	const { alg, typ, kid } = decode(head);
	assert.deepEqual([alg, typ], ['EdDSA', 'helio+jwt']);
	assert.deepEqual(answer.keys, jwks, 'keys of the answer and at jwks.json');
	const jwk = jwks.keys.find((k) => k.kid === kid);
	const key = crypto.createPublicKey({ key: jwk, format: 'jwk' });
	const signed = Buffer.from(`${head}.${claims}`);
	assert.ok(crypto.verify(null, signed, key, Buffer.from(signature, 'base64url')), 'signature');
	const c = decode(claims);
	assert.deepEqual([c.aud, c.sub, c.room], [answer.cluster, answer.participant, answer.room]);
	assert.equal(c.exp, answer.expires_at);
	assert.ok(c.iat <= Date.now() / 1000 + 1 && c.exp > c.iat);
	assert.ok(c.at.length > 0 && answer.endpoints.some((e) => c.at[0].endsWith(`:${e.port}`)));
}

function judgeWelcome(lane, answer) {
	const w = lane.welcome;
	assert.equal(w.version, 1);
	assert.equal(w.room, opt.room);
	assert.deepEqual([w.participant.id, w.participant.name], [answer.participant, 'Foreign']);
	assert.ok(w.participant.num >= 1 && w.participant.num <= 65535);
	assert.deepEqual([...w.capabilities].sort(), ['chat', 'layers']);
	assert.ok(w.grants.publish.includes('audio') && w.grants.subscribe && w.grants.chat);
	assert.ok(w.max_payload >= 1200 && w.heartbeat_ms > 0 && w.max_lanes >= 1 && w.max_streams >= 1);
	assert.equal(lane.roster.people.size, 0, 'nobody else is in the room yet');
}

// Audio of the other one: exactly consecutive, 20 ms of Opus each.
function judgeAudio(frames) {
	assert.ok(frames.length > 0, 'no audio came');
	frames.forEach((f, i) => {
		const previous = frames[Math.max(0, i - 1)];
		assert.equal(f.seq, (frames[0].seq + i) & 0xffff, `gap before frame ${i}`);
		assert.equal((f.timestamp - previous.timestamp) >>> 0, i === 0 ? 0 : 960, `clock of frame ${i}`);
		assert.equal(opusDuration(f.payload), 20, `frame ${i} is no 20 ms Opus packet`);
		assert.ok(f.level <= 127 && (f.flags & ~0x3f) === 0);
	});
}

await checks.run('the test vectors of the text', async () => judgeVectors(fs.readFileSync(opt.text, 'utf8')));
const answer = await fetchToken(opt.authd, ca, { ...who, device: 'foreign', name: 'Foreign' });
await checks.run('token, claims and published keys agree', async () =>
	judgeToken(answer, await getJson(new URL('/.well-known/jwks.json', opt.authd))));
await checks.run('a reflector with another pin is refused before anything is sent', async () => {
	const endpoint = { ...answer.endpoints[0], pin: `sha256/${'A'.repeat(43)}=` };
	await assert.rejects(Lane.connect(endpoint, { ca }), /pin is/);
});
await checks.run('the pin alone is enough to trust', async () => {
	const lane = await Lane.connect(answer.endpoints[0]);
	lane.cut();
});

const lane = await join(answer, { ca });
await checks.run('welcome and roster', async () => judgeWelcome(lane, answer));
const published = await lane.request({ type: 'publish', kind: 'audio', codec: 'opus', label: 'echo' });
await checks.run('publish is answered', async () => {
	const { type, kind, codec, label, id } = published;
	assert.deepEqual([type, kind, codec, label, id], ['published', 'audio', 'opus', 'echo', undefined]);
	assert.ok(published.stream >= 1 && published.stream <= 65535);
});
await checks.run('ping is answered', () => lane.ping());

const frames = [];
const chats = [];
let sent = 0;
let other = null;
lane.on('frame', (f) => {
	if (f.kind === KIND.chat) {
		chats.push(f);
	} else if (f.kind === KIND.audio && lane.roster.streams.get(f.stream)?.num === other?.num) {
		frames.push(f);
		lane.send({ kind: KIND.audio, flags: f.flags, level: f.level, stream: published.stream, seq: sent,
			timestamp: sent * 960, payload: f.payload });
		sent += 1;
	}
});
lane.on('message', (m) => {
	if (m.type === 'joined' && m.participant.id === opt.other) {
		other = m.participant;
	}
});
console.log('ready');

await checks.run('helio-call joins and publishes', async () => {
	const joined = (m) => m.type === 'joined' && m.participant.id === opt.other;
	await lane.expect(joined, 30000, 'joined');
	const m = await lane.expect((x) => x.type === 'published' && x.id === opt.other, 15000, 'published');
	assert.deepEqual([m.kind, m.codec, m.num], ['audio', 'opus', other.num]);
});
await checks.run('our chat to the room is acknowledged', async () => {
	lane.send({ kind: KIND.chat, seq: 1, payload: opt.answer });
	const ack = await lane.expect('chat-ack');
	assert.equal(ack.seq, 1);
	assert.ok(Number.isInteger(ack.number));
});
await checks.run('our chat to one participant is acknowledged', async () => {
	lane.send({ kind: KIND.chat, flags: FLAG.marker, stream: other.num, seq: 2, payload: 'for you alone' });
	assert.equal((await lane.expect('chat-ack')).seq, 2);
});
const left = await lane.expect((m) => m.type === 'left' && m.id === opt.other, 60000, 'left');
await checks.run('helio-call left with bye', async () => assert.equal(left.reason, 'bye'));
await checks.run(`its audio came without a gap: ${frames.length} frames`, async () => judgeAudio(frames));
await checks.run('its chat came, stamped with its number', async () => {
	const f = chats.find((c) => c.payload.toString() === opt.say);
	assert.ok(f, `${chats.length} others came`);
	assert.equal(f.stream, other.num);
	assert.equal(f.flags & FLAG.marker, 0);
});
await checks.run('nothing was dropped or refused', async () => {
	const seen = lane.messages.filter((m) => m.type === 'drops' || m.type === 'error');
	assert.deepEqual(seen, []);
});
await checks.run('bye ends it in order', async () => {
	const end = await within(lane.bye(), 5000, 'close');
	assert.deepEqual(end, { error: null, bye: null, broken: null });
});
fs.writeFileSync(opt.hashes, frames.map((f) => `${fnv1a(f.payload)}\n`).join(''));
const status = checks.finish();
console.log(JSON.stringify({ received: frames.length, sent, chats: chats.length }));
process.exit(status);
