// hostile.mjs: every kind of bad input against one worker, while two honest participants in the same room
// exchange audio and must not lose a frame, and the worker must not die. Cases are in hostile_*.mjs.
// usage: hostile.mjs --authd URL --ca FILE --socket PATH --state DIR --user U --password P --room R --max N
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Checks, assert, options, watchdog } from './check.mjs';
import { within } from './hrp.mjs';
import { Hostile } from './hostile_lib.mjs';
import { hostileFlow } from './hostile_flow.mjs';
import { hostileFrames } from './hostile_frames.mjs';
import { hostileDeadlines, hostileTls } from './hostile_tls.mjs';
import { hostileTokens } from './hostile_tokens.mjs';

// The honest two, in a process of their own so that nothing here can slow them down.
function startPair(opt) {
	const script = fileURLToPath(new URL('pair.mjs', import.meta.url));
	const child = spawn(process.execPath, [script, '--authd', opt.authd, '--ca', opt.ca, '--user', opt.user,
		'--password', opt.password, '--room', opt.room, '--tag', 'honest'], { stdio: ['pipe', 'pipe', 'inherit'] });
	let out = '';
	child.ready = new Promise((resolve, reject) => {
		child.stdout.on('data', (d) => {
			out += d;
			if (out.includes('ready')) {
				resolve();
			}
		});
		child.on('exit', () => reject(new Error(`the honest pair ended: ${out}`)));
	});
	child.result = new Promise((resolve) => {
		child.on('close', (status) => resolve({ status, text: out.trim().split('\n').at(-1) }));
	});
	child.ready.catch(() => {});
	return child;
}

watchdog(Number(process.env.HELIO_HOSTILE_WATCHDOG_S ?? 240) * 1000);
const opt = options();
const checks = new Checks();
const h = new Hostile(opt);
const pair = startPair(opt);
await within(pair.ready, 15000, 'honest pair');
await h.start();
console.log(`worker ${h.pid}, port ${h.endpoint.port}`);

const only = process.env.HELIO_HOSTILE_ONLY?.split(',');
const wanted = (name) => only === undefined || only.includes(name);
const deadlines = wanted('deadlines') ? hostileDeadlines(h, checks) : null;
for (const [name, part] of Object.entries({
	tls: hostileTls, tokens: hostileTokens, frames: hostileFrames, flow: hostileFlow,
})) {
	if (wanted(name)) {
		await part(h, checks);
	}
}
await deadlines;

await checks.run('two honest participants lost no frame meanwhile', async () => {
	pair.stdin.end();
	const { status, text } = await within(pair.result, 10000, 'end of the honest pair');
	console.log(`     ${text}`);
	assert.equal(status, 0, text);
	assert.ok(JSON.parse(text).received > 100);
});
await checks.run('the worker is the process it was', async () => {
	assert.equal(await h.workerPid(), h.pid);
	process.kill(h.pid, 0);
});
process.exit(checks.finish());
