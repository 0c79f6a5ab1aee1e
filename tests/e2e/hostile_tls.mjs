// hostile_tls.mjs: peers that never come as far as HRP/1: no TLS, another TLS, half a handshake, storms of
// connections. Nothing can be named to them, so each must be closed, in time, at nobody's cost.
import net from 'node:net';
import tls from 'node:tls';
import { controlFrame, sleep, within } from './hrp.mjs';
import { assert } from './check.mjs';

const HANDSHAKE_S = 10;
const HELLO_S = 5;

// A bare TCP peer; resolves with it, its .closed with seconds and bytes received.
function tcp(endpoint) {
	const socket = net.connect({ host: endpoint.address, port: endpoint.port, noDelay: true });
	const start = performance.now();
	let bytes = 0;
	socket.on('data', (d) => { bytes += d.length; });
	socket.on('error', () => {});
	socket.closed_ = new Promise((resolve) => {
		socket.on('close', () => resolve({ seconds: (performance.now() - start) / 1000, bytes }));
	});
	return new Promise((resolve, reject) => {
		socket.once('connect', () => resolve(socket));
		socket.once('error', reject);
	});
}

// The ClientHello that this TLS library would send.
function clientHello(endpoint) {
	return new Promise((resolve, reject) => {
		const server = net.createServer((socket) => {
			socket.once('data', (d) => {
				socket.destroy();
				server.close();
				resolve(d);
			});
		});
		server.on('error', reject);
		server.listen(0, '127.0.0.1', () => {
			const client = tls.connect({ host: '127.0.0.1', port: server.address().port,
				servername: endpoint.tls_name, ALPNProtocols: ['helio/1'], minVersion: 'TLSv1.3' });
			client.on('error', () => {});
		});
	});
}

async function closedWithin(socket, atLeast, atMost) {
	const { seconds } = await within(socket.closed_, atMost * 1000, 'close');
	assert.ok(seconds >= atLeast && seconds <= atMost, `closed after ${seconds.toFixed(1)} s`);
}

// Cases that last as long as a deadline: all of them at once, beside the others.
export function hostileDeadlines(h, checks) {
	const late = (seconds) => [seconds - 0.5, seconds + 20]; // this machine may be busy
	const cases = {
		'silent after connect: closed at the handshake deadline': async () =>
			closedWithin(await tcp(h.endpoint), ...late(HANDSHAKE_S)),
		'half a ClientHello, then nothing: closed at the deadline': async () => {
			const bytes = await clientHello(h.endpoint);
			const s = await tcp(h.endpoint);
			s.write(bytes.subarray(0, bytes.length >> 1));
			await closedWithin(s, ...late(HANDSHAKE_S));
		},
		'whole ClientHello, then nothing: closed at the deadline': async () => {
			const s = await tcp(h.endpoint);
			s.write(await clientHello(h.endpoint));
			await closedWithin(s, ...late(HANDSHAKE_S));
		},
		'a ClientHello one byte a second: closed at the deadline': async () => {
			const bytes = await clientHello(h.endpoint);
			const s = await tcp(h.endpoint);
			let at = 0;
			const timer = setInterval(() => s.write(bytes.subarray(at, ++at)), 1000);
			await closedWithin(s, ...late(HANDSHAKE_S)).finally(() => clearInterval(timer));
		},
		'no hello: deadline': async () => {
			const start = performance.now();
			const lane = await h.connect();
			await h.closedWith(lane, 'deadline', 10000);
			const seconds = (performance.now() - start) / 1000;
			assert.ok(seconds > HELLO_S - 0.5, `after ${seconds} s already`);
		},
		'a hello one byte every 100 ms: deadline': async () => {
			const lane = await h.connect();
			const bytes = controlFrame(h.hello());
			let at = 0;
			const timer = setInterval(() => lane.sendRaw(bytes.subarray(at, ++at)), 100);
			await h.closedWith(lane, 'deadline', 10000).finally(() => clearInterval(timer));
		},
		'joined, then dumb: closed after two heartbeats and a second, with timeout': async () => {
			const lane = await h.join();
			const watcher = await h.watcher({ subscribe: 'none' });
			const { num } = lane.welcome.participant;
			lane.autoPong = false;
			const start = lane.lastSent;
			const ms = 2 * lane.welcome.heartbeat_ms + 1000;
			const end = await within(lane.closed, ms + 5000, 'close');
			assert.ok(Date.now() - start > ms - 1500, 'too early');
			assert.equal(end.error ?? end.bye, 'timeout', JSON.stringify(end));
			const left = await watcher.expect((m) => m.type === 'left' && m.num === num, 3000, 'left');
			assert.equal(left.reason, 'timeout');
			await watcher.bye();
		},
		'joined and silent but for its heartbeat: stays': async () => {
			const lane = await h.join();
			await sleep(2 * lane.welcome.heartbeat_ms + 2500);
			await lane.ping();
			await lane.bye();
		},
	};
	return Promise.all(Object.entries(cases).map(([name, fn]) => checks.run(name, fn)));
}

// A TLS client with these options must fail, with this in its error.
function tlsRefused(h, options, why) {
	return new Promise((resolve, reject) => {
		const socket = tls.connect({ host: h.endpoint.address, port: h.endpoint.port,
			rejectUnauthorized: false, servername: h.endpoint.tls_name, ALPNProtocols: ['helio/1'],
			...options });
		let connected = false;
		socket.on('secureConnect', () => { connected = true; });
		socket.on('error', (e) => {
			socket.destroy();
			return why.test(`${e.code} ${e.message}`) ? resolve() : reject(e);
		});
		socket.on('close', () => reject(new Error(connected ? 'it was let in' : 'closed without an alert')));
		socket.setTimeout(30000, () => socket.destroy());
		socket.resume();
	});
}

async function garbage(h, checks) {
	const bytes = {
		'zeroes': Buffer.alloc(4096),
		'0xff': Buffer.alloc(4096, 0xff),
		'a counter': Buffer.from(Array.from({ length: 4096 }, (_, i) => i & 0xff)),
		'an HTTP request': Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
		'an SSH greeting': Buffer.from('SSH-2.0-OpenSSH_9.2\r\n'),
		'a hello without TLS': controlFrame(h.hello()),
		'a TLS record that is no handshake': Buffer.from([0x17, 3, 3, 0, 4, 1, 2, 3, 4]),
		'a TLS record that is too long': Buffer.concat([Buffer.from([0x16, 3, 1, 0xff, 0xff]), Buffer.alloc(65535)]),
		'a ClientHello of nonsense': Buffer.concat([Buffer.from([0x16, 3, 1, 0, 64, 1, 0, 0, 60]), Buffer.alloc(60, 3)]),
	};
	for (const [name, payload] of Object.entries(bytes)) {
		await checks.run(`instead of TLS: ${name}: closed at once`, async () => {
			const s = await tcp(h.endpoint);
			s.write(payload);
			await closedWithin(s, 0, HANDSHAKE_S - 1); // before the deadline, so not by it
		});
	}
	await checks.run('TLS 1.2: refused with an alert', () =>
		tlsRefused(h, { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }, /alert/i));
	await checks.run('ALPN of something else: no application protocol', () =>
		tlsRefused(h, { ALPNProtocols: ['h2', 'http/1.1'] }, /NO_APPLICATION_PROTOCOL|no application protocol/i));
	await checks.run('no ALPN: no application protocol', () =>
		tlsRefused(h, { ALPNProtocols: undefined }, /NO_APPLICATION_PROTOCOL|no application protocol/i));
	await checks.run('handshake done, then cut, 50 times: nothing is kept', async () => {
		const before = h.fds();
		for (let i = 0; i < 50; i++) {
			const lane = await h.connect({ relay: i % 2 === 0 });
			lane.cut(i % 2 === 0);
		}
		await h.fdsBack(before);
	});
}

async function storm(h, checks) {
	await checks.run('2,000 connects with RST: no descriptor, no memory is kept', async () => {
		const before = h.fds();
		const rss = h.rssKiB();
		for (let i = 0; i < 20; i++) {
			await Promise.all(Array.from({ length: 100 }, async () => {
				const s = await tcp(h.endpoint);
				s.resetAndDestroy();
			}));
		}
		const lane = await h.join({}, { ms: 5000 });
		await lane.bye();
		await h.fdsBack(before);
		assert.ok(h.rssKiB() - rss < h.rssSlackKiB(), `${h.rssKiB() - rss} KiB more`);
	});
}

export async function hostileTls(h, checks) {
	await garbage(h, checks);
	await storm(h, checks);
}
