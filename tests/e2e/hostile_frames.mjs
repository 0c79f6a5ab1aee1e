// hostile_frames.mjs: headers, lengths, JSON, requests, media and chat that are not HRP/1 or not allowed.
// What can be survived must be, and what is fatal must be named before the connection ends.
import {
	FLAG, HEADER, KIND, controlFrame, frame, header, sleep, until, within,
} from './hrp.mjs';
import { assert } from './check.mjs';
import { audio, cutAt } from './hostile_lib.mjs';

const LIMIT = 16384;
const LENGTHS = [0, 1, LIMIT - 1, LIMIT, LIMIT + 1, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];
const HELLO_LENGTHS = [0, 1, 8191, 8192, 8193, ...LENGTHS.slice(5)];
const HEADER_CUTS = Array.from({ length: HEADER - 1 }, (_, i) => i + 1);

async function beforeHello(h, checks) {
	const first = (name, bytes) => checks.run(`before hello: ${name}: hello-expected`, () =>
		h.refusedRaw(bytes, 'hello-expected'));
	await first('ping', frame({ kind: KIND.ping, payload: 'x' }));
	await first('pong', frame({ kind: KIND.pong, payload: 'x' }));
	await first('audio', frame(audio(1, 0, 'x')));
	await first('chat', frame({ kind: KIND.chat, payload: 'x' }));
	await first('publish', controlFrame({ type: 'publish', kind: 'audio', codec: 'opus' }));
	await first('bye', controlFrame({ type: 'bye', reason: 'bye' }));
	await first('an unknown message', controlFrame({ type: 'smell' }));
	await first('attach, of a later version', controlFrame({ type: 'attach' }));
	await checks.run('before hello: a kind that does not exist: bad-frame', () =>
		h.refusedRaw(header({ kind: 9 }), 'bad-frame'));
	await checks.run('before hello: bad JSON: bad-json', () => h.refusedRaw(controlFrame('{"type":'), 'bad-json'));
	for (const length of HELLO_LENGTHS) {
		const over = length > 8192;
		await checks.run(`before hello: length ${length}: ${over ? 'too-large' : 'bad-json'}`, async () => {
			const head = header({ kind: KIND.control, length });
			const bytes = over ? head : Buffer.concat([head, Buffer.alloc(length, 0x78)]);
			for (const cut of [3, 12, 15, 16]) {
				await h.refusedRaw(cutAt(bytes, cut), over ? 'too-large' : 'bad-json');
			}
		});
	}
	await checks.run('hello in pieces, cut at each byte of the header and in the body', async () => {
		for (const at of [...HEADER_CUTS, HEADER, HEADER + 1, HEADER + 100]) {
			const lane = await h.connect();
			await h.sendPieces(lane, cutAt(controlFrame(h.hello()), at));
			await lane.expect('welcome');
			lane.cut();
		}
	});
	await checks.run('hello byte by byte', async () => {
		const bytes = controlFrame(h.hello());
		const lane = await h.connect();
		await h.sendPieces(lane, cutAt(bytes, ...Array.from({ length: bytes.length }, (_, i) => i)));
		await lane.expect('welcome');
		await lane.bye();
	});
}

async function headers(h, checks) {
	const bad = { 'kind 0': { kind: 0 }, 'kind 8': { kind: 8 }, 'kind 255': { kind: 255 } };
	for (const flags of [0x40, 0x80, 0xff]) {
		bad[`flags ${flags}`] = { kind: KIND.audio, flags };
		bad[`flags ${flags} in control`] = { kind: KIND.control, flags };
	}
	for (const level of [128, 129, 255]) {
		bad[`level ${level}`] = { kind: KIND.audio, level };
	}
	bad['level 200 in video'] = { kind: KIND.video, level: 200 };
	for (const [name, fields] of Object.entries(bad)) {
		await checks.run(`header: ${name}: bad-frame`, async () => {
			const lane = await h.join();
			lane.sendRaw(header(fields));
			await h.closedWith(lane, 'bad-frame');
		});
	}
	await checks.run('header: a ping of 64 bytes is answered', async () => {
		const lane = await h.join();
		await lane.ping(Buffer.alloc(64, 7));
		await lane.ping(Buffer.alloc(0));
		await lane.bye();
	});
	await checks.run('header: a ping of 65 bytes: bad-frame', async () => {
		const lane = await h.join();
		lane.send({ kind: KIND.ping, payload: Buffer.alloc(65) });
		await h.closedWith(lane, 'bad-frame');
	});
	await checks.run('header: a pong nobody asked for is ignored', async () => {
		const lane = await h.join();
		lane.send({ kind: KIND.pong, payload: 'x' });
		await lane.ping();
		await lane.bye();
	});
}

// Each length that is allowed arrives unchanged however it is cut; each other one is named, however
// its header is cut.
async function lengths(h, checks) {
	const lane = await h.join();
	const stream = await h.publish(lane);
	const watcher = await h.watcher();
	let seq = 0;
	for (const length of LENGTHS.filter((n) => n <= LIMIT)) {
		await checks.run(`length ${length}: delivered, however it is cut`, async () => {
			const cuts = [...HEADER_CUTS, HEADER, HEADER + 1, HEADER + (length >> 1), HEADER + length - 1]
				.filter((c) => c < HEADER + length);
			for (const cut of cuts) {
				const f = audio(stream, seq, Buffer.alloc(length, seq & 0xff));
				await h.sendPieces(lane, cutAt(frame(f), cut));
				const mine = (g) => g.stream === stream && g.seq === seq;
				await until(() => watcher.frames.some(mine));
				const got = watcher.frames.filter(mine);
				assert.equal(got.length, 1, `cut at ${cut}: ${got.length} frames`);
				assert.ok(got[0].payload.equals(f.payload), `cut at ${cut}: another payload`);
				seq += 1;
			}
		});
	}
	await lane.bye();
	for (const length of LENGTHS.filter((n) => n > LIMIT)) {
		await checks.run(`length ${length}: too-large, however it is cut`, async () => {
			for (const cut of [0, ...HEADER_CUTS]) {
				const liar = await h.join();
				const id = await h.publish(liar);
				await h.sendPieces(liar, cutAt(header({ ...audio(id, 0), length }), cut));
				await h.closedWith(liar, 'too-large');
			}
		});
	}
	await checks.run('oversized frame with its whole payload: too-large', async () => {
		const liar = await h.join();
		const id = await h.publish(liar);
		liar.send(audio(id, 0, Buffer.alloc(60000)));
		await h.closedWith(liar, 'too-large');
	});
	await checks.run('none of the oversized frames reached anybody', async () => {
		await watcher.ping();
		assert.equal(watcher.frames.filter((f) => f.payload.length > LIMIT).length, 0);
	});
	await watcher.bye();
}

const deep = (levels) => `{"type":"smell","x":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;

async function json(h, checks) {
	const lane = await h.join();
	const bad = {
		'nothing': '', 'null': 'null', 'a number': '1', 'a string': '"x"', 'a list': '[]',
		'half an object': '{"type":"publish"', 'two objects': '{"type":"a"}{"type":"b"}',
		'words behind the object': '{"type":"a"} x', 'single quotes': "{'type':'a'}", 'a comma too many': '{"type":"a",}',
		'a key twice': '{"type":"subscribe","type":"publish"}', 'a key twice, inside': '{"type":"a","x":{"y":1,"y":2}}',
		'17 levels': deep(17), '8,000 levels': deep(8000),
		'invalid UTF-8': Buffer.concat([Buffer.from('{"type":"a'), Buffer.from([0xff]), Buffer.from('"}')]),
		'overlong UTF-8': Buffer.concat([Buffer.from('{"type":"a'), Buffer.from([0xc0, 0x80]), Buffer.from('"}')]),
		'half a surrogate': '{"type":"\\ud800"}', 'a NUL byte': '{"type":"a\0b"}',
	};
	for (const [name, text] of Object.entries(bad)) {
		await checks.run(`JSON: ${name}: bad-json`, () => h.survives(lane, controlFrame(text), 'bad-json'));
	}
	await checks.run('JSON: 16 levels are fine', () =>
		h.survives(lane, controlFrame(deep(16)), 'unknown-message'));
	await checks.run('JSON: no type: bad-field', () => h.survives(lane, controlFrame('{}'), 'bad-field'));
	await checks.run('JSON: a type that is no string: bad-field', () =>
		h.survives(lane, controlFrame('{"type":5}'), 'bad-field'));
	const later = ['attach', 'resume', 'confirm', 'speakers', 'move', 'rekey'];
	await checks.run('JSON: a type of 33 characters: bad-field', () =>
		h.survives(lane, controlFrame({ type: 'x'.repeat(33) }), 'bad-field'));
	for (const type of ['smell', 'welcome', 'roster', 'joined', ...later]) {
		await checks.run(`unknown message "${type}": unknown-message`, () =>
			h.survives(lane, controlFrame({ type, req: 77 }), 'unknown-message', (m) => m.req === 77));
	}
	await lane.bye();
}

async function requests(h, checks) {
	const lane = await h.join();
	const own = await h.publish(lane);
	const bad = (name, message, code) => checks.run(`${name}: ${code}`, () =>
		h.survives(lane, controlFrame({ req: 9, ...message }), code, (m) => m.req === 9));
	const publish = { type: 'publish', kind: 'audio', codec: 'opus', label: 'x' };
	await bad('publish: a kind that does not exist', { ...publish, kind: 'smell' }, 'bad-field');
	await bad('publish: no kind', { ...publish, kind: undefined }, 'bad-field');
	await bad('publish: no codec', { ...publish, codec: undefined }, 'bad-field');
	await bad('publish: codec of 33 characters', { ...publish, codec: 'x'.repeat(33) }, 'bad-field');
	await bad('publish: empty codec', { ...publish, codec: '' }, 'bad-field');
	await bad('publish: a space in the codec', { ...publish, codec: 'a b' }, 'bad-field');
	await bad('publish: a codec beyond ASCII', { ...publish, codec: 'opüs' }, 'bad-field');
	await bad('publish: a line break in the label', { ...publish, label: 'a\nb' }, 'bad-field');
	await bad('publish: an escape in the label', { ...publish, label: '\u001b[2J' }, 'bad-field');
	await bad('publish: a label that turns the text', { ...publish, label: 'a\u202eb' }, 'bad-field');
	await bad('publish: label of 65 bytes', { ...publish, label: 'x'.repeat(65) }, 'bad-field');
	await bad('unpublish: not a stream', { type: 'unpublish', stream: 65535 }, 'unknown-stream');
	await bad('unpublish: no number', { type: 'unpublish' }, 'bad-field');
	await bad('unpublish: 65,536', { type: 'unpublish', stream: 65536 }, 'bad-field');
	await bad('subscribe: no list', { type: 'subscribe', streams: 7 }, 'bad-field');
	await bad('subscribe: empty list', { type: 'subscribe', streams: [] }, 'bad-field');
	await bad('subscribe: 65 streams', { type: 'subscribe', streams: Array(65).fill(1) }, 'bad-field');
	await bad('subscribe: a string', { type: 'subscribe', streams: ['7'] }, 'bad-field');
	await bad('subscribe: nothing there', { type: 'subscribe', streams: [65535] }, 'unknown-stream');
	await bad('subscribe: its own', { type: 'subscribe', streams: [own] }, 'unknown-stream');
	await bad('layers: nothing there', { type: 'layers', stream: 65535, spatial: 0, temporal: 0 }, 'unknown-stream');
	await bad('layers: 16', { type: 'layers', stream: own, spatial: 16, temporal: 0 }, 'bad-field');
	await bad('keyframe: nothing there', { type: 'keyframe', stream: 65535 }, 'unknown-stream');
	for (const req of [-1, 2 ** 31, 1.5, '1', null]) {
		await checks.run(`req ${JSON.stringify(req)}: bad-field`, () =>
			h.survives(lane, controlFrame({ ...publish, req }), 'bad-field'));
	}
	await checks.run('publish: eight streams, a ninth: limit; one back, one more', async () => {
		const more = [];
		for (let i = 0; i < 7; i++) {
			more.push(await h.publish(lane));
		}
		await h.survives(lane, controlFrame({ ...publish, req: 5 }), 'limit', (m) => m.req === 5);
		lane.control({ type: 'unpublish', stream: more[0] });
		await lane.expect((m) => m.type === 'unpublished' && m.stream === more[0]);
		await h.publish(lane);
	});
	await lane.bye();
	const grants = { publish: ['audio'], subscribe: false, chat: false, moderate: false };
	const mute = await h.join({ grants });
	const denied = (name, bytes) => checks.run(`${name} without the grant: not-granted`, () =>
		h.survives(mute, bytes, 'not-granted'));
	for (const kind of ['video', 'screen', 'data']) {
		await denied(`publish ${kind}`, controlFrame({ ...publish, kind }));
	}
	await denied('subscribe', controlFrame({ type: 'subscribe', streams: [1] }));
	await denied('chat', frame({ kind: KIND.chat, payload: 'hi' }));
	await checks.run('publish audio with the grant', () => h.publish(mute));
	await mute.bye();
}

async function media(h, checks) {
	const owner = await h.join();
	const theirs = await h.publish(owner);
	const watcher = await h.watcher();
	const wrong = (name, make) => checks.run(`media: ${name}: unknown-stream, delivered to nobody`, async () => {
		const lane = await h.join();
		const own = await h.publish(lane);
		const f = make(own);
		await h.survives(lane, frame(f), 'unknown-stream');
		await sleep(20);
		await watcher.ping();
		assert.equal(watcher.frames.filter((g) => g.payload.equals(f.payload)).length, 0);
		await lane.bye();
	});
	await wrong('a stream of somebody else', () => audio(theirs, 0, Buffer.from('stolen')));
	await wrong('a stream that does not exist', () => audio(65535, 0, Buffer.from('nowhere')));
	await wrong('stream 0', () => audio(0, 0, Buffer.from('zero')));
	await wrong('video on an audio stream', (own) =>
		({ kind: KIND.video, flags: 7, stream: own, payload: Buffer.from('picture') }));
	await wrong('data on an audio stream', (own) =>
		({ kind: KIND.data, flags: 6, stream: own, payload: Buffer.from('data') }));
	await checks.run('media: on a stream that was unpublished: unknown-stream', async () => {
		const lane = await h.join();
		const own = await h.publish(lane);
		lane.control({ type: 'unpublish', stream: own });
		await lane.expect('unpublished');
		await h.survives(lane, frame(audio(own, 0, 'late')), 'unknown-stream');
		await lane.bye();
	});
	await checks.run('media: 300 frames on a strange stream: one error a second, not 300', async () => {
		const lane = await h.join();
		for (let i = 0; i < 300; i++) {
			lane.send(audio(theirs, i, 'x'));
		}
		await lane.ping();
		const errors = lane.messages.filter((m) => m.type === 'error');
		assert.ok(errors.length >= 1 && errors.length <= 2, `${errors.length} errors`);
		await lane.bye();
	});
	await checks.run('media: 2,000 empty frames are frames', async () => {
		const lane = await h.join();
		const own = await h.publish(lane);
		const batch = [];
		for (let i = 0; i < 2000; i++) {
			batch.push(frame(audio(own, i, '')));
		}
		lane.sendRaw(Buffer.concat(batch));
		const count = () => watcher.frames.filter((g) => g.stream === own).length;
		await until(() => count() >= 2000);
		assert.equal(count(), 2000);
		await lane.bye();
	});
	await Promise.all([owner.bye(), watcher.bye()]);
}

async function chat(h, checks) {
	const lane = await h.join();
	const watcher = await h.watcher();
	const say = (fields) => frame({ kind: KIND.chat, ...fields });
	const bad = (name, fields, code) => checks.run(`chat: ${name}: ${code}`, () =>
		h.survives(lane, say(fields), code, (m) => m.about === 'chat' && m.seq === fields.seq));
	await bad('empty', { seq: 1, payload: '' }, 'bad-field');
	await bad('4,097 bytes', { seq: 2, payload: 'x'.repeat(4097) }, 'too-large');
	await bad('to nobody', { seq: 3, payload: 'hi', flags: FLAG.marker, stream: 65535 }, 'unknown-participant');
	await bad('to number 0', { seq: 4, payload: 'hi', flags: FLAG.marker, stream: 0 }, 'unknown-participant');
	await bad('a number without marker', { seq: 7, payload: 'hi', stream: 1 }, 'bad-field');
	const { num } = lane.welcome.participant;
	await bad('to oneself', { seq: 8, payload: 'hi', flags: FLAG.marker, stream: num }, 'unknown-participant');
	const deaf = await h.join({}, { hello: { capabilities: [] } });
	await bad('to one who takes no chat', { seq: 9, payload: 'hi', flags: FLAG.marker,
		stream: deaf.welcome.participant.num }, 'unknown-participant');
	await deaf.bye();
	await checks.run('chat: 4,096 bytes arrive, are acknowledged, are stamped', async () => {
		lane.sendRaw(say({ seq: 5, payload: 'y'.repeat(4096) }));
		const ack = await lane.expect('chat-ack');
		await until(() => watcher.frames.some((f) => f.kind === KIND.chat));
		const got = watcher.frames.filter((f) => f.kind === KIND.chat);
		assert.equal(got.length, 1, 'one message for the room, none of the refused ones');
		assert.equal(got[0].payload.length, 4096);
		assert.equal(got[0].stream, lane.welcome.participant.num);
		assert.equal(got[0].seq, 5);
		assert.equal(got[0].timestamp, ack.number);
		assert.equal(ack.seq, 5);
	});
	await checks.run('chat: 16,385 bytes: too-large, and the end', async () => {
		lane.sendRaw(say({ seq: 6, payload: 'z'.repeat(16385) }));
		await h.closedWith(lane, 'too-large');
	});
	await watcher.bye();
}

// How a connection ends is told to the others.
async function endings(h, checks) {
	const watcher = await h.watcher({ subscribe: 'none' });
	const seen = (name, reason, act) => checks.run(`end: ${name}: others see "${reason}"`, async () => {
		const lane = await h.join({}, { relay: true });
		const { num } = lane.welcome.participant;
		await act(lane, await h.publish(lane));
		const m = await watcher.expect((x) => x.type === 'left' && x.num === num, 4000, 'left');
		assert.equal(m.reason, reason);
		await within(lane.closed, 4000, 'close');
	});
	await seen('bye', 'bye', (lane) => lane.bye());
	await seen('cut without close_notify', 'lost', (lane) => lane.cut());
	await seen('reset', 'lost', (lane) => lane.cut(true));
	await seen('cut inside a header', 'lost', async (lane, id) => {
		lane.sendRaw(header({ ...audio(id, 0), length: 100 }).subarray(0, 7));
		await sleep(30);
		lane.cut();
	});
	await seen('cut inside a payload', 'lost', async (lane, id) => {
		lane.sendRaw(frame({ ...audio(id, 0, 'half'), length: 100 }));
		await sleep(30);
		lane.cut();
	});
	await seen('close_notify without bye', 'closed', (lane) => lane.socket.end());
	await seen('a broken frame', 'bad-frame', (lane) => lane.sendRaw(header({ kind: 0 })));
	await watcher.bye();
}

export async function hostileFrames(h, checks) {
	await beforeHello(h, checks);
	await headers(h, checks);
	await lengths(h, checks);
	await json(h, checks);
	await requests(h, checks);
	await media(h, checks);
	await chat(h, checks);
	await endings(h, checks);
}
