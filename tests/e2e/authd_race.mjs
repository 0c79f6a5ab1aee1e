// authd_race.mjs: presenters race on each token: exactly one may have it. One JSON line at the end.
// usage: authd_race.mjs --url URL --ca FILE --sockets PATH[,PATH] --room R --user U --password P [--key hk_...]
//        [--tokens 500] [--presenters 8]
import { options } from './check.mjs';
import { Api, Issuer } from './api.mjs';

const opt = options();
const TOKENS = Number(opt.tokens ?? 500);
const PRESENTERS = Number(opt.presenters ?? 8);
const AT_ONCE = 16; // tokens raced on at the same time

const issuer = new Issuer(new Api({ url: opt.url, ca: opt.ca, sockets: 16 }), opt);
const sockets = opt.sockets.split(',');
const presenters = Array.from({ length: PRESENTERS }, (_, n) => new Api({
	socket: sockets[n % sockets.length], sockets: AT_ONCE,
}));

const count = { tokens: 0, succeeded: 0, refused: 0, other: 0, never: 0, more_than_once: 0 };
let firstOther = null;

async function issue() {
	for (;;) {
		const answer = await issuer.ask('racer', `d${count.tokens % 100}`);
		if (answer.status === 200) {
			return answer.body.token;
		}
		if (answer.status !== 429 && answer.status !== 503) {
			throw new Error(`no token: ${answer.status} ${JSON.stringify(answer.body)}`);
		}
		await new Promise((resolve) => { setTimeout(resolve, 100); });
	}
}

async function race(token) {
	const answers = await Promise.all(presenters.map((p, n) => p.request('POST', '/v1/tokens/consume',
		{ token, by: `p${n}` })));
	const won = answers.filter((a) => a.status === 200).length;
	for (const a of answers) {
		if (a.status === 401 && a.body.code === 'token-used') {
			count.refused += 1;
		} else if (a.status !== 200) {
			count.other += 1;
			firstOther ??= `${a.status} ${JSON.stringify(a.body)}`;
		}
	}
	count.succeeded += won;
	count.never += won === 0 ? 1 : 0;
	count.more_than_once += won > 1 ? 1 : 0;
}

async function lane() {
	while (count.tokens < TOKENS) {
		count.tokens += 1;
		await race(await issue());
	}
}

const start = Date.now();
await Promise.all(Array.from({ length: AT_ONCE }, lane));
const seconds = (Date.now() - start) / 1000;
const result = { ...count, presenters: PRESENTERS, seconds: Math.round(seconds * 10) / 10,
	presentations_per_s: Math.round((count.tokens * PRESENTERS) / seconds), first_other: firstOther };
result.ok = count.succeeded === TOKENS && count.never === 0 && count.more_than_once === 0
	&& count.refused === TOKENS * (PRESENTERS - 1);
console.log(JSON.stringify(result));
process.exit(result.ok ? 0 : 1);
