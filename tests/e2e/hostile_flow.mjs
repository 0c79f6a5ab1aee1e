// hostile_flow.mjs: peers that speak well but too much, or do not read. The reflector must bound what it keeps
// for them, say what it dropped, and cost nobody else a frame.
import { FLAG, KIND, controlFrame, frame, sleep, until, within } from './hrp.mjs';
import { assert } from './check.mjs';

const FRAGMENT = 16000;
const PICTURE = 3; // fragments
const GROUP = 10; // pictures from keyframe to keyframe
const CONTROL_BURST = 200; // what the text allows at once
const CHATTERS = 5; // each within its pace, together more than a room may say

// One picture of a numbered video stream, in fragments.
function picture(stream, n) {
	const parts = [];
	for (let i = 0; i < PICTURE; i++) {
		const payload = Buffer.alloc(FRAGMENT, n & 0xff);
		const flags = (n % GROUP === 0 ? FLAG.keyframe : 0) | (i === 0 ? FLAG.first : 0)
			| (i === PICTURE - 1 ? FLAG.last : 0);
		parts.push(frame({ kind: KIND.video, flags, stream, seq: n * PICTURE + i, timestamp: n * 3000, payload }));
	}
	return Buffer.concat(parts);
}

/*
 * What a receiver got of a video stream, judged by the protocol's text: fragments in order, each gap
 * starting before the first fragment of a picture or announced, and behind a gap a keyframe first.
 */
function judgeVideo(frames, sent, drops) {
	let expected = 0;
	let missing = 0;
	for (const f of frames) {
		const gap = (f.seq - expected) & 0xffff;
		assert.ok(gap < 0x8000, `seq ${f.seq} after ${expected - 1}`);
		if (gap > 0) {
			missing += gap;
			assert.ok((f.flags & FLAG.first) !== 0, `behind a gap: fragment ${f.seq % PICTURE} of a picture`);
			assert.ok((f.flags & FLAG.keyframe) !== 0, `behind a gap: no keyframe at seq ${f.seq}`);
		}
		expected += gap + 1;
	}
	missing += sent - expected;
	const told = drops.reduce((sum, d) => sum + d.count, 0);
	assert.equal(told, missing, `${missing} fragments are missing, drops tell of ${told}`);
	assert.ok(drops.every((d) => d.class === 'video' && ['age', 'full', 'keyframe'].includes(d.reason)));
	return missing;
}

async function stalledReader(h, checks) {
	await checks.run('a receiver that stops reading while video flows: others get all, memory is bounded', async () => {
		const sender = await h.join();
		const stream = await h.publish(sender, 'video', 'vp8');
		const reader = await h.watcher();
		const stalled = await h.watcher();
		const mine = (lane) => lane.frames.filter((f) => f.stream === stream);
		let [asked, got] = [0, 0];
		reader.on('frame', (f) => { got += f.stream === stream ? 1 : 0; });
		const start = Date.now();
		sender.on('message', (m) => { asked += m.type === 'keyframe' ? 1 : 0; });
		// 48 MB in about 6 s: far more than the kernel's buffers and the queue hold. The sender waits for the reader,
		// who shares its process: on a busy machine pictures would else grow too old for him.
		stalled.socket.pause();
		const rss = h.rssKiB();
		let most = 0;
		const pictures = 1000;
		for (let n = 0; n < pictures; n++) {
			sender.sendRaw(picture(stream, n));
			if (n % 10 === 9) {
				await sender.ping(undefined, 10000);
				await until(() => got >= (n + 1) * PICTURE, 5000);
				await sleep(40);
				most = Math.max(most, h.rssKiB() - rss);
			}
		}
		const all = pictures * PICTURE;
		await until(() => mine(reader).length >= all, 5000);
		assert.equal(mine(reader).length, all, 'what the reading receiver got');
		judgeVideo(mine(reader), all, []);
		// Queue bound (1 MiB) and the frames in flight; not the 48 MB that were sent.
		assert.ok(most < h.rssSlackKiB(), `the worker grew by ${most} KiB`);
		stalled.socket.resume();
		if (stalled.isClosed) {
			assert.equal(stalled.end.error ?? stalled.end.bye, 'too-slow');
			return;
		}
		// It reads again: what it lacks was announced, and it is in the room as before.
		const drops = () => stalled.messages.filter((m) => m.type === 'drops' && m.stream === stream);
		const settled = () => {
			const last = mine(stalled).at(-1);
			return drops().reduce((s, d) => s + d.count, 0) + mine(stalled).length >= all && last !== undefined;
		};
		await until(settled, 5000);
		const missing = judgeVideo(mine(stalled), all, drops());
		assert.ok(missing > 0, 'nothing was dropped: this test stalls nothing');
		const seconds = (Date.now() - start) / 1000; // one in half a second is the most
		assert.ok(asked <= 4 + 2 * seconds, `${asked} keyframe requests in ${seconds} s`);
		await stalled.ping();
		await Promise.all([sender.bye(), reader.bye(), stalled.bye()]);
	});
}

// Chat is never dropped, so a receiver that takes none must go. Each sender stays within its pace.
async function chatFlood(h, checks) {
	await checks.run('chat to a receiver that does not read: it is closed with too-slow', async () => {
		const deaf = await h.join();
		const { num } = deaf.welcome.participant;
		const watcher = await h.watcher({ subscribe: 'none' });
		deaf.socket.pause();
		let left = null;
		watcher.on('message', (m) => { left ??= m.type === 'left' && m.num === num ? m : null; });
		const payload = Buffer.alloc(4096, 0x61);
		const rss = h.rssKiB();
		const senders = await Promise.all(Array.from({ length: CHATTERS }, () => h.join()));
		const end = Date.now() + 200000;
		for (let seq = 0; left === null && Date.now() < end; seq += 1) {
			for (const sender of senders) {
				sender.send({ kind: KIND.chat, flags: FLAG.marker, stream: num, seq: seq & 0xffff, payload });
			}
			await sleep(25);
		}
		await Promise.all(senders.map((sender) => sender.bye()));
		assert.ok(left !== null, 'it is still in the room');
		assert.equal(left.reason, 'too-slow');
		assert.ok(h.rssKiB() - rss < h.rssSlackKiB(), `${h.rssKiB() - rss} KiB more`);
		deaf.socket.resume();
		await within(deaf.closed, 5000, 'close');
		await watcher.bye();
	});
}

async function paces(h, checks) {
	const smell = controlFrame({ type: 'smell', req: 1 });
	await checks.run('200 unknown messages at once: each is answered', async () => {
		const lane = await h.join();
		lane.sendRaw(Buffer.concat(Array(CONTROL_BURST).fill(smell)));
		await lane.ping();
		const errors = () => lane.messages.filter((m) => m.code === 'unknown-message').length;
		await until(() => errors() >= CONTROL_BURST);
		assert.equal(errors(), CONTROL_BURST);
		await lane.bye();
	});
	await checks.run('20,000 control messages at once: limit', async () => {
		const lane = await h.join();
		lane.sendRaw(Buffer.concat(Array(20000).fill(smell)));
		await h.closedWith(lane, 'limit');
	});
	await checks.run('20,000 control messages without reading: limit, others are told', async () => {
		const lane = await h.join();
		const rss = h.rssKiB();
		const watcher = await h.watcher({ subscribe: 'none' });
		const { num } = lane.welcome.participant;
		lane.socket.pause();
		lane.sendRaw(Buffer.concat(Array(20000).fill(smell)));
		const left = await watcher.expect((m) => m.type === 'left' && m.num === num, 5000, 'left');
		assert.equal(left.reason, 'limit');
		assert.ok(h.rssKiB() - rss < h.rssSlackKiB(), `${h.rssKiB() - rss} KiB more`);
		lane.cut();
		await watcher.bye();
	});
	await checks.run('1,000 chat messages at once: limit', async () => {
		const lane = await h.join();
		const batch = [];
		for (let seq = 0; seq < 1000; seq++) {
			batch.push(frame({ kind: KIND.chat, seq, payload: 'spam' }));
		}
		lane.sendRaw(Buffer.concat(batch));
		await h.closedWith(lane, 'limit');
	});
}

async function floods(h, checks) {
	await checks.run('100,000 pings without reading: the rest is ignored, memory is bounded', async () => {
		const lane = await h.join();
		const rss = h.rssKiB();
		const batch = Buffer.concat(Array(1000).fill(frame({ kind: KIND.ping, payload: Buffer.alloc(64, 9) })));
		let pongs = 0;
		lane.on('pong', () => { pongs += 1; });
		lane.socket.pause();
		for (let i = 0; i < 100; i++) {
			if (!lane.sendRaw(batch)) {
				await within(new Promise((resolve) => { lane.socket.once('drain', resolve); }), 10000, 'drain');
			}
		}
		const grown = h.rssKiB() - rss;
		assert.ok(grown < h.rssSlackKiB(), `the worker grew by ${grown} KiB`);
		lane.socket.resume();
		// While the flood is worked off this one may be ignored as well.
		let answered = false;
		for (let i = 0; i < 20 && !answered; i++) {
			answered = await lane.ping(Buffer.from(`still there ${i}`), 500).then(() => true, () => false);
		}
		assert.ok(answered, 'no pong any more');
		assert.ok(pongs >= 1 && pongs <= 100001, `${pongs} pongs`);
		await lane.bye();
	});
	await checks.run('200 joins and cuts by one participant: others are told, nothing is kept', async () => {
		const before = h.fds();
		const watcher = await h.watcher({ subscribe: 'none' });
		const nums = new Set();
		for (let i = 0; i < 200; i++) {
			const lane = await h.join({ sub: 'hostile+again' }, { relay: i % 2 === 0 });
			nums.add(lane.welcome.participant.num);
			lane.cut(i % 2 === 0);
		}
		assert.equal(nums.size, 200, 'a number was given twice');
		const gone = (m) => m.type === 'left' && nums.has(m.num);
		await until(() => watcher.messages.filter(gone).length >= 200, 5000);
		assert.equal(watcher.messages.filter(gone).length, 200);
		await watcher.bye();
		await h.fdsBack(before);
	});
}

export async function hostileFlow(h, checks) {
	await stalledReader(h, checks);
	await chatFlood(h, checks);
	await paces(h, checks);
	await floods(h, checks);
}
