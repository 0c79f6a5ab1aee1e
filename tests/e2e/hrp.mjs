// hrp.mjs: HRP/1 for tests, written from doc/protocol.md alone, on Node.js built-in modules (so on
// another TLS library than the product). It owns frames, one lane and the joined session of it; it
// must never share code or knowledge with the C sources, since that is what it is there to check.
import { EventEmitter } from 'node:events';
import crypto from 'node:crypto';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';

export const KIND = { control: 1, audio: 2, video: 3, data: 4, chat: 5, ping: 6, pong: 7 };
export const FLAG = { keyframe: 1, first: 2, last: 4, discardable: 8, repeat: 16, marker: 32 };
export const HEADER = 16;
export const CHAT_LIMIT = 4096;
const HELLO_LIMIT = 8192;

/* ---------------------------------------------------------------- frames */

// The header alone; length may be given apart from the payload, to lie about it.
export function header(f) {
	const b = Buffer.alloc(HEADER);
	b.writeUInt8(f.kind, 0);
	b.writeUInt8(f.flags ?? 0, 1);
	b.writeUInt8(f.layer ?? 0, 2);
	b.writeUInt8(f.level ?? 0, 3);
	b.writeUInt16BE((f.stream ?? 0) & 0xffff, 4);
	b.writeUInt16BE((f.seq ?? 0) & 0xffff, 6);
	b.writeUInt32BE((f.timestamp ?? 0) >>> 0, 8);
	b.writeUInt32BE((f.length ?? 0) >>> 0, 12);
	return b;
}

export function frame(fields) {
	const payload = Buffer.from(fields.payload ?? '');
	return Buffer.concat([header({ length: payload.length, ...fields }), payload]);
}

export function controlFrame(message) {
	const isText = typeof message === 'string' || Buffer.isBuffer(message);
	const payload = isText ? message : JSON.stringify(message);
	return frame({ kind: KIND.control, flags: FLAG.first | FLAG.last, payload });
}

// Takes bytes in any pieces, gives whole frames; throws for a bad header.
export class FrameReader {
	constructor() {
		this.pieces = [];
		this.size = 0;
		this.limit = HELLO_LIMIT;
	}

	push(chunk) {
		this.pieces.push(chunk);
		this.size += chunk.length;
	}

	next() {
		if (this.size < HEADER) {
			return null;
		}
		if (this.pieces[0].length < HEADER) {
			this.pieces = [Buffer.concat(this.pieces)];
		}
		const h = this.pieces[0];
		const f = {
			kind: h[0], flags: h[1], layer: h[2], level: h[3],
			stream: h.readUInt16BE(4), seq: h.readUInt16BE(6), timestamp: h.readUInt32BE(8),
		};
		const length = h.readUInt32BE(12);
		if (f.kind < 1 || f.kind > 7 || (f.flags & 0xc0) !== 0 || f.level > 127) {
			throw new Error(`bad header ${h.subarray(0, HEADER).toString('hex')}`);
		}
		if (length > (f.kind === KIND.chat ? Math.max(this.limit, CHAT_LIMIT) : this.limit)) {
			throw new Error(`payload of ${length} bytes, limit ${this.limit}`);
		}
		if (this.size < HEADER + length) {
			return null;
		}
		const all = this.pieces.length === 1 ? h : Buffer.concat(this.pieces);
		f.payload = all.subarray(HEADER, HEADER + length);
		const rest = all.subarray(HEADER + length);
		this.pieces = rest.length > 0 ? [rest] : [];
		this.size = rest.length;
		return f;
	}
}

// One Opus packet's duration in ms from its first bytes (RFC 6716, section 3.1); 0: no Opus packet.
export function opusDuration(packet) {
	if (packet.length < 1) {
		return 0;
	}
	const config = packet[0] >> 3;
	let ms;
	if (config < 12) {
		ms = [10, 20, 40, 60][config & 3];
	} else if (config < 16) {
		ms = [10, 20][config & 1];
	} else {
		ms = [2.5, 5, 10, 20][config & 3];
	}
	const code = packet[0] & 3;
	if (code === 3) {
		return packet.length > 1 ? ms * (packet[1] & 0x3f) : 0;
	}
	return code === 0 ? ms : 2 * ms;
}

/* ---------------------------------------------------------------- authd */

// POST to authd; resolves { status, body } whatever the status is.
export function post(url, ca, body, path = '/v1/token') {
	return new Promise((resolve, reject) => {
		const text = typeof body === 'string' ? body : JSON.stringify(body);
		const req = https.request(new URL(path, url), {
			method: 'POST', ca, minVersion: 'TLSv1.3', agent: false,
			headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) },
		}, (res) => {
			const parts = [];
			res.on('data', (d) => parts.push(d));
			res.on('error', reject);
			res.on('end', () => {
				const raw = Buffer.concat(parts).toString();
				try {
					const type = res.headers['content-type'];
					resolve({ status: res.statusCode, type, body: JSON.parse(raw) });
				} catch {
					reject(new Error(`authd answered ${res.statusCode} without JSON: ${raw.slice(0, 200)}`));
				}
			});
		});
		req.setTimeout(60000, () => req.destroy(new Error('authd did not answer in 60 s')));
		req.on('error', reject);
		req.end(text);
	});
}

// The answer of POST /v1/token, or an Error whose .code is authd's.
export async function fetchToken(url, ca, request) {
	const { status, body } = await post(url, ca, request);
	if (status !== 200) {
		const error = new Error(`token refused: ${status} ${body.code}`);
		throw Object.assign(error, { code: body.code, status });
	}
	return body;
}

/* ---------------------------------------------------------------- a lane */

export function pinOf(certificate) {
	const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
	return `sha256/${crypto.createHash('sha256').update(spki).digest('base64')}`;
}

// A wait ends what hangs: it has that many times what an idle machine needs at most. What is to be fast, or not too
// early, is measured where a case says so.
export const PATIENCE = 5;

export function within(promise, idleMs, what) {
	const ms = idleMs * PATIENCE;
	let timer;
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error(`${what}: nothing in ${ms} ms`)), ms);
	});
	return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

// Waits until test() is true; false when it is not within ms (times PATIENCE).
export async function until(test, ms = 3000) {
	for (const end = Date.now() + ms * PATIENCE; !test(); await sleep(5)) {
		if (Date.now() >= end) {
			return false;
		}
	}
	return true;
}

// A TCP relay for one connection, because node cannot reset a TLS socket: { address, far }.
function openRelay(endpoint) {
	return new Promise((resolve, reject) => {
		const far = net.connect({ host: endpoint.address, port: endpoint.port, noDelay: true });
		const server = net.createServer({ noDelay: true }, (near) => {
			server.close();
			near.on('error', () => far.destroy());
			far.on('error', () => near.destroy());
			far.on('close', () => near.destroy());
			near.on('close', () => far.destroy());
			near.pipe(far).pipe(near);
		});
		far.once('error', reject);
		far.once('connect', () => server.listen(0, '127.0.0.1', () =>
			resolve({ far, address: { host: '127.0.0.1', port: server.address().port } })));
	});
}

/*
 * A lane: TLS connection, checked before anything is sent, and the frames of it. Events: 'frame' for
 * each frame that is no control, ping or pong; 'message' for each control message; 'pong'; 'closed'.
 */
export class Lane extends EventEmitter {
	// options: ca (PEM; without it the pin decides alone), relay (so that cut(true) can reset it),
	// tls (passed on to tls.connect)
	static async connect(endpoint, options = {}) {
		const relay = options.relay ? await openRelay(endpoint) : null;
		const socket = tls.connect({
			...(relay?.address ?? { host: endpoint.address, port: endpoint.port }),
			servername: endpoint.tls_name, ALPNProtocols: ['helio/1'], minVersion: 'TLSv1.3',
			ca: options.ca, rejectUnauthorized: options.ca !== undefined, ...options.tls,
		});
		socket.setNoDelay(true);
		return new Promise((resolve, reject) => {
			const fail = (error) => {
				socket.destroy();
				reject(error);
			};
			const gone = () => fail(new Error('closed during the handshake'));
			socket.on('error', fail);
			socket.on('close', gone);
			socket.once('secureConnect', () => {
				const certificate = socket.getPeerX509Certificate();
				const pin = pinOf(certificate);
				if (socket.alpnProtocol !== 'helio/1') {
					return fail(new Error(`ALPN is ${socket.alpnProtocol}`));
				}
				if (endpoint.pin !== undefined && pin !== endpoint.pin) {
					return fail(new Error(`pin is ${pin}, not ${endpoint.pin}`));
				}
				socket.off('error', fail);
				socket.off('close', gone);
				return resolve(Object.assign(new Lane(socket), { relay, pin, certificate }));
			});
		});
	}

	constructor(socket) {
		super();
		Object.assign(this, { socket, reader: new FrameReader(), messages: [], waiters: [] });
		this.autoPong = true;
		this.lastSent = Date.now();
		this.nextReq = 1;
		this.end = { error: null, bye: null, broken: null }; // how it ended, as far as is known
		this.closed = new Promise((resolve) => { this.resolveClosed = resolve; });
		socket.on('data', (chunk) => this.take(chunk));
		socket.on('error', (e) => { this.end.broken ??= e.code ?? e.message; });
		socket.on('end', () => socket.end());
		socket.on('close', () => this.finish());
	}

	finish() {
		if (this.isClosed) {
			return;
		}
		this.isClosed = true;
		clearInterval(this.heartbeat);
		for (const w of this.waiters) {
			w.reject(new Error(`connection closed: ${JSON.stringify(this.end)}`));
		}
		this.waiters = [];
		this.resolveClosed(this.end);
		this.emit('closed', this.end);
	}

	take(chunk) {
		this.reader.push(chunk);
		try {
			for (let f = this.reader.next(); f !== null; f = this.reader.next()) {
				this.dispatch(f);
			}
		} catch (e) {
			this.end.broken = e.message;
			this.socket.destroy();
		}
	}

	dispatch(f) {
		if (f.kind === KIND.control) {
			const text = new TextDecoder('utf-8', { fatal: true }).decode(f.payload);
			const m = JSON.parse(text);
			if (typeof m.type !== 'string') {
				throw new Error(`control message without a type: ${text}`);
			}
			this.onMessage(m);
		} else if (f.kind === KIND.ping) {
			if (this.autoPong) {
				this.send({ kind: KIND.pong, payload: f.payload });
			}
		} else if (f.kind === KIND.pong) {
			this.emit('pong', f.payload);
		} else {
			this.emit('frame', f);
		}
	}

	onMessage(m) {
		if (m.type === 'error' && m.fatal) {
			this.end.error = m.code;
		} else if (m.type === 'bye') {
			this.end.bye = m.reason;
			this.socket.end();
		} else if (m.type === 'welcome') {
			this.reader.limit = m.max_payload;
			this.heartbeat = setInterval(() => this.beat(m.heartbeat_ms), m.heartbeat_ms / 4);
		}
		this.emit('message', m);
		const i = this.waiters.findIndex((w) => w.wants(m));
		if (i >= 0) {
			this.waiters.splice(i, 1)[0].resolve(m);
		} else {
			this.messages.push(m);
			if (this.messages.length > 20000) {
				this.messages.shift();
			}
		}
	}

	beat(interval) {
		if (this.autoPong && Date.now() - this.lastSent >= interval) {
			this.send({ kind: KIND.ping, payload: Buffer.from('beat') });
		}
	}

	sendRaw(bytes) {
		this.lastSent = Date.now();
		return this.socket.write(bytes);
	}

	send(fields) {
		return this.sendRaw(frame(fields));
	}

	control(message) {
		return this.sendRaw(controlFrame(message));
	}

	// The first message, already here or coming, that wants() likes. Each is given out once.
	expect(wants, ms = 5000, what = 'message') {
		const test = typeof wants === 'string' ? (m) => m.type === wants : wants;
		const i = this.messages.findIndex(test);
		if (i >= 0) {
			return Promise.resolve(this.messages.splice(i, 1)[0]);
		}
		if (this.isClosed) {
			return Promise.reject(new Error(`connection closed: ${JSON.stringify(this.end)}`));
		}
		let waiter;
		const promise = new Promise((resolve, reject) => {
			waiter = { wants: test, resolve, reject };
			this.waiters.push(waiter);
		});
		const drop = () => { this.waiters = this.waiters.filter((w) => w !== waiter); };
		return within(promise, ms, typeof wants === 'string' ? wants : what).finally(drop);
	}

	// Sends a request with a number of its own; resolves with whatever answers it, errors too.
	request(message, ms = 5000) {
		const req = this.nextReq++;
		this.control({ ...message, req });
		return this.expect((m) => m.req === req, ms, `answer to ${message.type}`);
	}

	// Round trip; whatever was sent before was handled when it resolves.
	ping(payload = crypto.randomBytes(8), ms = 5000) {
		let got;
		const answer = new Promise((resolve, reject) => {
			got = (p) => p.equals(payload) && resolve();
			this.on('pong', got);
			this.closed.then((end) => reject(new Error(`closed, no pong: ${JSON.stringify(end)}`)));
		});
		this.send({ kind: KIND.ping, payload });
		return within(answer, ms, 'pong').finally(() => this.off('pong', got));
	}

	// Orderly end: bye, close_notify, close.
	async bye() {
		this.control({ type: 'bye', reason: 'bye' });
		this.socket.end();
		return within(this.closed, 5000, 'close after bye');
	}

	// The cable is pulled: TCP ends without close_notify; reset (with the relay only): with RST.
	cut(reset = false) {
		this.end.broken ??= 'cut by us';
		if (reset) {
			this.relay.far.resetAndDestroy();
		} else {
			this.relay?.far.destroy();
			this.socket.destroy();
		}
	}
}

/* ---------------------------------------------------------------- a session */

// The roster of one room as the messages of a lane tell it: people by num, streams by id.
export class Roster {
	constructor(lane) {
		this.people = new Map();
		this.streams = new Map();
		lane.on('message', (m) => this.take(m));
	}

	add(p) {
		this.people.set(p.num, p);
		for (const s of p.streams) {
			this.streams.set(s.stream, { ...s, id: p.id, num: p.num });
		}
	}

	take(m) {
		if (m.type === 'roster') {
			m.participants.forEach((p) => this.add(p));
		} else if (m.type === 'joined') {
			this.add(m.participant);
		} else if (m.type === 'left') {
			this.people.delete(m.num);
			for (const [id, s] of this.streams) {
				if (s.num === m.num) {
					this.streams.delete(id);
				}
			}
		} else if (m.type === 'published' && m.id !== undefined) {
			this.streams.set(m.stream, m);
		} else if (m.type === 'unpublished') {
			this.streams.delete(m.stream);
		}
	}
}

// Connects and says hello; resolves with the lane once the whole roster is here. lane.welcome,
// lane.roster. An Error with .code when the reflector refuses.
export async function join(answer, options = {}) {
	const lane = await Lane.connect(options.endpoint ?? answer.endpoints[0], options);
	lane.roster = new Roster(lane);
	lane.control({ type: 'hello', versions: [1], token: answer.token, client: 'hrp.mjs',
		capabilities: ['chat', 'layers'], ...options.hello });
	const wants = (m) => m.type === 'welcome' || m.type === 'error';
	const first = await lane.expect(wants, options.ms ?? 5000, 'welcome');
	if (first.type === 'error') {
		const error = new Error(`refused: ${first.code} (${first.text})`);
		throw Object.assign(error, { code: first.code, lane });
	}
	lane.welcome = first;
	for (let page = { more: true }; page.more;) {
		page = await lane.expect('roster');
	}
	return lane;
}
