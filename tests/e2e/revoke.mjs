// Sessions of many participants, each of which notes when it was closed and why.
//   node revoke.mjs --authd URL --ca FILE --password P --answers DIR --count N
// DIR/0.json ... are answers of authd. When all have joined it prints "joined"; for each that is closed a line
// {"i":N,"at":MILLISECONDS,"bye":REASON}; ends when all are closed, or with a line on stdin.
import fs from 'node:fs';
import { join } from './hrp.mjs';
import { options } from './check.mjs';

const opt = options(process.argv.slice(2));
const ca = fs.readFileSync(opt.ca);
const count = Number(opt.count);
const lanes = [];
for (let i = 0; i < count; i++) {
	const answer = JSON.parse(fs.readFileSync(`${opt.answers}/${i}.json`, 'utf8'));
	lanes.push(await join(answer, { ca, hello: { subscribe: 'none' } }));
}
console.log('joined');
process.stdin.once('data', () => process.exit(0));
await Promise.all(lanes.map(async (lane, i) => {
	const end = await lane.closed;
	console.log(JSON.stringify({ i, at: Date.now(), ...end }));
}));
process.exit(0);
