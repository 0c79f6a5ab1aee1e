// reflector_crowd.mjs: what many can do together, each within what the protocol allows, and what one can do
// again and again: nobody else may lose a frame, his session or his way in.
// usage: reflector_crowd.mjs --reflector PROGRAM
import net from 'node:net';
import tls from 'node:tls';
import { KIND, frame, join, until } from './hrp.mjs';
import { Checks, assert, options, watchdog } from './check.mjs';
import { FakeAuthd, Files, Reflector, freePorts } from './alone_lib.mjs';

const opt = options();
const address = '127.0.0.1';
const checks = new Checks();
const files = new Files();
const openReflectors = [];
process.on('exit', () => {
	openReflectors.forEach((r) => r.child.kill('SIGTERM'));
	files.remove();
});
watchdog(120000);

files.ca('ca');
files.cert('r1', 'r1.example');
files.cert('authd', 'authd.example');
const ca = files.read('ca.crt');

// A reflector of its own, with keys: { enter }. program may set limits before.
async function startReflector(program) {
	const [port, , control] = await freePorts(address);
	const reflector = new Reflector(program, files.write(`${port}.conf`, `name = "r1"
listen = {"${address}"}
ports = "${port}"
control = "${address}:${control}"
authd-name = "authd.example"
certificate = "r1.crt"
key = "r1.key"
control-ca = "ca.crt"
log-format = "json"
`));
	openReflectors.push(reflector);
	await reflector.event('ready');
	const authd = new FakeAuthd(files);
	const { pin } = await authd.dial(address, control).hello();
	authd.sendKeys();
	await authd.query('rooms'); // behind the keys: the worker has them now
	const endpoint = { address, port, tls_name: 'r1.example', pin };
	const enter = (id, room = 'demo', hello = {}, tlsOptions = {}) =>
		join({ token: authd.token(id, room, `r1:${port}`).token }, { endpoint, ca, hello, tls: tlsOptions });
	return { reflector, port, enter };
}

const main = await startReflector(opt.reflector);
const { enter } = main;
const several = (count, name, ...more) =>
	Promise.all(Array.from({ length: count }, (_, i) => enter(`${name}${i}`, ...more)));
const ends = (...lanes) => Promise.all(lanes.map((l) => l.bye()));

await checks.run('six write as much as one may at once: who reads stays, who writes is told', async () => {
	const readers = await several(3, 'reader');
	const writers = await several(6, 'writer', 'demo', { capabilities: [] });
	const batch = Buffer.concat(Array.from({ length: 200 }, (_, seq) =>
		frame({ kind: KIND.chat, seq, payload: Buffer.alloc(4096, 0x61) })));
	const got = readers.map(() => 0);
	readers.forEach((lane, i) => lane.on('frame', () => { got[i] += 1; }));
	writers.forEach((lane) => lane.sendRaw(batch));
	const said = (lane, wants) => lane.messages.filter(wants).length;
	const acks = () => writers.reduce((n, lane) => n + said(lane, (m) => m.type === 'chat-ack'), 0);
	const limits = () => writers.reduce((n, lane) =>
		n + said(lane, (m) => m.code === 'limit' && m.about === 'chat' && !m.fatal), 0);
	assert.ok(await until(() => acks() + limits() === 1200, 10000), `${acks()} + ${limits()}`);
	assert.ok(acks() >= 100, `${acks()} were taken`);
	// What was acknowledged is delivered, and nobody was closed.
	assert.ok(await until(() => got.every((n) => n === acks()), 5000), `${got} of ${acks()}`);
	await ends(...readers, ...writers);
});

await checks.run('chat of 4,096 bytes reaches one who takes small payloads only', async () => {
	const [small, writer] = [await enter('small', 'demo', { max_payload: 1200 }), await enter('writer')];
	const got = new Promise((resolve) => { small.once('frame', resolve); });
	writer.send({ kind: KIND.chat, seq: 1, payload: Buffer.alloc(4096, 0x61) });
	assert.equal((await got).payload.length, 4096);
	small.send({ kind: KIND.chat, seq: 1, payload: Buffer.alloc(4096, 0x62) });
	await small.expect('chat-ack');
	await ends(small, writer);
});

// TCP connections that say nothing, from elsewhere on the loopback.
async function silentCrowd(port, count) {
	const sockets = Array.from({ length: count }, () =>
		net.connect({ host: address, port, localAddress: '127.9.9.9' }).on('error', () => {}));
	await until(() => sockets.every((socket) => !socket.connecting), 10000);
	return { sockets, gone: () => sockets.forEach((socket) => socket.destroy()) };
}

await checks.run('1,200 silent connections from one network: who came before from elsewhere gets in', async () => {
	const socket = net.connect({ host: address, port: main.port });
	await until(() => !socket.connecting);
	const crowd = await silentCrowd(main.port, 1200);
	await main.reflector.event('conn-refused', (e) => e.reason === 'half-open' && e.addr.startsWith('127.9.9.9:'));
	await ends(await enter('early', 'demo', {}, { socket }), await enter('late'));
	crowd.gone();
});

await checks.run('60 descriptors and 200 silent connections: who is in stays, who comes gets in', async () => {
	const small = await startReflector(files.executable('small', `#!/bin/sh
ulimit -n 60
exec "${opt.reflector}" "$@"
`));
	const first = await small.enter('first');
	const crowd = await silentCrowd(small.port, 200);
	const second = await small.enter('second');
	await first.ping();
	crowd.gone();
	await ends(first, second);
});

// The first bytes of a good handshake. The answer to them costs the reflector a signature.
async function clientHello() {
	const server = net.createServer();
	await new Promise((resolve) => { server.listen(0, address, resolve); });
	const hello = new Promise((resolve) => {
		server.once('connection', (socket) => socket.once('data', (bytes) => {
			socket.destroy();
			server.close();
			resolve(bytes);
		}));
	});
	tls.connect({ host: address, port: server.address().port, servername: 'r1.example',
		ALPNProtocols: ['helio/1'], minVersion: 'TLSv1.3' }).on('error', () => {});
	return hello;
}

await checks.run('600 handshakes at one moment: who is in is answered before most of them', async () => {
	const lane = await enter('inside');
	const crowd = await silentCrowd(main.port, 600);
	await lane.ping();
	const hello = await clientHello();
	let answered = 0;
	crowd.sockets.forEach((socket) => socket.once('data', () => { answered += 1; }));
	// Stopped meanwhile, the worker finds all of it in one turn.
	const worker = main.reflector.pid('worker-started', main.port);
	process.kill(worker, 'SIGSTOP');
	crowd.sockets.forEach((socket) => socket.write(hello));
	const pong = lane.ping(undefined, 30000);
	assert.ok(await until(() => crowd.sockets.every((socket) => socket.writableLength === 0)));
	process.kill(worker, 'SIGCONT');
	const start = performance.now();
	await pong;
	const first = performance.now() - start;
	assert.ok(await until(() => answered === 600, 30000), `${answered} answered`);
	const all = performance.now() - start;
	assert.ok(first < all / 3, `pong after ${first.toFixed()} ms, the last handshake after ${all.toFixed()} ms`);
	crowd.gone();
	await lane.bye();
});

const status = checks.finish();
for (const reflector of openReflectors) {
	reflector.kill('SIGTERM');
	await reflector.end().catch(() => reflector.kill('SIGKILL'));
}
process.exit(status);
