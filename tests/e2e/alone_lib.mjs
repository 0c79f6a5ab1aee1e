// alone_lib.mjs: a reflector without authd: certificates made with certtool, free ports, the daemon
// with its log, and a small authd of our own that holds the control link and signs tokens.
import { spawn, spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { EventEmitter } from 'node:events';
import { signingKey } from './check.mjs';
import { FrameReader, KIND, controlFrame, frame, until, within } from './hrp.mjs';

const b64 = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

export class Files {
	constructor() {
		this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'helio-alone-'));
	}

	path(name) {
		return path.join(this.dir, name);
	}

	write(name, text) {
		fs.writeFileSync(this.path(name), text);
		return this.path(name);
	}

	executable(name, text) {
		fs.writeFileSync(this.path(name), text, { mode: 0o700 });
		return this.path(name);
	}

	read(name) {
		return fs.readFileSync(this.path(name), 'utf8');
	}

	certtool(...args) {
		const done = spawnSync('certtool', args, { encoding: 'utf8' });
		if (done.status !== 0) {
			throw new Error(`certtool ${args.join(' ')}: ${done.error ?? done.stderr}`);
		}
	}

	key(name) {
		this.certtool('--generate-privkey', '--key-type', 'ecdsa', '--curve', 'secp256r1',
			'--outfile', this.path(`${name}.key`));
	}

	ca(name) {
		this.key(name);
		this.write(`${name}.tmpl`, `cn = "${name}"\nca\ncert_signing_key\nexpiration_days = 30\n`);
		this.certtool('--generate-self-signed', '--load-privkey', this.path(`${name}.key`),
			'--template', this.path(`${name}.tmpl`), '--outfile', this.path(`${name}.crt`));
	}

	cert(name, dns, ca = 'ca') {
		this.key(name);
		this.write(`${name}.tmpl`, `cn = "${dns}"\ndns_name = "${dns}"\ntls_www_server\n` +
			'tls_www_client\nsigning_key\nexpiration_days = 30\n');
		this.certtool('--generate-certificate', '--load-privkey', this.path(`${name}.key`),
			'--template', this.path(`${name}.tmpl`), '--load-ca-certificate', this.path(`${ca}.crt`),
			'--load-ca-privkey', this.path(`${ca}.key`), '--outfile', this.path(`${name}.crt`));
	}

	remove() {
		fs.rmSync(this.dir, { recursive: true, force: true });
	}
}

const isFree = (host, port) => new Promise((resolve) => {
	const server = net.createServer();
	server.once('error', () => resolve(false));
	server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
});

// Two neighbouring ports and one more, free at this moment, above the kernel's ephemeral range.
export async function freePorts(host) {
	for (let i = 0; i < 200; i++) {
		const first = 61000 + crypto.randomInt(4500);
		const all = [first, first + 1, first + 2];
		if ((await Promise.all(all.map((p) => isFree(host, p)))).every(Boolean)) {
			return all;
		}
	}
	throw new Error('no free ports in 61000-65535');
}

// The daemon and its log; events() are the log's lines as objects.
export class Reflector {
	constructor(program, settings) {
		this.log = [];
		this.rest = '';
		this.child = spawn(program, ['--settings', settings], { stdio: ['ignore', 'ignore', 'pipe'] });
		this.child.stderr.setEncoding('utf8');
		this.child.stderr.on('data', (text) => this.take(text));
		this.exit = new Promise((resolve) => {
			this.child.on('close', (code, signal) => resolve({ code, signal }));
		});
	}

	take(text) {
		const lines = (this.rest + text).split('\n');
		this.rest = lines.pop();
		for (const line of lines) {
			if (process.env.HELIO_TEST_TRACE) {
				console.log(line);
			}
			try {
				this.log.push(JSON.parse(line.replace(/^<\d>/, '')));
			} catch {
				this.log.push({ event: 'text', text: line });
			}
		}
	}

	events(name) {
		return this.log.filter((e) => e.event === name);
	}

	async event(name, test = () => true, ms = 8000) {
		const find = () => this.events(name).find(test);
		if (!await until(() => find() !== undefined, ms)) {
			const tail = this.log.slice(-15).map((e) => JSON.stringify(e)).join('\n');
			throw new Error(`no event ${name}; the log ends:\n${tail}`);
		}
		return find();
	}

	pid(name, port) {
		return this.events(name).filter((e) => Number(e.port) === port).at(-1)?.pid;
	}

	kill(signal) {
		this.child.kill(signal);
	}

	end(ms = 8000) {
		return within(this.exit, ms, 'end of the reflector');
	}
}

// authd as far as a reflector can tell: signs tokens, holds a control link.
export class FakeAuthd extends EventEmitter {
	constructor(files, cluster = 'example') {
		super();
		Object.assign(this, { files, cluster, nextQuery: 1, messages: [] });
		this.newKey();
	}

	newKey() {
		this.key = signingKey();
		this.jwk = { ...crypto.createPublicKey(this.key).export({ format: 'jwk' }), use: 'sig', alg: 'EdDSA' };
		this.jwk.kid = crypto.createHash('sha256').update(this.jwk.x).digest('base64url');
	}

	token(participant, room, place, change = {}, head = {}) {
		const now = Math.floor(Date.now() / 1000);
		const claims = { iss: 'authd', aud: this.cluster, sub: participant, usr: participant.split('+')[0],
			name: participant, room, jti: crypto.randomUUID(), iat: now, exp: now + 3600, at: [place],
			grants: { publish: ['audio', 'video', 'screen', 'data'], subscribe: true, chat: true,
				moderate: false }, policy: { rev: 1, kinds: ['audio', 'video', 'screen', 'data'] },
			...change };
		const text = `${b64({ alg: 'EdDSA', typ: 'helio+jwt', kid: this.jwk.kid, ...head })}.${b64(claims)}`;
		const signature = crypto.sign(null, Buffer.from(text), this.key).toString('base64url');
		return { token: `${text}.${signature}`, claims };
	}

	dial(host, port, cert = 'authd', alpn = 'helio-link/1') {
		this.reader = new FrameReader();
		this.reader.limit = 131072;
		this.socket = tls.connect({ host, port, ALPNProtocols: [alpn], minVersion: 'TLSv1.3',
			servername: 'r1.example', ca: this.files.read('ca.crt'),
			cert: cert && this.files.read(`${cert}.crt`), key: cert && this.files.read(`${cert}.key`) });
		this.socket.on('data', (chunk) => this.take(chunk));
		this.socket.on('error', () => {});
		this.closed = new Promise((resolve) => { this.socket.on('close', resolve); });
		// Its reports come often enough that the gate never pings: silence would be taken for death.
		const socket = this.socket;
		const beat = setInterval(() => socket.write(frame({ kind: KIND.ping, payload: 'beat' })), 2000);
		this.closed.then(() => clearInterval(beat));
		return this;
	}

	take(chunk) {
		this.reader.push(chunk);
		for (let f = this.reader.next(); f !== null; f = this.reader.next()) {
			if (f.kind === KIND.ping) {
				this.socket.write(frame({ kind: KIND.pong, payload: f.payload }));
			} else if (f.kind === KIND.control) {
				const m = JSON.parse(f.payload);
				this.messages.push(m);
				this.emit(m.type, m);
			}
		}
	}

	send(m) {
		this.socket.write(controlFrame(m));
	}

	async next(type, ms = 5000) {
		const find = () => this.messages.findIndex((m) => m.type === type);
		if (!await until(() => find() >= 0, ms)) {
			throw new Error(`no ${type} from the reflector`);
		}
		return this.messages.splice(find(), 1)[0];
	}

	async hello(change = {}) {
		this.send({ type: 'link-hello', version: 1, cluster: this.cluster, issuer: 'authd',
			authd: 'authd', ...change });
		return this.next('link-welcome');
	}

	sendKeys() {
		this.send({ type: 'keys', issuer: 'authd', cluster: this.cluster, jwks: { keys: [this.jwk] } });
	}

	// Entries of a revoke message; each gets the next number.
	revokeEntries(...entries) {
		const until_s = Math.floor(Date.now() / 1000) + 3600;
		this.nextRevocation ??= 1;
		const numbered = entries.map((e) => ({ seq: this.nextRevocation++, room: '', ban: false,
			until: until_s, ...e }));
		this.send({ type: 'revoke', entries: numbered });
		return numbered;
	}

	revoke(...jtis) {
		return this.revokeEntries(...jtis.map((jti) => ({ kind: 'token', id: jti })));
	}

	// A room's policy; each push has a higher rev.
	policy(name, policy = {}, outer = {}) {
		this.nextRev = (this.nextRev ?? 1) + 1;
		this.send({ type: 'policies', rooms: [{ name, rev: this.nextRev, locked: false, epoch: 1,
			expires_at: 0, policy: { capacity: 0, lobby: false, kinds: ['audio', 'video', 'screen', 'data'],
				loudest: 0, e2ee: false, ...policy }, ...outer }] });
	}

	async moderate(what, room, participant, more = {}) {
		const id = this.nextQuery++;
		this.send({ type: 'moderate', id, what, room, participant, ...more });
		for (;;) {
			const m = await this.next('moderated');
			if (m.id === id) {
				return m.code;
			}
		}
	}

	// All items of all workers, and the last message.
	async query(what, room) {
		const id = this.nextQuery++;
		const items = [];
		this.send({ type: 'query', id, what, room });
		for (;;) {
			const m = await this.next('answer');
			if (m.id !== id) {
				continue;
			}
			items.push(...m.items);
			if (m.done) {
				return { items, last: m };
			}
		}
	}
}
