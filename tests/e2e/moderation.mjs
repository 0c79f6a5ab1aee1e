// moderation.mjs: what moderators and administrators do, and clients that do not keep to it.
// usage: moderation.mjs --reflector PROGRAM
import { FLAG, KIND, controlFrame, sleep, until, within } from './hrp.mjs';
import { Checks, assert, options, watchdog } from './check.mjs';
import { House, collect, ends, none, num, publish, sendAudio } from './room_lib.mjs';

const checks = new Checks();
watchdog(120000);
const house = await House.open(options().reflector);
const { reflector } = house;
const events = (what) => house.authd.messages.filter((m) => m.type === 'event' && m.what === what);
// So many frames of the lane's own were dropped, as one or several messages say.
const dropped = async (lane, wanted, count) => {
	for (let told = 0; told !== count;) {
		const drops = await lane.expect('drops');
		assert.deepEqual({ stream: drops.stream, class: drops.class, reason: drops.reason }, wanted);
		told += drops.count;
		assert.ok(told <= count, `${told} dropped`);
	}
};
const toldOf = async (what, test) => {
	assert.ok(await until(() => events(what).some(test)), `no event ${what}`);
	return events(what).find(test);
};

await checks.run('a muted kind is dropped at the reflector, whatever the client sends', async () => {
	const [m, a, b] = [await house.moderator('mod', 'mute'), await house.enter('a', 'mute'), await house.enter('b', 'mute')];
	const heard = collect(b, KIND.audio);
	const seen = collect(b, KIND.data);
	const [audio, data] = [await publish(a, 'audio'), await publish(a, 'data')];
	sendAudio(a, audio, 0, 5);
	assert.ok(await until(() => heard.length === 5));
	const answer = await m.request({ type: 'mute', num: num(a), kinds: ['audio'], muted: true });
	assert.deepEqual([answer.type, answer.num, answer.kinds, answer.muted, answer.by],
		['muted', num(a), ['audio'], true, num(m)]);
	for (const lane of [a, b]) {
		const told = await lane.expect('muted');
		assert.deepEqual(told, { type: 'muted', num: num(a), kinds: ['audio'], muted: true, by: num(m) });
	}
	sendAudio(a, audio, 5, 20);
	a.send({ kind: KIND.data, stream: data, seq: 1, flags: FLAG.first | FLAG.last, payload: 'goes on' });
	assert.ok(await until(() => seen.length === 1));
	await b.ping();
	assert.equal(heard.length, 5);
	await dropped(a, { stream: audio, class: 'audio', reason: 'muted' }, 20);
	// A new stream of that kind is no way around; nor is one's own word; nor coming again.
	const again = await publish(a, 'audio');
	sendAudio(a, again, 0, 5);
	assert.equal((await a.request({ type: 'mute', num: num(a), kinds: ['audio'], muted: false })).code, 'not-granted');
	const late = await house.enter('late', 'mute');
	assert.deepEqual(await late.expect('muted'), { type: 'muted', num: num(a), kinds: ['audio'], muted: true, by: num(m) });
	const twin = await house.enter('a+twin', 'mute'); // nor one more session of the same user
	const told = await b.expect((x) => x.type === 'muted' && x.num === num(twin));
	assert.deepEqual(told, { type: 'muted', num: num(twin), kinds: ['audio'], muted: true, by: num(m) });
	sendAudio(twin, await publish(twin, 'audio'), 0, 5);
	await twin.ping();
	await twin.bye();
	await a.bye();
	const back = await house.enter('a', 'mute');
	assert.equal((await back.expect((x) => x.type === 'muted' && x.num === num(back))).num, num(back));
	await b.expect((x) => x.type === 'muted' && x.num === num(back));
	const stream = await publish(back, 'audio');
	sendAudio(back, stream, 0, 5);
	await back.ping();
	await b.ping();
	assert.equal(heard.length, 5);
	assert.equal((await m.request({ type: 'mute', num: num(back), kinds: ['audio'], muted: false })).muted, false);
	sendAudio(back, stream, 5, 5);
	assert.ok(await until(() => heard.length === 10));
	const event = await toldOf('muted', (e) => e.room === 'mute' && e.muted);
	assert.deepEqual([event.id, event.by, event.kinds, event.port], ['a', 'mod', ['audio'], house.port]);
	await ends(m, back, b, late);
});

await checks.run('unmuted video goes on with a keyframe that was asked for', async () => {
	const [m, a, b] = [await house.moderator('mod', 'video'), await house.enter('a', 'video'), await house.enter('b', 'video')];
	const id = await publish(a, 'video');
	const seen = collect(b, KIND.video);
	const video = (seq, flags) => a.send({ kind: KIND.video, stream: id, seq, timestamp: seq, flags: flags | FLAG.first | FLAG.last,
		payload: 'x' });
	video(0, FLAG.keyframe);
	assert.ok(await until(() => seen.length === 1));
	await m.request({ type: 'mute', num: num(a), kinds: ['video'], muted: true });
	video(1, 0);
	await a.ping();
	await m.request({ type: 'mute', num: num(a), kinds: ['video'], muted: false });
	await a.expect('keyframe');
	video(2, 0);
	video(3, FLAG.keyframe);
	video(4, 0);
	assert.ok(await until(() => seen.length === 3));
	assert.deepEqual(seen.map((f) => f.seq), [0, 3, 4]);
	await ends(m, a, b);
});

await checks.run('who may not moderate is refused every order', async () => {
	const [m, a] = [await house.moderator('mod', 'orders'), await house.enter('a', 'orders')];
	for (const order of [{ type: 'mute', num: num(m), kinds: ['audio'], muted: true }, { type: 'kick', num: num(m) },
		{ type: 'lock', locked: true }, { type: 'admit', num: 9 }, { type: 'deny', num: 9 }, { type: 'kick' }]) {
		assert.equal((await a.request(order)).code, 'not-granted', order.type);
	}
	for (const [order, code] of [[{ type: 'mute', num: 99, kinds: ['audio'] }, 'unknown-participant'],
		[{ type: 'mute', num: num(a) }, 'bad-field'], [{ type: 'mute', num: num(a), kinds: [] }, 'bad-field'],
		[{ type: 'mute', num: num(a), kinds: ['smell'] }, 'bad-field'], [{ type: 'mute', num: 0, kinds: ['audio'] }, 'bad-field'],
		[{ type: 'kick', num: num(a), ban_s: -1 }, 'bad-field'], [{ type: 'kick', num: num(a), ban_s: 86401 }, 'bad-field'],
		[{ type: 'kick', num: num(a), text: 'a\nb' }, 'bad-field'], [{ type: 'kick', num: num(m) }, 'bad-field'],
		[{ type: 'lock', locked: 1 }, 'bad-field'], [{ type: 'admit', num: num(a) }, 'unknown-participant'],
		[{ type: 'deny', num: 99 }, 'unknown-participant']]) {
		assert.equal((await m.request(order)).code, code, JSON.stringify(order));
	}
	await a.ping();
	none(a, 'muted');
	none(a, 'locked');
	await ends(m, a);
});

await checks.run('a kicked one goes with its other devices and cannot return until the ban ends', async () => {
	const m = await house.moderator('mod', 'kick');
	const [phone, laptop, other] = [await house.enter('eve+phone', 'kick'), await house.enter('eve+laptop', 'kick'),
		await house.enter('other', 'kick')];
	const answer = await m.request({ type: 'kick', num: num(phone), ban_s: 600, text: 'enough' });
	assert.deepEqual([answer.type, answer.num], ['kicked', num(phone)]);
	assert.equal((await phone.expect((x) => x.type === 'bye')).text, 'enough');
	assert.equal((await laptop.closed).bye, 'kicked');
	assert.equal((await other.expect('left')).reason, 'kicked');
	assert.equal(await house.refused('eve+tablet', 'kick', { rev: 1000 }), 'banned');
	await (await house.enter('eve', 'elsewhere')).bye();
	const event = await toldOf('kicked', (e) => e.room === 'kick');
	assert.deepEqual([event.user, event.by, event.ban_s, event.reason], ['eve', 'mod', 600, 'enough']);
	const [short, start] = [await house.enter('short', 'kick'), Date.now()];
	await m.request({ type: 'kick', num: num(short), ban_s: 2 });
	assert.equal((await short.closed).bye, 'kicked');
	let found = 'banned';
	while (found === 'banned') {
		await sleep(100);
		found = await house.refused('short', 'kick');
	}
	assert.equal(found, 'joined');
	assert.ok(Date.now() - start > 1000, 'the ban ended before its time'); // it counts in whole seconds
	const victim = await house.enter('again', 'kick');
	await m.request({ type: 'kick', num: num(victim) });
	assert.equal((await victim.closed).bye, 'kicked');
	await (await house.enter('again', 'kick')).bye();
	await ends(m, other);
});

await checks.run('a locked room lets in only who moderates, and says so to who comes', async () => {
	const [m, a] = [await house.moderator('mod', 'lock'), await house.enter('a', 'lock')];
	const answer = await m.request({ type: 'lock', locked: true });
	assert.deepEqual([answer.type, answer.locked, answer.by], ['locked', true, num(m)]);
	assert.deepEqual(await a.expect('locked'), { type: 'locked', locked: true, by: num(m) });
	assert.equal(await house.refused('b', 'lock'), 'room-locked');
	const m2 = await house.moderator('mod2', 'lock');
	assert.equal((await m2.expect('locked')).locked, true);
	assert.equal((await toldOf('locked', (e) => e.room === 'lock')).locked, true);
	// authd writes it down: no second word of it. Another change does not open it.
	house.authd.policy('lock', {}, { locked: true });
	await a.expect('policy');
	none(a, 'locked');
	assert.equal(await house.refused('b', 'lock'), 'room-locked');
	house.authd.policy('lock', {}, { locked: false });
	assert.deepEqual(await a.expect('locked'), { type: 'locked', locked: false, by: 0 });
	await (await house.enter('b', 'lock')).bye();
	await ends(m, m2, a);
});

const lobby = { policy: { lobby: true, rev: 2 } };

await checks.run('the lobby: waiting, told to moderators also when they come later, let in, sent away', async () => {
	const first = await house.wait('bob', 'lobby', lobby);
	assert.equal(first.lobby.room, 'lobby');
	await first.ping();
	const m = await house.moderator('mod', 'lobby', lobby);
	assert.equal(m.roster.people.size, 0);
	assert.deepEqual(await m.expect('waiting'), { type: 'waiting', id: 'bob', num: first.lobby.num, name: 'bob' });
	const second = await house.wait('carol', 'lobby', lobby);
	assert.equal((await m.expect('waiting')).num, second.lobby.num);
	const items = (await house.authd.query('participants', 'lobby')).items;
	assert.deepEqual(items.map((p) => [p.id, p.waiting]).sort(), [['bob', true], ['carol', true], ['mod', false]]);
	const room = (await house.authd.query('rooms', 'lobby')).items[0];
	assert.deepEqual([room.participants, room.waiting], [1, 2]);
	const admitted = await m.request({ type: 'admit', num: first.lobby.num });
	assert.deepEqual([admitted.type, admitted.num], ['admitted', first.lobby.num]);
	const welcome = await first.expect('welcome');
	assert.deepEqual([welcome.participant.num, welcome.room], [first.lobby.num, 'lobby']);
	assert.equal((await first.expect('roster')).participants[0].id, 'mod');
	assert.equal((await m.expect('waiting-left')).num, first.lobby.num);
	assert.equal((await m.expect('joined')).participant.id, 'bob');
	assert.equal((await first.request({ type: 'admit', num: second.lobby.num })).code, 'not-granted');
	none(first, 'waiting');
	await m.request({ type: 'deny', num: second.lobby.num });
	assert.equal((await second.closed).error, 'denied');
	assert.equal((await m.expect('waiting-left')).num, second.lobby.num);
	none(first, 'waiting-left');
	const third = await house.wait('dora', 'lobby', lobby);
	await m.expect('waiting');
	third.cut();
	assert.equal((await m.expect('waiting-left')).num, third.lobby.num);
	await toldOf('waiting', (e) => e.id === 'bob' && e.room === 'lobby');
	await toldOf('left', (e) => e.id === 'dora' && e.reason === 'lost');
	await ends(m, first);
});

await checks.run('who waits may only ping: anything else ends it, and nothing of it reaches the room', async () => {
	const m = await house.moderator('mod', 'liars', lobby);
	const heard = [collect(m, KIND.audio), collect(m, KIND.chat)];
	const lies = [(l) => l.send({ kind: KIND.audio, stream: 1, payload: 'x' }), (l) => l.send({ kind: KIND.chat, payload: 'hi' }),
		(l) => l.control({ type: 'publish', kind: 'audio', codec: 'x' }), (l) => l.control({ type: 'subscribe', streams: [1] }),
		(l) => l.control({ type: 'admit', num: l.lobby.num }), (l) => l.control('{'),
		(l) => l.control({ type: 'hello', versions: [1] })];
	for (const lie of lies) {
		const liar = await house.wait('liar', 'liars', lobby);
		lie(liar);
		assert.equal((await liar.closed).error, 'not-granted');
		await m.expect('waiting-left');
	}
	const polite = await house.wait('polite', 'liars', lobby);
	await polite.bye();
	await m.expect((x) => x.type === 'waiting-left' && x.num === polite.lobby.num);
	assert.deepEqual(heard.map((h) => h.length), [0, 0]);
	none(m, 'joined');
	await m.bye();
});

await checks.run('the lobby is bounded, takes no second of the same, and opens when the policy does', async () => {
	const m = await house.moderator('mod', 'bound', lobby);
	const waiting = [];
	for (let i = 0; i < 100; i++) {
		waiting.push(await house.wait(`w${i}`, 'bound', lobby));
	}
	assert.equal(await house.refused('w100', 'bound', lobby), 'limit');
	const again = await house.wait('w0', 'bound', lobby).catch((e) => e);
	assert.equal((await waiting[0].closed).bye, 'replaced');
	waiting[0] = again;
	house.authd.policy('bound', { lobby: false, capacity: 0 });
	for (const lane of waiting) {
		await lane.expect('welcome');
	}
	assert.ok(await until(() => m.roster.people.size === 100), `${m.roster.people.size}`);
	await (await house.enter('late', 'bound', lobby)).bye();
	await ends(m, ...waiting);
});

await checks.run('a full room goes on letting wait who cannot be let in', async () => {
	const policy = { policy: { lobby: true, rev: 2, capacity: 2 } };
	const m = await house.moderator('mod', 'fulllobby', policy);
	const [a, b] = [await house.wait('a', 'fulllobby', policy), await house.wait('b', 'fulllobby', policy)];
	await m.request({ type: 'admit', num: a.lobby.num });
	assert.equal((await m.request({ type: 'admit', num: b.lobby.num })).code, 'limit');
	await b.ping();
	assert.equal(await house.refused('c', 'fulllobby', policy), 'limit');
	await a.bye();
	assert.equal((await m.request({ type: 'admit', num: b.lobby.num })).type, 'admitted');
	await b.expect('welcome');
	await ends(m, b);
});

await checks.run('an administrator mutes, kicks, admits, denies and closes by way of authd', async () => {
	const { authd } = house;
	const [a, b] = [await house.enter('a', 'admin'), await house.enter('b', 'admin')];
	assert.equal(await authd.moderate('mute', 'admin', 'a', { kinds: ['audio'] }), '');
	assert.deepEqual(await a.expect('muted'), { type: 'muted', num: num(a), kinds: ['audio'], muted: true, by: 0 });
	await b.expect('muted');
	const item = (await authd.query('participants', 'admin')).items.find((p) => p.id === 'a');
	assert.deepEqual([item.muted, item.hidden, item.waiting], [['audio'], false, false]);
	assert.equal(await authd.moderate('unmute', 'admin', 'a', { kinds: ['audio'] }), '');
	assert.equal((await a.expect('muted')).muted, false);
	assert.equal(await authd.moderate('kick', 'admin', 'a', { reason: 'rules' }), '');
	assert.equal((await a.expect((x) => x.type === 'bye')).text, 'rules');
	assert.equal((await b.expect('left')).reason, 'kicked');
	for (const [args, code] of [[['mute', 'admin', 'nobody'], 'not-found'], [['mute', 'nowhere', 'b'], 'not-found'],
		[['admit', 'admin', 'b'], 'not-found'], [['dance', 'admin', 'b'], 'unknown-message'],
		[['mute', 'admin', 'b', { kinds: 'audio' }], 'bad-field'], [['move', 'admin', 'b', { answer: 'x' }], 'bad-field'],
		[['move', 'admin', 'b', { answer: { token: 'x'.repeat(20000) } }], 'too-large']]) {
		assert.equal(await authd.moderate(...args), code, `${args}`);
	}
	await b.ping();
	const [w1, w2] = [await house.wait('w1', 'admin2', lobby), await house.wait('w2', 'admin2', lobby)];
	assert.equal(await authd.moderate('admit', 'admin2', 'w1'), '');
	await w1.expect('welcome');
	assert.equal(await authd.moderate('deny', 'admin2', 'w2'), '');
	assert.equal((await w2.closed).error, 'denied');
	const w3 = await house.wait('w3', 'admin2', lobby);
	assert.equal(await authd.moderate('close', 'admin2'), '');
	assert.deepEqual([(await w1.closed).bye, (await w3.closed).bye], ['room-closed', 'room-closed']);
	await b.bye();
});

await checks.run('a move carries the answer of authd, then ends', async () => {
	const [a, b] = [await house.enter('a', 'from'), await house.enter('b', 'from')];
	const answer = { token: 'eyJ.x.y', room: 'to', endpoints: [] };
	assert.equal(await house.authd.moderate('move', 'from', 'a', { answer }), '');
	assert.deepEqual((await a.expect('move')).answer, answer);
	assert.equal((await a.closed).bye, 'moved');
	assert.equal((await b.expect('left')).reason, 'moved');
	await b.bye();
});

await checks.run('revocations of every kind close sessions at once and keep them out', async () => {
	for (const [kind, id, claims, bye, again] of [
		['user', 'rita', {}, 'token-revoked', 'token-revoked'],
		['apikey', 'k7', { src: 'apikey:k7' }, 'token-revoked', 'token-revoked'],
		['invite', 'i7', { src: 'invite:i7' }, 'token-revoked', 'token-revoked'],
		['room', 'revoked', {}, 'room-closed', 'token-revoked']]) {
		const lane = await house.enter('rita', 'revoked', claims);
		const [entry] = house.authd.revokeEntries({ kind, id });
		assert.equal((await within(lane.closed, 1000, kind)).bye, bye, kind);
		assert.equal(await house.refused('rita', 'revoked', claims), again, kind);
		await (await house.enter('rita', 'revoked', { ...claims, rev: entry.seq })).bye();
		house.authd.revokeEntries({ kind: 'lift', id: String(entry.seq) });
		await house.settled();
		await (await house.enter('rita', 'revoked', claims)).bye();
	}
});

await checks.run('a ban holds for new tokens, in its room alone, until it is lifted', async () => {
	const [here, there] = [await house.enter('ben', 'banned'), await house.enter('ben', 'free')];
	const [entry] = house.authd.revokeEntries({ kind: 'user', id: 'ben', room: 'banned', ban: true });
	assert.equal((await here.closed).bye, 'banned');
	await there.ping();
	assert.equal(await house.refused('ben', 'banned', { rev: entry.seq + 5 }), 'banned');
	house.authd.revokeEntries({ kind: 'lift', id: String(entry.seq) });
	await house.settled();
	await (await house.enter('ben', 'banned')).bye();
	await there.bye();
});

await checks.run('a new worker knows bans, lifts and policies before it lets anybody in', async () => {
	const { authd } = house;
	const [, lifted] = authd.revokeEntries({ kind: 'user', id: 'old', ban: true }, { kind: 'user', id: 'free', ban: true });
	authd.revokeEntries({ kind: 'lift', id: String(lifted.seq) });
	authd.policy('kept', {}, { locked: true });
	await house.settled();
	const lane = await house.enter('x', 'whatever');
	const before = reflector.events('worker-started').length;
	process.kill(reflector.pid('worker-started', house.port), 'SIGKILL');
	await lane.closed;
	assert.ok(await until(() => reflector.events('worker-started').length > before, 8000));
	assert.equal(await house.refused('old', 'r'), 'banned');
	assert.equal(await house.refused('x', 'kept'), 'room-locked');
	await (await house.enter('free', 'r')).bye();
});

await checks.run('messages of authd that make no sense close the link and change nothing', async () => {
	const lane = await house.enter('calm', 'calm');
	for (const bad of [{ type: 'revoke', entries: [{ seq: 1, kind: 'user', id: 'calm', until: 'never' }] },
		{ type: 'revoke', tokens: [] }, { type: 'policies', rooms: [{ name: 'calm', rev: 99, policy: { kinds: 7 } }] }]) {
		house.authd.send(bad);
		await house.authd.closed;
		await house.dial();
	}
	house.authd.send({ type: 'moderate', id: 'x', what: 'close', room: 'calm' });
	house.authd.send({ type: 'moderate', id: 3 });
	await house.settled();
	await lane.ping();
	await lane.bye();
});

await checks.run('reports say how many events were too many', async () => {
	// Four moderators lock and unlock 100 times each, at one moment. What came slower than 40 a second would be told.
	const lanes = await Promise.all([...Array(4).keys()].map((i) => house.moderator(`mod${i}`, 'crowd')));
	house.authd.messages.length = 0;
	const orders = Buffer.concat(Array.from({ length: 100 }, (_, i) => controlFrame({ type: 'lock', locked: i % 2 === 0 })));
	lanes.forEach((l) => l.sendRaw(orders));
	const report = () => house.authd.messages.filter((m) => m.type === 'report').flatMap((m) => m.workers)
		.find((w) => w.events_dropped > 0);
	assert.ok(await until(() => report() !== undefined, 6000));
	assert.ok(Number.isInteger(report().queue_ms));
	await ends(...lanes);
});

const status = checks.finish();
if (status !== 0) {
	reflector.log.slice(-20).forEach((e) => console.log(JSON.stringify(e)));
}
await house.close();
process.exit(status);
