// hostile_lib.mjs: what the hostile cases share: tokens signed with the test's own authd key, peers
// that are refused or survive, and a look at the worker from outside. It never judges by itself:
// each helper throws, and the case that called it has failed.
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { FLAG, KIND, Lane, controlFrame, fetchToken, join, sleep, until, within } from './hrp.mjs';
import { assert } from './check.mjs';

const b64 = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

// authd's signing key: a new state directory has one.
function findKey(dir) {
	const keys = path.join(dir, 'keys');
	const name = fs.readdirSync(keys).find((file) => file.endsWith('.pem'));
	return crypto.createPrivateKey(fs.readFileSync(path.join(keys, name), 'latin1'));
}

export class Hostile {
	constructor(opt) {
		Object.assign(this, { opt, ca: fs.readFileSync(opt.ca), room: opt.room, count: 0 });
		this.key = findKey(opt.state);
	}

	async start() {
		this.sample = await this.fetch('sample');
		[this.endpoint] = this.sample.endpoints;
		const [head, claims] = this.sample.token.split('.');
		this.head = JSON.parse(Buffer.from(head, 'base64url'));
		this.claims = JSON.parse(Buffer.from(claims, 'base64url'));
		this.pid = await this.workerPid();
	}

	fetch(device) {
		const { user, password } = this.opt;
		return fetchToken(this.opt.authd, this.ca, { user, password, room: this.room, device });
	}

	// authd's admin listener.
	admin(method, where, body) {
		return new Promise((resolve, reject) => {
			const req = http.request({ socketPath: this.opt.socket, path: where, method, agent: false }, (res) => {
				let text = '';
				res.setEncoding('utf8');
				res.on('data', (d) => { text += d; });
				res.on('end', () => resolve({ status: res.statusCode, body: text && JSON.parse(text) }));
			});
			req.on('error', reject);
			req.end(body && JSON.stringify(body));
		});
	}

	// The worker's process, as authd learnt it from the worker's reports.
	async workerPid() {
		for (let i = 0; i < 600; i++) {
			const { body } = await this.admin('GET', '/v1/reflectors');
			const workers = body.reflectors?.[0]?.workers ?? [];
			if (workers.length === 1 && workers[0].pid > 0) {
				return workers[0].pid;
			}
			await sleep(100);
		}
		throw new Error('authd does not know the worker');
	}

	/* ---------------------------------------------------- tokens */

	// A token as authd would sign it, for a participant of its own, with other claims.
	mint(claims = {}, { head = {}, key = this.key } = {}) {
		this.count += 1;
		const now = Math.floor(Date.now() / 1000);
		const all = { ...this.claims, sub: `hostile+${this.count}`, jti: crypto.randomUUID(), iat: now,
			exp: now + 3600, ...claims };
		return this.sign(`${b64({ ...this.head, ...head })}.${b64(all)}`, key);
	}

	sign(text, key) {
		return `${text}.${crypto.sign(null, Buffer.from(text), key).toString('base64url')}`;
	}

	/* ---------------------------------------------------- peers */

	connect(options = {}) {
		return Lane.connect(this.endpoint, { ca: this.ca, ...options });
	}

	// A participant that is in the room, receiving nothing unless asked.
	join(claims, options = {}) {
		return join({ token: this.mint(claims), endpoints: [this.endpoint] },
			{ ca: this.ca, ...options, hello: { subscribe: 'none', ...options.hello } });
	}

	async publish(lane, kind = 'audio', codec = 'opus') {
		const m = await lane.request({ type: 'publish', kind, codec, label: 'x' });
		assert.equal(m.type, 'published', JSON.stringify(m));
		return m.stream;
	}

	// A participant that sees all: who comes and goes, and frames.
	async watcher(hello = { subscribe: 'all' }) {
		const lane = await this.join({}, { hello });
		lane.frames = [];
		lane.on('frame', (f) => lane.frames.push(f));
		return lane;
	}

	hello(fields = {}) {
		return { type: 'hello', versions: [1], token: this.mint(), client: 'hostile', capabilities: ['chat'],
			subscribe: 'none', ...fields };
	}

	// Fresh connection, these bytes (a list: in these pieces); the reflector must name the error, close.
	async refusedRaw(bytes, code, ms = 4000) {
		const lane = await this.connect();
		await this.sendPieces(lane, [bytes].flat());
		await this.closedWith(lane, code, ms);
	}

	refused(helloFields, code) {
		return this.refusedRaw(controlFrame(this.hello(helloFields)), code);
	}

	async closedWith(lane, code, ms = 4000) {
		const end = await within(lane.closed, ms, `close with ${code}`);
		assert.equal(end.error ?? end.bye, code, `ended with ${JSON.stringify(end)}`);
	}

	// Bytes on a joined lane: an error that is named and survived.
	async survives(lane, bytes, code, also = () => true) {
		lane.messages = [];
		lane.sendRaw(bytes);
		const m = await lane.expect('error', 3000, `error ${code}`);
		assert.equal(m.code, code, JSON.stringify(m));
		assert.ok(!m.fatal, `fatal: ${JSON.stringify(m)}`);
		assert.equal(typeof m.text, 'string');
		assert.ok(also(m), `answer ${JSON.stringify(m)}`);
		await lane.ping();
	}

	async sendPieces(lane, pieces) {
		for (const piece of pieces) {
			lane.sendRaw(piece);
			await new Promise((resolve) => { setImmediate(resolve); });
		}
	}

	/* ---------------------------------------------------- the worker from outside */

	status(field) {
		const text = fs.readFileSync(`/proc/${this.pid}/status`, 'utf8');
		return Number(new RegExp(`^${field}:\\s*(\\d+)`, 'm').exec(text)[1]);
	}

	rssKiB() {
		return this.status('VmRSS');
	}

	fds() {
		return fs.readdirSync(`/proc/${this.pid}/fd`).length;
	}

	// AddressSanitizer keeps what was freed for a while, so its memory says less. It may be linked in
	// statically; what always shows is the address space that it reserves, terabytes of it.
	rssSlackKiB() {
		return this.status('VmSize') > 2 ** 30 ? 160 * 1024 : 12 * 1024;
	}

	// Waits until the number of descriptors is back at most at what it was.
	async fdsBack(before) {
		await until(() => this.fds() <= before, 5000);
		assert.ok(this.fds() <= before, `${this.fds()} descriptors, ${before} before`);
	}
}

export const audio = (stream, seq, payload) =>
	({ kind: KIND.audio, flags: FLAG.first | FLAG.last, stream, seq, timestamp: seq * 960, payload });

// The pieces of bytes when cut at the given points.
export function cutAt(bytes, ...points) {
	const all = [0, ...points, bytes.length];
	return all.slice(1).map((end, i) => bytes.subarray(all[i], end)).filter((b) => b.length > 0);
}
