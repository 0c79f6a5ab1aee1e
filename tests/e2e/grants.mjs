// grants.mjs: each grant of a token and each rule of a room, with what it refuses.
// usage: grants.mjs --reflector PROGRAM
import { FLAG, KIND, sleep, until } from './hrp.mjs';
import { Checks, assert, options, watchdog } from './check.mjs';
import { ALL, House, collect, ends, none, num, publish, sendAudio, together } from './room_lib.mjs';

const checks = new Checks();
watchdog(120000);
const house = await House.open(options().reflector);
const { reflector } = house;
const now = () => Math.floor(Date.now() / 1000);

await checks.run('a token is good from its networks alone', async () => {
	for (const nets of [['10.0.0.0/8'], ['::/0'], ['127.0.0.2'], ['128.0.0.0/1', '2001:db8::/32']]) {
		assert.equal(await house.refused('a', 'nets', { nets }), 'token-network', nets[0]);
	}
	for (const nets of [['127.0.0.0/8'], ['10.0.0.0/8', '127.0.0.1'], ['0.0.0.0/0'], ['::ffff:127.0.0.0/104']]) {
		await (await house.enter('a', 'nets', { nets })).bye();
	}
	for (const nets of [[], ['127.0.0.1/8'], ['localhost'], '127.0.0.1', [7]]) {
		assert.equal(await house.refused('a', 'nets', { nets }), 'token-invalid', JSON.stringify(nets));
	}
});

await checks.run('rules that are malformed make the token invalid', async () => {
	for (const claims of [{ rev: -1 }, { src: 'root' }, { ses: 0 }, { dup: 'perhaps' }, { policy: { capacity: -1 } },
		{ grants: { bitrate: { audio: 0 } } }, { grants: { hidden: 'yes' } }]) {
		assert.equal(await house.refused('a', 'bad', claims), 'token-invalid', JSON.stringify(claims));
	}
});

await checks.run('without a policy in the token there are no data streams', async () => {
	const a = await house.enter('a', 'nodata', { policy: { rev: 0, kinds: undefined } });
	assert.equal((await a.request({ type: 'publish', kind: 'data', codec: 'x' })).code, 'not-granted');
	await publish(a, 'screen');
	await a.bye();
	const b = await house.enter('b', 'nogrant', { grants: { publish: ['audio'] } });
	assert.equal((await b.request({ type: 'publish', kind: 'data', codec: 'x' })).code, 'not-granted');
	await b.bye();
});

await checks.run('a session ends when its longest time is over', async () => {
	const b = await house.enter('b', 'ses');
	const start = Date.now();
	const a = await house.enter('a', 'ses', { ses: 1 });
	assert.equal((await a.closed).bye, 'session-over');
	assert.ok(Date.now() - start >= 1000, `after ${Date.now() - start} ms`);
	assert.equal((await b.expect('left')).reason, 'session-over');
	await b.bye();
});

await checks.run('a room that is over takes nobody in and sends everybody away', async () => {
	assert.equal(await house.refused('a', 'over', { policy: { rev: 5, exp: now() - 1 } }), 'room-closed');
	const a = await house.enter('a', 'ends', { policy: { rev: 5, exp: now() + 4 } });
	assert.equal((await a.closed).bye, 'room-closed');
	assert.equal(await house.refused('a', 'ends'), 'room-closed'); // an older policy is no way around
});

await checks.run('capacity: not more than that, but moderators; nobody is sent away for it', async () => {
	const policy = { policy: { rev: 5, capacity: 2 } };
	const [a, b] = [await house.enter('a', 'cap', policy), await house.enter('b', 'cap', policy)];
	assert.equal(await house.refused('c', 'cap', policy), 'limit');
	const again = await house.enter('a', 'cap', policy); // its own older session gives its place
	assert.equal((await a.closed).bye, 'replaced');
	const m = await house.moderator('m', 'cap', policy);
	house.authd.policy('cap', { capacity: 1 }, { rev: 50 });
	await b.expect('policy');
	await Promise.all([again, b, m].map((l) => l.ping()));
	assert.equal(await house.refused('c', 'cap', policy), 'limit');
	house.authd.policy('cap', { capacity: 0 }, { rev: 51 });
	await b.expect('policy');
	await (await house.enter('c', 'cap', policy)).bye();
	await ends(again, b, m);
});

await checks.run('duplicates: reject, allow, replace', async () => {
	const a = await house.enter('twin', 'dup');
	assert.equal(await house.refused('twin', 'dup', { dup: 'reject' }), 'duplicate');
	const both = await house.enter('twin', 'dup', { dup: 'allow' });
	await a.ping();
	assert.equal(both.roster.people.size, 1);
	assert.notEqual(num(a), num(both));
	const one = await house.enter('twin', 'dup', { dup: 'replace' });
	assert.deepEqual([(await a.closed).bye, (await both.closed).bye], ['replaced', 'replaced']);
	assert.equal(one.roster.people.size, 0);
	await one.bye();
	await (await house.enter('twin', 'dup', { dup: 'reject' })).bye();
});

await checks.run('end-to-end encryption required: only clients that know it', async () => {
	const policy = { policy: { rev: 5, e2ee: true } };
	assert.equal(await house.refused('a', 'e2ee', policy), 'e2ee-required');
	const b = await house.enter('b', 'e2ee', policy, { capabilities: ['chat', 'e2ee', 'unheard-of'] });
	assert.deepEqual(b.welcome.capabilities, ['chat', 'e2ee']);
	await b.bye();
	const [c, d] = [await house.enter('c', 'later'), await house.enter('d', 'later', {}, { capabilities: ['e2ee'] })];
	house.authd.policy('later', { e2ee: true }, { rev: 50 });
	assert.equal((await c.closed).bye, 'e2ee-required');
	await d.ping();
	await d.bye();
});

await checks.run('the order of what is wrong', async () => {
	await house.authd.policy('order', { e2ee: true, capacity: 1 }, { rev: 60, locked: true, expires_at: now() + 3600 });
	await house.settled();
	const m = await house.moderator('twin', 'order', {}).catch((e) => e.code);
	assert.equal(m, 'e2ee-required');
	const inside = await house.enter('twin', 'order', { grants: { moderate: true } }, { capabilities: ['e2ee'] });
	const hello = { capabilities: ['e2ee'] };
	const wrong = { nets: ['10.0.0.0/8'], dup: 'reject' };
	const [entry] = house.authd.revokeEntries({ kind: 'user', id: 'ben', ban: true });
	await house.settled();
	assert.equal(await house.refused('ben', 'order', wrong), 'banned');
	house.authd.revokeEntries({ kind: 'lift', id: String(entry.seq) });
	await house.settled();
	assert.equal(await house.refused('ben', 'order', wrong), 'token-network');
	assert.equal(await house.refused('ben', 'order', { dup: 'reject' }), 'e2ee-required');
	assert.equal(await house.refused('twin', 'order', { dup: 'reject' }, hello), 'room-locked');
	house.authd.policy('order', { capacity: 1 }, { rev: 61 });
	await inside.expect('locked');
	assert.equal(await house.refused('twin', 'order', { dup: 'reject' }, hello), 'limit');
	house.authd.policy('order', {}, { rev: 62, expires_at: 0 });
	await inside.expect((x) => x.type === 'policy' && x.policy.rev === 62);
	assert.equal(await house.refused('twin', 'order', { dup: 'reject' }, hello), 'duplicate');
	await inside.bye();
});

await checks.run('hidden: known to moderators and administrators alone, publishes nothing', async () => {
	const [m, a] = [await house.moderator('mod', 'hide'), await house.enter('a', 'hide')];
	const ghost = await house.enter('ghost', 'hide', { grants: { hidden: true } });
	assert.equal((await m.expect((x) => x.type === 'joined' && x.participant.id === 'ghost')).participant.hidden, true);
	assert.deepEqual(ghost.welcome.grants.publish, []);
	assert.equal((await ghost.request({ type: 'publish', kind: 'audio', codec: 'x' })).code, 'not-granted');
	ghost.send({ kind: KIND.chat, seq: 1, payload: 'boo' });
	assert.equal((await ghost.expect('error')).code, 'not-granted');
	a.send({ kind: KIND.chat, seq: 1, flags: FLAG.marker, stream: num(ghost), payload: 'anybody?' });
	assert.equal((await a.expect('error')).code, 'unknown-participant');
	const heard = collect(ghost, KIND.audio);
	sendAudio(a, await publish(a, 'audio'), 0, 3);
	assert.ok(await until(() => heard.length === 3));
	const later = await house.enter('later', 'hide');
	assert.deepEqual([...later.roster.people.values()].map((p) => p.id).sort(), ['a', 'mod']);
	const m2 = await house.moderator('mod2', 'hide');
	assert.ok([...m2.roster.people.values()].some((p) => p.id === 'ghost' && p.hidden === true));
	const items = (await house.authd.query('participants', 'hide')).items;
	assert.equal(items.find((p) => p.id === 'ghost').hidden, true);
	await ghost.bye();
	assert.equal((await m.expect('left')).id, 'ghost');
	await a.ping();
	none(a, 'left');
	assert.ok(a.messages.filter((x) => x.type === 'joined').every((x) => x.participant.id !== 'ghost'));
	await ends(m, a, later, m2);
});

await checks.run('a kind that is no longer allowed is unpublished, and cannot be published again', async () => {
	const [a, b] = [await house.enter('a', 'kinds'), await house.enter('b', 'kinds')];
	const [audio, video] = [await publish(a, 'audio'), await publish(a, 'video')];
	const seen = collect(b, KIND.video);
	house.authd.policy('kinds', { kinds: ['audio'] }, { rev: 50 });
	assert.deepEqual((await a.expect('policy')).policy.kinds, ['audio']);
	for (const lane of [a, b]) {
		assert.deepEqual(await lane.expect('unpublished'), { type: 'unpublished', stream: video, num: num(a) });
	}
	a.send({ kind: KIND.video, stream: video, flags: 7, payload: 'still here' });
	assert.equal((await a.expect('error')).code, 'unknown-stream');
	assert.equal((await a.request({ type: 'publish', kind: 'video', codec: 'x' })).code, 'not-granted');
	const heard = collect(b, KIND.audio);
	sendAudio(a, audio, 0, 3);
	assert.ok(await until(() => heard.length === 3));
	assert.equal(seen.length, 0);
	await ends(a, b);
});

await checks.run('an older policy, pushed or in a token, changes nothing; a newer token does', async () => {
	const a = await house.enter('a', 'revs', { policy: { rev: 10 } });
	house.authd.policy('revs', { kinds: [] }, { rev: 9 });
	await house.settled();
	await (await house.enter('b', 'revs', { policy: { rev: 8, kinds: [] } })).bye();
	await a.ping();
	none(a, 'policy');
	await (await house.enter('b', 'revs', { policy: { rev: 11, kinds: ['audio'] } })).bye();
	assert.equal((await a.expect('policy')).policy.rev, 11);
	assert.equal((await a.request({ type: 'publish', kind: 'video', codec: 'x' })).code, 'not-granted');
	await a.bye();
	// and the room remembers when it comes again
	const c = await house.enter('c', 'revs', { policy: { rev: 10 } });
	assert.equal(c.welcome.policy.rev, 11);
	await c.bye();
});

await checks.run('a new epoch asks for the new key', async () => {
	const a = await house.enter('a', 'epochs');
	house.authd.policy('epochs', {}, { rev: 50, epoch: 2 });
	assert.deepEqual(await a.expect('rekey'), { type: 'rekey', epoch: 2 });
	await a.bye();
});

await checks.run('of many epochs at once the newest is told, not each', async () => {
	const a = await house.enter('a', 'storm');
	const begin = Date.now();
	for (let epoch = 2; epoch <= 60; epoch++) {
		house.authd.policy('storm', {}, { rev: 48 + epoch, epoch });
	}
	const told = [];
	while (told.at(-1) !== 60) {
		told.push((await a.expect('rekey')).epoch);
	}
	assert.equal(told[0], 2);
	assert.ok(told.length <= 2 + (Date.now() - begin) / 1000, String(told));
	const policies = a.messages.filter((x) => x.type === 'policy').map((x) => x.policy.epoch);
	assert.deepEqual([policies.length <= told.length, policies.at(-1) ?? 60], [true, 60]);
	// a rule that changes is told at once, and a key that waits with it or behind it
	house.authd.policy('storm', {}, { rev: 200, epoch: 61 });
	house.authd.policy('storm', { loudest: 3 }, { rev: 201, epoch: 61 });
	assert.equal((await a.expect((x) => x.type === 'policy' && x.policy.rev === 201)).policy.loudest, 3);
	assert.equal((await a.expect('rekey')).epoch, 61);
	await a.bye();
});

await checks.run('audio over the granted bitrate is dropped frame by frame, and the publisher is told', async () => {
	const a = await house.enter('a', 'rate', { grants: { bitrate: { audio: 16000 } } });
	assert.deepEqual(a.welcome.grants.bitrate, { audio: 16000 });
	const b = await house.enter('b', 'rate');
	const heard = collect(b, KIND.audio);
	const first = await publish(a, 'audio');
	const second = await publish(a, 'audio'); // all streams of a kind together
	// 2,000 bytes are a second's worth: 20 frames of 100 bytes with their headers. They come at one moment.
	together(a, () => {
		sendAudio(a, first, 0, 30, 84);
		sendAudio(a, second, 0, 30, 84);
	});
	let dropped = 0;
	while (heard.length + dropped < 60) {
		const drops = await a.expect('drops');
		assert.deepEqual([drops.reason, drops.class], ['bitrate', 'audio']);
		dropped += drops.count;
		await b.ping();
	}
	assert.deepEqual([heard.length + dropped, heard.length >= 20 && heard.length < 30], [60, true], `${heard.length} + ${dropped}`);
	await a.ping();
	none(a, 'drops');
	await sleep(1100);
	const before = heard.length;
	sendAudio(a, first, 60, 10, 84);
	assert.ok(await until(() => heard.length === before + 10));
	await ends(a, b);
});

await checks.run('video over it goes by whole pictures up to the next keyframe', async () => {
	const a = await house.enter('a', 'vrate', { grants: { bitrate: { video: 80000 } } });
	const b = await house.enter('b', 'vrate');
	const seen = collect(b, KIND.video);
	const id = await publish(a, 'video');
	let seq = 0;
	const picture = (flags, size) => a.send({ kind: KIND.video, stream: id, seq: seq++, timestamp: seq, flags,
		payload: Buffer.alloc(size) });
	const whole = FLAG.first | FLAG.last;
	together(a, () => {
		picture(whole | FLAG.keyframe, 15000); // a keyframe may take three seconds' worth
		picture(whole, 9000);
		picture(FLAG.first, 9000);
		picture(0, 100);
		picture(FLAG.last, 100);
		picture(whole, 100);
		picture(whole | FLAG.keyframe, 100);
		picture(whole, 100);
	});
	for (let count = 0; count !== 4;) {
		const drops = await a.expect('drops');
		assert.deepEqual([drops.class, drops.reason], ['video', 'bitrate']);
		count += drops.count;
		assert.ok(count <= 4, `${count} dropped`);
	}
	assert.ok(await until(() => seen.length === 4));
	assert.deepEqual(seen.map((f) => f.seq), [0, 1, 6, 7]);
	await ends(a, b);
});

await checks.run('only the loudest speakers are heard', async () => {
	// A place is free after 400 ms of silence: a round that took longer says nothing, and another one is begun.
	for (let n = 0; !await loudest(`loud${n}`, n === 20); n++);
});

async function loudest(room, last) {
	const policy = { rev: 3, loudest: 1 };
	const [a, b, c] = [await house.enter('a', room, { policy }), await house.enter('b', room, { policy }),
		await house.enter('c', room, { policy })];
	const heard = collect(c, KIND.audio);
	const [first, second] = [await publish(a, 'audio'), await publish(b, 'audio')];
	const say = (lane, stream, seq, level) => lane.send({ kind: KIND.audio, stream, seq, timestamp: seq * 960, level,
		flags: FLAG.first | FLAG.last, payload: Buffer.alloc(20) });
	const start = Date.now();
	say(a, first, 0, 30);
	await a.ping();
	say(b, second, 0, 30); // as loud: the place stays
	await b.ping();
	if (Date.now() - start > 350 && !last) {
		await ends(a, b, c);
		return false;
	}
	const drops = await b.expect('drops');
	assert.deepEqual([drops.stream, drops.class, drops.reason, drops.count], [second, 'audio', 'loudest', 1]);
	say(a, first, 1, 40);
	await a.ping();
	say(b, second, 1, 20); // clearly louder
	await b.ping();
	assert.ok(await until(() => heard.length === 3));
	assert.deepEqual(heard.map((f) => [f.stream, f.seq]), [[first, 0], [first, 1], [second, 1]]);
	await ends(a, b, c);
	return true;
}

await checks.run('a publisher without a limit loses nothing', async () => {
	const [a, b] = [await house.enter('a', 'free'), await house.enter('b', 'free')];
	const heard = collect(b, KIND.audio);
	const id = await publish(a, 'audio');
	sendAudio(a, id, 0, 100, 500);
	assert.ok(await until(() => heard.length === 100));
	assert.ok(ALL.every((kind) => a.welcome.grants.publish.includes(kind)));
	await ends(a, b);
});

const status = checks.finish();
if (status !== 0) {
	reflector.log.slice(-20).forEach((e) => console.log(JSON.stringify(e)));
}
await house.close();
process.exit(status);
