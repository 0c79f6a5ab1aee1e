// hostile_tokens.mjs: logins and tokens that must not open the door, each with its own name.
import crypto from 'node:crypto';
import { controlFrame, join, post, within } from './hrp.mjs';
import { assert, signingKey } from './check.mjs';

const part = (token, i) => token.split('.')[i];
const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

async function logins(h, checks) {
	const good = { user: h.opt.user, password: h.opt.password, room: h.room };
	const refused = async (body, status, code) => {
		const answer = await post(h.opt.authd, h.ca, body);
		assert.equal(answer.status, status, JSON.stringify(answer.body));
		assert.equal(answer.body.code, code);
		assert.match(answer.type, /^application\/problem\+json/);
		return answer.body;
	};
	const told = [];
	await checks.run('login: wrong password', async () =>
		told.push(await refused({ ...good, password: 'wrong' }, 401, 'login-failed')));
	await checks.run('login: unknown user', async () =>
		told.push(await refused({ ...good, user: 'nobody' }, 401, 'login-failed')));
	await checks.run('login: unknown room', async () =>
		told.push(await refused({ ...good, room: 'no-such-room' }, 401, 'login-failed')));
	await checks.run('login: which of the three was wrong is not told', async () => {
		assert.equal(told.length, 3);
		assert.deepEqual(told[0], told[1]);
		assert.deepEqual(told[0], told[2]);
	});
	await checks.run('login: no JSON', () => refused('{"user":', 400, 'bad-json'));
	await checks.run('login: a field is missing', () =>
		refused({ user: good.user, password: good.password }, 400, 'bad-field'));
	await checks.run('login: a field of the wrong type', () =>
		refused({ ...good, user: 7 }, 400, 'bad-field'));
	await checks.run('login: a device that is no name', () =>
		refused({ ...good, device: 'a b' }, 400, 'bad-field'));
	await checks.run('login: a body too large', () =>
		refused({ ...good, name: 'x'.repeat(300000) }, 413, 'too-large'));
}

// Tokens whose signature or form is not what authd makes.
function forgeries(h) {
	const good = h.mint();
	const [head, claims, signature] = good.split('.');
	const other = signingKey();
	const jwk = crypto.createPublicKey(other).export({ format: 'jwk' });
	const publicRaw = Buffer.from(crypto.createPublicKey(h.key).export({ format: 'jwk' }).x, 'base64url');
	const hmac = `${encode({ ...h.head, alg: 'HS256' })}.${claims}`;
	const flipped = Buffer.from(signature, 'base64url');
	flipped[10] ^= 1;
	const changed = encode({ ...JSON.parse(Buffer.from(claims, 'base64url')), sub: 'admin' });
	return {
		'another key under the same kid': h.mint({}, { key: other }),
		'another key sent along as jwk': h.mint({}, { key: other, head: { jwk, kid: undefined } }),
		'an unknown kid': h.mint({}, { head: { kid: 'nobody' } }),
		'alg none': h.mint({}, { head: { alg: 'none' } }),
		'alg none without a signature': `${encode({ ...h.head, alg: 'none' })}.${claims}.`,
		'HS256 keyed with the public key': `${hmac}.${crypto.createHmac('sha256', publicRaw)
			.update(hmac).digest('base64url')}`,
		'one bit of the signature': `${head}.${claims}.${flipped.toString('base64url')}`,
		'a signature of zeroes': `${head}.${claims}.${Buffer.alloc(64).toString('base64url')}`,
		'claims changed behind the signature': `${head}.${changed}.${signature}`,
		'no signature': `${head}.${claims}.`,
		'two parts': `${head}.${claims}`,
		'four parts': `${good}.${signature}`,
		'no parts': 'x',
		'padding': `${head}.${claims}.${signature}==`,
		'claims that are no JSON': h.sign(`${head}.${Buffer.from('{').toString('base64url')}`, h.key),
		'claims without a subject': h.mint({ sub: undefined }),
		'claims without an end': h.mint({ exp: undefined }),
		'another issuer': h.mint({ iss: 'somebody' }),
	};
}

async function tokens(h, checks) {
	const now = Math.floor(Date.now() / 1000);
	const check = (name, code, token, hello = {}) =>
		checks.run(`token: ${name}: ${code}`, () => h.refused({ token, ...hello }, code));
	for (const [name, token] of Object.entries(forgeries(h))) {
		await check(name, 'token-invalid', token);
	}
	await check('of another cluster', 'token-audience', h.mint({ aud: 'elsewhere' }));
	await check('expired', 'token-expired', h.mint({ iat: now - 7200, exp: now - 3600 }));
	await check('not yet valid', 'token-early', h.mint({ nbf: now + 3600 }));
	await check('of another room', 'token-room', h.mint({ room: 'other' }), { room: h.room });
	await check('for another place', 'token-place', h.mint({ at: ['elsewhere:49152'] }));
	await check('for another port here', 'token-place',
		h.mint({ at: h.claims.at.map((a) => a.replace(/\d+$/, (p) => Number(p) + 1)) }));
	await check('for no place at all', 'token-invalid', h.mint({ at: [] }));
	await check('of 4,200 bytes', 'token-invalid', `${part(h.mint(), 0)}.${'A'.repeat(4200)}.x`);
	await checks.run('token: ends while the session runs: token-expired', async () => {
		const lane = await h.join({ exp: Math.floor(Date.now() / 1000) + 5 });
		await h.closedWith(lane, 'token-expired', 8000);
	});
}

async function revoked(h, checks) {
	const answer = await h.fetch('revoked');
	await checks.run('token: revoked while in the room: token-revoked', async () => {
		const lane = await join(answer, { ca: h.ca });
		const { jti } = JSON.parse(Buffer.from(part(answer.token, 1), 'base64url'));
		const { status } = await h.admin('DELETE', `/v1/tokens/${jti}`);
		assert.equal(status, 204);
		await h.closedWith(lane, 'token-revoked', 5000);
	});
	await checks.run('token: revoked, once more: token-revoked', () =>
		h.refused({ token: answer.token }, 'token-revoked'));
}

async function fullRoom(h, checks) {
	await checks.run(`room: one more than ${h.opt.max} participants: limit`, async () => {
		const claims = { room: 'full' };
		const before = h.fds();
		const lanes = [];
		try {
			for (let i = 0; i < Number(h.opt.max); i++) {
				lanes.push(await h.join(claims));
			}
			await h.refused({ token: h.mint(claims) }, 'limit');
			await lanes.pop().bye();
			await h.join(claims).then((lane) => lanes.push(lane));
		} finally {
			lanes.forEach((lane) => lane.cut());
		}
		await h.fdsBack(before);
	});
}

async function opening(h, checks) {
	const refused = (name, hello, code) => checks.run(`hello: ${name}: ${code}`, () => h.refused(hello, code));
	await refused('no version in common', { versions: [2, 3] }, 'version');
	await refused('versions that are no list', { versions: 1 }, 'bad-field');
	await refused('no versions', { versions: undefined }, 'bad-field');
	await refused('no token', { token: undefined }, 'bad-field');
	await refused('a token that is no string', { token: 5 }, 'bad-field');
	await refused('max_payload 1,199', { max_payload: 1199 }, 'bad-field');
	await refused('max_payload 65,537', { max_payload: 65537 }, 'bad-field');
	await refused('subscribe to "some"', { subscribe: 'some' }, 'bad-field');
	await checks.run('hello: highest version in common of several', async () => {
		const lane = await h.join({}, { hello: { versions: [9, 1, 4], unknown_field: { a: [1] } } });
		assert.equal(lane.welcome.version, 1);
		await lane.bye();
	});
	for (const size of [1200, 16384, 65536]) {
		await checks.run(`hello: max_payload ${size}: the smaller one counts`, async () => {
			const lane = await h.join({}, { hello: { max_payload: size } });
			assert.equal(lane.welcome.max_payload, Math.min(size, 16384));
			await lane.bye();
		});
	}
	await checks.run('hello: a second one: second-hello', async () => {
		const lane = await h.join();
		lane.control(h.hello());
		await h.closedWith(lane, 'second-hello');
	});
	await checks.run('hello: two at once: second-hello', () =>
		h.refusedRaw(Buffer.concat([controlFrame(h.hello()), controlFrame(h.hello())]), 'second-hello'));
	await checks.run('hello: the same participant again: replaced', async () => {
		const answer = { token: h.mint(), endpoints: [h.endpoint] };
		const first = await join(answer, { ca: h.ca });
		const second = await join(answer, { ca: h.ca });
		await h.closedWith(first, 'replaced');
		await second.ping();
		assert.ok(![...second.roster.people.values()].some((p) => p.id === second.welcome.participant.id));
		await within(second.bye(), 3000, 'bye');
	});
}

export async function hostileTokens(h, checks) {
	await logins(h, checks);
	await tokens(h, checks);
	await revoked(h, checks);
	await opening(h, checks);
	await fullRoom(h, checks);
}
