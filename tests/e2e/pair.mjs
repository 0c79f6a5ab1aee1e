// pair.mjs: two honest participants of one room exchange numbered audio, 50 frames/s each way, until
// something comes on stdin or it ends (or after --seconds), while a test does its worst to the
// daemons around them. It prints "ready PORT" once frames flow and one JSON line at the end; exit
// status 0 only if each frame came exactly once, in order and unchanged.
// usage: pair.mjs --authd URL --ca FILE --user U --password P --room R [--tag T] [--seconds S]
//        [--address LITERAL]
import fs from 'node:fs';
import { KIND, fetchToken, join, sleep } from './hrp.mjs';
import { options } from './check.mjs';

const INTERVAL = 20;
const SIZE = 160;

class Talker {
	constructor(lane, stream) {
		Object.assign(this, { lane, stream, sent: 0, received: 0, wrong: [], other: null });
	}

	payload(n) {
		const p = Buffer.alloc(SIZE, (n + this.stream) & 0xff);
		p.writeUInt32BE(n, 0);
		return p;
	}

	sendOne() {
		const n = this.sent++;
		this.lane.send({ kind: KIND.audio, level: 30, stream: this.stream, seq: n, timestamp: n * 960,
			payload: this.payload(n) });
	}

	// Frames of the other one; anything else in the room is not ours to judge.
	take(f) {
		if (f.kind !== KIND.audio || f.stream !== this.other.stream) {
			return;
		}
		const n = this.received++;
		const right = f.seq === (n & 0xffff) && f.timestamp === ((n * 960) >>> 0)
			&& f.level === 30 && f.payload.equals(this.other.payload(n));
		if (!right && this.wrong.length < 5) {
			this.wrong.push(`frame ${n}: seq ${f.seq} timestamp ${f.timestamp}`);
		}
	}
}

async function talker(opt, ca, device) {
	const answer = await fetchToken(opt.authd, ca, {
		user: opt.user, password: opt.password, room: opt.room, device: `${opt.tag ?? 'pair'}-${device}`,
	});
	const endpoint = { ...answer.endpoints[0] };
	endpoint.address = opt.address ?? endpoint.address;
	const lane = await join(answer, { ca, endpoint, hello: { subscribe: 'none' } });
	const m = await lane.request({ type: 'publish', kind: 'audio', codec: 'opus', label: 'pair' });
	if (m.type !== 'published') {
		throw new Error(`publish: ${JSON.stringify(m)}`);
	}
	const t = new Talker(lane, m.stream);
	t.port = endpoint.port;
	return t;
}

async function meet(a, b) {
	a.other = b;
	b.other = a;
	for (const t of [a, b]) {
		t.lane.on('frame', (f) => t.take(f));
		const m = await t.lane.request({ type: 'subscribe', streams: [t.other.stream] });
		if (m.type !== 'subscribed') {
			throw new Error(`subscribe: ${JSON.stringify(m)}`);
		}
	}
}

// Sends what the clock asks for until stop() says so; late turns of the loop are made up for.
async function talk(talkers, stop) {
	const start = performance.now();
	while (!stop() && talkers.every((t) => !t.lane.isClosed)) {
		const due = Math.floor((performance.now() - start) / INTERVAL) + 1;
		for (const t of talkers) {
			while (t.sent < due) {
				t.sendOne();
			}
		}
		await sleep(INTERVAL - ((performance.now() - start) % INTERVAL));
	}
}

const opt = options();
const ca = fs.readFileSync(opt.ca);
let stopped = false;
for (const event of ['data', 'end', 'error']) {
	process.stdin.on(event, () => { stopped = true; });
}
const end = opt.seconds ? Date.now() + 1000 * Number(opt.seconds) : Infinity;

const talkers = [await talker(opt, ca, 'a'), await talker(opt, ca, 'b')];
await meet(...talkers);
console.log(`ready ${talkers[0].port}`);
await talk(talkers, () => stopped || Date.now() >= end);
for (let i = 0; i < 150 && talkers.some((t) => t.received < t.other.sent); i++) {
	await sleep(20);
}
const result = { sent: 0, received: 0, wrong: [], ended: [] };
for (const t of talkers) {
	result.sent += t.sent;
	result.received += t.received;
	result.wrong.push(...t.wrong);
	if (t.lane.isClosed) {
		result.ended.push(t.lane.end);
	} else {
		await t.lane.bye();
	}
}
result.ok = result.sent > 0 && result.sent === result.received && result.wrong.length === 0
	&& result.ended.length === 0;
console.log(JSON.stringify(result));
process.exit(result.ok ? 0 : 1);
