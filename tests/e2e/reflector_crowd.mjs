// reflector_crowd.mjs: what many can do together, each within what the protocol allows, and what one can do
// again and again: nobody else may lose a frame, his session or his way in.
// usage: reflector_crowd.mjs --reflector PROGRAM
import { KIND, frame, join, until } from './hrp.mjs';
import { Checks, assert, options, watchdog } from './check.mjs';
import { FakeAuthd, Files, Reflector, freePorts } from './alone_lib.mjs';

const opt = options();
const address = '127.0.0.1';
const checks = new Checks();
const files = new Files();
let reflector;
process.on('exit', () => {
	reflector?.child.kill('SIGTERM');
	files.remove();
});
watchdog(120000);

files.ca('ca');
files.cert('r1', 'r1.example');
files.cert('authd', 'authd.example');
const [port, , control] = await freePorts(address);
reflector = new Reflector(opt.reflector, files.write('reflector.conf', `name = "r1"
listen = {"${address}"}
ports = "${port}"
control = "${address}:${control}"
authd-name = "authd.example"
certificate = "r1.crt"
key = "r1.key"
control-ca = "ca.crt"
log-format = "json"
`));
await reflector.event('ready');
const authd = new FakeAuthd(files);
const { pin } = await authd.dial(address, control).hello();
authd.sendKeys();
await authd.query('rooms'); // behind the keys: the worker has them now

const endpoint = { address, port, tls_name: 'r1.example', pin };
const ca = files.read('ca.crt');
const enter = (id, room = 'demo', hello = {}) =>
	join({ token: authd.token(id, room, `r1:${port}`).token }, { endpoint, ca, hello });
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

const status = checks.finish();
reflector.kill('SIGTERM');
await reflector.end().catch(() => reflector.kill('SIGKILL'));
process.exit(status);
