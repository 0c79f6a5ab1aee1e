// openapi.mjs: holds doc/openapi.json against authd: the same requests as in the table of routes; everything in it is
// described; its examples fit their schemas, and a running authd takes those of requests and answers as the schemas
// say. It must never skip an answer for want of a schema, nor a field of one for want of a property.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { parseArgs } from 'node:util';
import { Checks, assert } from './check.mjs';

const { values: o } = parseArgs({ options: Object.fromEntries(
	['doc', 'authd', 'socket', 'url', 'ca'].map((name) => [name, { type: 'string' }])) });
const doc = JSON.parse(fs.readFileSync(o.doc));
const checks = new Checks();

const follow = (x) => (x.$ref ? follow(x.$ref.slice(2).split('/').reduce((at, key) => at[key], doc)) : x);
const is = { object: (v) => v !== null && typeof v === 'object' && !Array.isArray(v), array: Array.isArray,
	string: (v) => typeof v === 'string', integer: Number.isInteger, boolean: (v) => typeof v === 'boolean', null: (v) => v === null };

// What of JSON Schema the file uses; a word that is not among these fails below, for it would not be looked at.
const words = ['$ref', 'type', 'enum', 'pattern', 'minLength', 'maxLength', 'minimum', 'maximum', 'minItems', 'maxItems',
	'minProperties', 'maxProperties', 'items', 'properties', 'required', 'additionalProperties', 'allOf', 'anyOf',
	'description', 'default'];

function misfits_number(s, value, at) {
	const bad = [];
	const over = (word, n) => { if (s[`max${word}`] < n || s[`min${word}`] > n) { bad.push(`${at}: ${n} ${word}`); } };
	if (typeof value === 'number') { over('imum', value); }
	if (is.string(value)) { over('Length', [...value].length); }
	if (is.array(value)) { over('Items', value.length); }
	if (is.object(value)) { over('Properties', Object.keys(value).length); }
	return bad;
}

// What the schema and those that it is made of call by name.
function known(schema) {
	const s = follow(schema);
	return Object.assign({}, ...(s.allOf ?? []).map(known), s.properties);
}

// A list of what does not fit. A field that is not described does not fit, unless additionalProperties says so;
// part: what is judged is a part of allOf, and the other parts may know more.
function misfits(schema, value, at = '$', part = false) {
	const s = follow(schema);
	const bad = (s.allOf ?? []).flatMap((x) => misfits(x, value, at, true));
	if (s.anyOf && s.anyOf.every((x) => misfits(x, value, at).length > 0)) { bad.push(`${at}: none of anyOf`); }
	if (s.enum && !s.enum.includes(value)) { bad.push(`${at}: ${value}`); }
	if (s.type && ![].concat(s.type).some((t) => is[t](value))) { return [...bad, `${at}: not ${s.type}`]; }
	if (s.pattern && !new RegExp(s.pattern).test(value)) { bad.push(`${at}: ${value} does not match`); }
	bad.push(...misfits_number(s, value, at));
	if (is.array(value)) {
		value.forEach((v, i) => bad.push(...(s.items ? misfits(s.items, v, `${at}[${i}]`) : [])));
	}
	if (!is.object(value) || s.anyOf) {
		return bad;
	}
	for (const key of s.required ?? []) {
		if (!(key in value)) { bad.push(`${at}.${key} is missing`); }
	}
	const names = known(s);
	for (const [key, v] of Object.entries(value)) {
		if (s.properties?.[key]) {
			bad.push(...misfits(s.properties[key], v, `${at}.${key}`));
		} else if (!names[key] && !part && !s.additionalProperties) {
			bad.push(`${at}.${key} is not known`);
		}
	}
	return bad;
}

// On the admin socket; with token on the public listener, as who holds that.
function ask(method, path, body, token) {
	const text = body === undefined ? undefined : JSON.stringify(body);
	const headers = text === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) };
	const to = token === undefined ? { socketPath: o.socket } :
		{ host: new URL(o.url).hostname, port: new URL(o.url).port, ca: fs.readFileSync(o.ca) };
	if (token) {
		headers.Authorization = `Bearer ${token}`;
	}
	return new Promise((done, fail) => {
		const { request } = token === undefined ? http : https;
		const req = request({ ...to, method, path, headers, timeout: 120000 }, (res) => {
			let got = '';
			res.on('data', (d) => { got += d; });
			res.on('end', () => done({ status: res.statusCode, type: res.headers['content-type'], text: got }));
		});
		req.on('timeout', () => req.destroy(new Error('no answer')));
		req.on('error', fail);
		req.end(text);
	});
}

// The request as the file describes it, answered with that status, and the answer fits.
async function fits(status, method, pattern, body, fill = {}, token = undefined) {
	const [bare, query] = pattern.split('?');
	const op = doc.paths[bare]?.[method.toLowerCase()];
	assert.ok(op, `${method} ${bare} is not described`);
	const path = bare.replace(/\{(\w+)\}/g, (_, key) => encodeURIComponent(fill[key])) + (query ? `?${query}` : '');
	const a = await ask(method, path, body, token);
	assert.equal(a.status, status, a.text);
	const answer = op.responses[status];
	assert.ok(answer, `${status} is not described`);
	const content = follow(answer).content;
	if (!content) {
		assert.equal(a.text, '');
		return undefined;
	}
	const media = Object.keys(content)[0];
	assert.equal(a.type.split(';')[0], media);
	if (!media.endsWith('json')) {
		return undefined;
	}
	const json = JSON.parse(a.text);
	assert.deepEqual(misfits(content[media].schema, json), []);
	if (body !== undefined && status < 300) {
		assert.deepEqual(misfits(op.requestBody.content['application/json'].schema, body), []);
	}
	return json;
}

// The example of that name of a request's body, with other values for some fields; times that have to come do.
const sent = new Set();
function example(method, path, name = 'example', other = {}) {
	const examples = doc.paths[path][method.toLowerCase()].requestBody.content['application/json'].examples;
	assert.ok(examples[name], `there is no example ${name}`);
	sent.add(`${method} ${path} ${name}`);
	const body = { ...examples[name].value, ...other };
	if (body.expires_at) { body.expires_at = Math.floor(Date.now() / 1000) + 86400; }
	return body;
}

const operations = Object.entries(doc.paths).flatMap(([path, ops]) => Object.entries(ops)
	.map(([method, op]) => [`${method.toUpperCase()} ${path}`, op]));
const contents = operations.flatMap(([name, op]) => [
	...(op.requestBody ? [[`${name} request`, op.requestBody.content]] : []),
	...Object.entries(op.responses).filter(([, r]) => follow(r).content).map(([status, r]) => [`${name} ${status}`, follow(r).content]),
]);

// Every schema in the file, with where it stands.
function* schemas(s, at) {
	yield [s, at];
	for (const [key, x] of Object.entries(s.properties ?? {})) { yield* schemas(x, `${at}.${key}`); }
	for (const x of [...(s.allOf ?? []), ...(s.anyOf ?? []), ...(s.items ? [s.items] : [])]) { yield* schemas(x, at); }
	if (is.object(s.additionalProperties)) { yield* schemas(s.additionalProperties, `${at}.*`); }
}
const all_schemas = [
	...Object.entries(doc.components.schemas).flatMap(([name, s]) => [...schemas(s, name)]),
	...contents.flatMap(([name, content]) => Object.values(content).flatMap((m) => [...schemas(m.schema, name)])),
];
const described = (x) => is.string(x.description) && x.description.trim() !== '';

await checks.run('operations, parameters, answers and tags are described', () => {
	const bare = [];
	const tags = doc.tags.map((t) => t.name);
	const look = (x, at) => { if (!described(x)) { bad_at(at); } };
	const bad_at = (at) => bare.push(at);
	for (const [name, op] of operations) {
		look(op, name);
		if (!op.summary || !op.operationId || op.tags?.length !== 1 || !tags.includes(op.tags[0])) { bad_at(`${name}: summary, id or tag`); }
		(op.parameters ?? []).map(follow).forEach((p) => look(p, `${name} ${p.name}`));
		if (op.requestBody) { look(op.requestBody, `${name} request`); }
		for (const [status, r] of Object.entries(op.responses)) { look(follow(r), `${name} ${status}`); }
		const holes = [...name.matchAll(/\{(\w+)\}/g)].map((m) => m[1]);
		const named = (op.parameters ?? []).map(follow).filter((p) => p.in === 'path').map((p) => p.name);
		if (holes.join() !== named.join()) { bad_at(`${name}: ${named} for ${holes}`); }
	}
	doc.tags.forEach((t) => look(t, `tag ${t.name}`));
	Object.entries(doc.components.securitySchemes).forEach(([name, s]) => look(s, name));
	const ids = operations.map(([, op]) => op.operationId);
	assert.equal(new Set(ids).size, ids.length, 'an operationId stands there twice');
	assert.deepEqual(bare, []);
});
await checks.run('every schema and every property is described, in words that are looked at', () => {
	const bare = Object.entries(doc.components.schemas).filter(([, s]) => !described(s)).map(([name]) => name);
	for (const [s, at] of all_schemas) {
		bare.push(...Object.entries(s.properties ?? {}).filter(([, p]) => !described(p)).map(([key]) => `${at}.${key}`));
		bare.push(...Object.keys(s).filter((word) => !words.includes(word)).map((word) => `${at}: ${word}`));
	}
	assert.deepEqual([...new Set(bare)], []);
});
await checks.run('every JSON body has examples, and they fit', () => {
	const bad = [];
	for (const [name, content] of contents) {
		for (const [media, m] of Object.entries(content).filter(([type]) => type.endsWith('json'))) {
			const examples = Object.entries(m.examples ?? {});
			if (examples.length === 0) { bad.push(`${name} has none`); }
			examples.forEach(([key, x]) => bad.push(...misfits(m.schema, x.value, `${name} ${media} ${key}`),
				...(x.summary ? [] : [`${name} ${key} has no summary`])));
		}
	}
	for (const [name, op] of operations) {
		for (const p of (op.parameters ?? []).map(follow).filter((x) => 'example' in x)) {
			bad.push(...misfits(p.schema, p.example, `${name} ${p.name}`));
		}
	}
	assert.deepEqual(bad, []);
});
await checks.run('every reference has its end', () => {
	JSON.stringify(doc, (key, v) => {
		if (key === '$ref') { assert.ok(follow({ $ref: v }), v); }
		return v;
	});
});
await checks.run('the file and the table of routes name the same requests', () => {
	const table = execFileSync(o.authd, ['--routes'], { encoding: 'utf8' }).trim().split('\n')
		.map((line) => line.split(' ').slice(0, 2).join(' ')).sort();
	const file = Object.entries(doc.paths).flatMap(([path, ops]) => Object.keys(ops)
		.map((method) => `${method.toUpperCase()} ${path.replace(/\{\w+\}/g, '{}')}`)).sort();
	assert.deepEqual(file.filter((x) => !table.includes(x)), [], 'not in the table');
	assert.deepEqual(table.filter((x) => !file.includes(x)), [], 'not in the file');
});
const cases = [
	[200, 'GET', '/healthz'], [200, 'GET', '/readyz'], [200, 'GET', '/.well-known/jwks.json'],
	[201, 'POST', '/v1/users', { name: 'alice', password: 'correct horse' }],
	[409, 'POST', '/v1/users', { name: 'alice', password: 'correct horse' }],
	[400, 'POST', '/v1/users', { name: 'a b', password: 'correct horse' }],
	[200, 'GET', '/v1/users?limit=1'], [200, 'GET', '/v1/users/{name}', undefined, { name: 'alice' }],
	[404, 'GET', '/v1/users/{name}', undefined, { name: 'nobody' }],
	[200, 'PATCH', '/v1/users/{name}', { disabled: false }, { name: 'alice' }],
	[201, 'POST', '/v1/rooms', { name: 'demo' }], [200, 'GET', '/v1/rooms'],
	[200, 'GET', '/v1/rooms/{name}', undefined, { name: 'demo' }],
	[200, 'PATCH', '/v1/rooms/{name}', { locked: false, policy: { capacity: 5 } }, { name: 'demo' }],
	[200, 'POST', '/v1/token', { user: 'alice', password: 'correct horse', room: 'demo' }],
	[401, 'POST', '/v1/token', { user: 'alice', password: 'wrong', room: 'demo' }],
	[200, 'GET', '/v1/tokens'], [200, 'GET', '/v1/participants'],
	[201, 'POST', '/v1/apikeys', { name: 'app', rooms: ['*'] }], [200, 'GET', '/v1/apikeys'],
	[200, 'GET', '/v1/apikeys/{name}', undefined, { name: 'app' }],
	[204, 'DELETE', '/v1/apikeys/{name}', undefined, { name: 'app' }],
	[200, 'GET', '/v1/reflectors'], [200, 'GET', '/v1/policy'], [200, 'GET', '/v1/audit'], [200, 'GET', '/v1/audit/verify'],
	[200, 'GET', '/v1/events'], [200, 'GET', '/v1/status'],
	[204, 'DELETE', '/v1/rooms/{name}', undefined, { name: 'demo' }],
	[204, 'DELETE', '/v1/users/{name}', undefined, { name: 'alice' }],
];
for (const [status, method, path, body, fill] of cases) {
	await checks.run(`${method} ${path} with ${status}`, () => fits(status, method, path, body, fill));
}

// The examples of requests, in an order in which they make sense; what one gets, those behind it need.
const got = {};
const send = (status, method, path, name, { other, fill, token } = {}) =>
	checks.run(`the example ${name} of ${method} ${path}`, async () => {
		got[`${path} ${name}`] = await fits(status, method, path, example(method, path, name, other?.()), fill?.(), token?.());
	});
const demo = { fill: () => ({ name: 'demo' }) };
const alice = { fill: () => ({ name: 'alice' }) };
const enrolled = { fill: () => ({ name: 'r2' }) };
const nobody = { fill: () => ({ name: 'demo', id: 'nobody' }) };
const people = '/v1/rooms/{name}/participants/{id}';
await send(201, 'POST', '/v1/users', 'password');
await send(201, 'POST', '/v1/users', 'hash');
await send(201, 'POST', '/v1/rooms', 'policy');
await send(201, 'POST', '/v1/rooms', 'plain');
await send(201, 'POST', '/v1/apikeys', 'backend');
await send(201, 'POST', '/v1/apikeys', 'admin');
await send(201, 'POST', '/v1/invites', 'plain');
await send(201, 'POST', '/v1/invites', 'passcode');
await send(200, 'POST', '/v1/token', 'password', { token: () => '' });
await send(200, 'POST', '/v1/token', 'apikey', { token: () => got['/v1/apikeys backend'].key });
const link = { other: () => ({ invite: got['/v1/invites passcode'].url }), token: () => '' };
await send(200, 'POST', '/v1/token', 'invite', link);
await send(200, 'POST', '/v1/invite', 'example', link);
const token = () => got['/v1/token password'].token;
await checks.run('POST /v1/media-key', async () => {
	assert.equal((await fits(200, 'POST', '/v1/media-key', undefined, {}, token())).key, got['/v1/token password'].media_key.key);
});
await checks.run('POST /v1/media-key without a token', () => fits(401, 'POST', '/v1/media-key', undefined, {}, ''));
await send(200, 'POST', '/v1/tokens/consume', 'example', { other: () => ({ token: token() }) });
await checks.run('and not once more', () => fits(401, 'POST', '/v1/tokens/consume', { token: token() }));
for (const name of ['lock', 'unlock', 'policy', 'end']) { await send(200, 'PATCH', '/v1/rooms/{name}', name, demo); }
await send(201, 'POST', '/v1/revocations', 'ban');
await send(201, 'POST', '/v1/revocations', 'room');
await checks.run('DELETE /v1/revocations/{seq}', () => fits(204, 'DELETE', '/v1/revocations/{seq}', undefined, got['/v1/revocations ban']));
await checks.run('GET /v1/revocations', () => fits(200, 'GET', '/v1/revocations'));
await send(200, 'POST', '/v1/rooms/{name}/close', 'example', demo);
await checks.run('POST /v1/rooms/{name}/rekey', () => fits(200, 'POST', '/v1/rooms/{name}/rekey', undefined, demo.fill()));
for (const name of ['policy', 'disable', 'enable', 'password']) { await send(200, 'PATCH', '/v1/users/{name}', name, alice); }
await send(200, 'PATCH', '/v1/policy', 'both');
await send(200, 'PATCH', '/v1/policy', 'room');
await send(201, 'POST', '/v1/reflectors', 'example', { other: () => ({ control: '127.0.0.1:9', address: '127.0.0.1' }) });
await send(200, 'PATCH', '/v1/reflectors/{name}', 'weight', enrolled);
await send(409, 'PATCH', '/v1/reflectors/{name}', 'drain', enrolled);
await checks.run('GET /v1/reflectors', () => fits(200, 'GET', '/v1/reflectors'));
await checks.run('DELETE /v1/reflectors/{name}', () => fits(204, 'DELETE', '/v1/reflectors/{name}', undefined, enrolled.fill()));
for (const what of ['mute', 'unmute', 'move']) { await send(404, 'POST', `${people}/${what}`, 'example', nobody); }
await send(404, 'POST', `${people}/kick`, 'plain', nobody);
await send(404, 'POST', `${people}/kick`, 'ban', nobody);
await send(200, 'POST', '/v1/keys/rotate', 'example');
for (const path of ['/v1/tokens?all=1', '/v1/invites', '/v1/apikeys', '/v1/users', '/v1/rooms', '/v1/participants?room=demo',
	'/v1/keys', '/v1/policy', '/v1/audit?after=-1&limit=1000', '/v1/audit/verify', '/v1/events?limit=1000', '/v1/status', '/join']) {
	await checks.run(`GET ${path}, with all that in it`, () => fits(200, 'GET', path));
}
await checks.run('every example of a request was sent', () => {
	const every = operations.filter(([, op]) => op.requestBody).flatMap(([name, op]) =>
		Object.keys(op.requestBody.content['application/json'].examples).map((key) => `${name} ${key}`));
	assert.deepEqual(every.filter((x) => !sent.has(x)), []);
});
process.exit(checks.finish());
