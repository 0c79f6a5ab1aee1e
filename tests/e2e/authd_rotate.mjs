// authd_rotate.mjs: asks for tokens and joins with some of them, all the time, until a line comes on stdin. Prints
// "going" once it works, then one JSON line: {"issued","failed","joined","refused","why","keys":{KID:{"n","first","last"}}}
// (first, last: seconds, when they were issued, by the key that signed).
// usage: authd_rotate.mjs --url URL --ca FILE --key hk_... --room R [--clients 4] [--joiners 2]
import fs from 'node:fs';
import { options } from './check.mjs';
import { Api, Issuer } from './api.mjs';
import { join, sleep } from './hrp.mjs';

const opt = options();
const ca = fs.readFileSync(opt.ca);
const issuer = new Issuer(new Api({ url: opt.url, ca: opt.ca, sockets: 8 }), opt);
const found = { issued: 0, failed: 0, joined: 0, refused: 0, why: null, keys: {} };
let going = true;

function note(token) {
	const [{ kid }, { iat }] = token.split('.').slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url')));
	found.keys[kid] ??= { n: 0, first: iat, last: iat };
	found.keys[kid].n += 1;
	found.keys[kid].first = Math.min(found.keys[kid].first, iat);
	found.keys[kid].last = Math.max(found.keys[kid].last, iat);
}

async function ask(user, device) {
	try {
		const answer = await issuer.ask(user, device);
		if (answer.status === 200) {
			found.issued += 1;
			note(answer.body.token);
			return answer.body;
		}
		found.why ??= `${answer.status} ${JSON.stringify(answer.body)}`;
	} catch (e) {
		found.why ??= `${e}`;
	}
	found.failed += 1;
	return null;
}

async function client(n) {
	while (going) {
		await ask(`client${n}`, 'only');
		await sleep(20);
	}
}

async function joiner(n) {
	while (going) {
		const answer = await ask(`joiner${n}`, 'only');
		try {
			if (answer) {
				const lane = await join(answer, { ca });
				await lane.bye();
				found.joined += 1;
			}
		} catch (e) {
			found.refused += 1;
			found.why ??= `join: ${e}`;
		}
		if (found.joined === 1) {
			console.log('going');
		}
		await sleep(100);
	}
}

process.stdin.once('data', () => { going = false; });
const all = [];
for (let n = 0; n < Number(opt.clients ?? 4); n++) {
	all.push(client(n));
}
for (let n = 0; n < Number(opt.joiners ?? 2); n++) {
	all.push(joiner(n));
}
await Promise.all(all);
console.log(JSON.stringify(found));
process.exit(0);
