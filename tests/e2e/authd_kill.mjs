// authd_kill.mjs: clients that issue, consume and revoke tokens while somebody kills authd, and keep
// a ledger of what was acknowledged. A line on stdin stops them; then everything acknowledged is
// looked up in the API. One JSON line at the end, exit status 0 only if all of it is still true.
// usage: authd_kill.mjs --url URL --ca FILE --socket PATH --room R --user U --password P [--key hk_...]
//        [--clients 8] [--rate 200]
import { options } from './check.mjs';
import { sleep } from './hrp.mjs';
import { Api, Issuer, jtiOf } from './api.mjs';

const opt = options();
const CLIENTS = Number(opt.clients ?? 8);
const INTERVAL = (1000 * CLIENTS) / Number(opt.rate ?? 200);
const RECENT = 64; // of each client's tokens that are presented again

// jti -> { token, consumed, revoked: what was acknowledged; maybe...: asked for, no answer }
const ledger = new Map();
const count = { issued: 0, consumed: 0, revoked: 0, refused_again: 0, unanswered: 0, unavailable: 0 };
const wrong = [];
let stopped = false;

function complain(text) {
	if (wrong.length < 20) {
		console.error(text);
	}
	wrong.push(text);
}

const CONSUMED = 'token-used', REVOKED = 'token-revoked';

class Client {
	constructor(number) {
		this.number = number;
		this.admin = new Api({ socket: opt.socket, sockets: 1 });
		this.issuer = new Issuer(new Api({ url: opt.url, ca: opt.ca, sockets: 1 }), opt);
		this.mine = [];
		this.serial = 0;
	}

	// The answer, or null when there was none, or authd had to say that it cannot now.
	async ask(promise) {
		try {
			const answer = await promise;
			if (answer.status === 503 || answer.status === 429) {
				count.unavailable += 1;
				return null;
			}
			return answer;
		} catch {
			count.unanswered += 1;
			await sleep(10);
			return null;
		}
	}

	async issue() {
		this.serial += 1;
		const answer = await this.ask(this.issuer.ask(`u${this.number}`, `d${this.serial % 50}`));
		if (answer === null) {
			return;
		}
		if (answer.status !== 200) {
			complain(`issue: ${answer.status} ${JSON.stringify(answer.body)}`);
			return;
		}
		const { token } = answer.body;
		const entry = { jti: jtiOf(token), token, consumed: false, revoked: false };
		if (ledger.has(entry.jti)) {
			complain(`${entry.jti} was issued twice`);
		}
		ledger.set(entry.jti, entry);
		count.issued += 1;
		this.mine.push(entry);
		if (this.mine.length > RECENT) {
			this.mine.shift();
		}
	}

	async consume(entry) {
		const before = { ...entry };
		const answer = await this.ask(this.admin.request('POST', '/v1/tokens/consume',
			{ token: entry.token, by: `c${this.number}` }));
		if (answer === null) {
			entry.maybeConsumed = true;
			return;
		}
		judge(entry, before, answer);
	}

	async revoke(entry) {
		const answer = await this.ask(this.admin.request('DELETE', `/v1/tokens/${entry.jti}`));
		if (answer === null) {
			entry.maybeRevoked = true;
		} else if (answer.status === 204) {
			count.revoked += entry.revoked ? 0 : 1;
			entry.revoked = true;
		} else {
			complain(`revoke ${entry.jti}: ${answer.status} ${JSON.stringify(answer.body)}`);
		}
	}

	async step() {
		const entry = this.mine[Math.floor(Math.random() * this.mine.length)];
		const dice = Math.random();
		if (entry === undefined || dice < 0.4) {
			await this.issue();
		} else if (dice < 0.75) {
			await this.consume(entry);
		} else {
			await this.revoke(entry);
		}
	}

	async run() {
		await sleep((INTERVAL * this.number) / CLIENTS);
		let due = performance.now();
		while (!stopped) {
			await this.step();
			due = Math.max(due + INTERVAL, performance.now() - 1000);
			await sleep(Math.max(0, due - performance.now()));
		}
		this.admin.end();
		this.issuer.api.end();
	}
}

// What an answer to a presented token means, by what was acknowledged before it was asked for.
function judge(entry, before, { status, body }) {
	if (status === 200) {
		if (before.consumed || entry.consumed) {
			complain(`${entry.jti} was consumed twice`);
		}
		if (before.revoked) {
			complain(`${entry.jti} was consumed behind its revocation`);
		}
		entry.consumed = true;
		count.consumed += 1;
	} else if (status === 401 && [CONSUMED, REVOKED].includes(body.code)) {
		const could = body.code === CONSUMED ? before.consumed || before.maybeConsumed
			: before.revoked || before.maybeRevoked;
		if (!could) {
			complain(`${entry.jti}: ${body.code}, but nobody asked for that`);
		}
		count.refused_again += 1;
	} else {
		complain(`consume ${entry.jti}: ${status} ${JSON.stringify(body)}`);
	}
}

async function verify() {
	const admin = new Api({ socket: opt.socket, sockets: 4 });
	const found = new Map();
	await admin.each('/v1/tokens?all=1', 'tokens', (t) => found.set(t.jti, t));
	const lost = { tokens: 0, consumed: 0, revoked: 0 };
	for (const entry of ledger.values()) {
		const t = found.get(entry.jti);
		lost.tokens += t === undefined ? 1 : 0;
		lost.consumed += entry.consumed && !(t?.consumed_at > 0) ? 1 : 0;
		lost.revoked += entry.revoked && !(t?.revoked_at > 0) ? 1 : 0;
	}
	// Each token has its record, each record its token, and nothing was consumed twice.
	const records = { 'token.issue': new Map(), 'token.consume': new Map() };
	for (const action of Object.keys(records)) {
		await admin.each(`/v1/audit?action=${action}`, 'records', (r) => {
			records[action].set(r.object, (records[action].get(r.object) ?? 0) + 1);
		});
	}
	let unrecorded = 0, twice = 0;
	for (const jti of found.keys()) {
		unrecorded += records['token.issue'].get(jti) === 1 ? 0 : 1;
	}
	for (const n of records['token.consume'].values()) {
		twice += n > 1 ? 1 : 0;
	}
	for (const t of found.values()) {
		unrecorded += t.consumed_at > 0 && !records['token.consume'].has(t.jti) ? 1 : 0;
	}
	// What was consumed or revoked opens no door now.
	let opened = 0;
	for (const entry of [...ledger.values()].filter((e) => e.consumed || e.revoked).slice(-500)) {
		const { status } = await admin.request('POST', '/v1/tokens/consume',
			{ token: entry.token, by: 'verify' });
		opened += status === 401 ? 0 : 1;
	}
	const audit = await admin.request('GET', '/v1/audit/verify');
	admin.end();
	return { tokens_lost: lost.tokens, consumed_lost: lost.consumed, revocations_undone: lost.revoked,
		consumed_twice: twice, without_record: unrecorded, opened_again: opened,
		audit_ok: audit.body?.ok === true, audit_records: audit.body?.records ?? 0 };
}

process.stdin.on('data', () => { stopped = true; });
process.stdin.on('end', () => { stopped = true; });
const start = Date.now();
const clients = Array.from({ length: CLIENTS }, (_, n) => new Client(n));
setInterval(() => {
	console.log(`${Math.round((Date.now() - start) / 1000)} s: ${JSON.stringify(count)}`);
}, 10000).unref();
await Promise.all(clients.map((c) => c.run()));
const seconds = (Date.now() - start) / 1000;
const result = { ...count, seconds: Math.round(seconds),
	per_second: Math.round((count.issued + count.consumed + count.revoked + count.refused_again) / seconds),
	...await verify(), wrong: wrong.length, first_wrong: wrong[0] ?? null };
result.ok = result.issued > 0 && result.consumed > 0 && result.revoked > 0 && result.audit_ok && result.wrong === 0
	&& ['tokens_lost', 'consumed_lost', 'revocations_undone', 'consumed_twice', 'without_record', 'opened_again']
		.every((name) => result[name] === 0);
process.stdin.destroy();
console.log(JSON.stringify(result));
process.exit(result.ok ? 0 : 1);
