// openapi.mjs: holds doc/openapi.json against authd: the same requests as in the table of routes, and answers
// of a running authd that fit their schemas. It must never skip an answer for want of a schema.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import { parseArgs } from 'node:util';
import { Checks, assert } from './check.mjs';

const { values: o } = parseArgs({ options: Object.fromEntries(
	['doc', 'authd', 'socket'].map((name) => [name, { type: 'string' }])) });
const doc = JSON.parse(fs.readFileSync(o.doc));
const checks = new Checks();

const follow = (x) => (x.$ref ? follow(x.$ref.slice(2).split('/').reduce((at, key) => at[key], doc)) : x);
const is = { object: (v) => v !== null && typeof v === 'object' && !Array.isArray(v), array: Array.isArray,
	string: (v) => typeof v === 'string', integer: Number.isInteger, boolean: (v) => typeof v === 'boolean', null: (v) => v === null };

// What of JSON Schema the file uses; a list of what does not fit.
function misfits(schema, value, at = '$') {
	const s = follow(schema);
	const bad = (s.allOf ?? []).flatMap((x) => misfits(x, value, at));
	if (s.anyOf && s.anyOf.every((x) => misfits(x, value, at).length > 0)) { bad.push(`${at}: none of anyOf`); }
	if (s.enum && !s.enum.includes(value)) { bad.push(`${at}: ${value}`); }
	if (s.type && ![].concat(s.type).some((t) => is[t](value))) { return [...bad, `${at}: not ${s.type}`]; }
	if (s.pattern && !new RegExp(s.pattern).test(value)) { bad.push(`${at}: ${value} does not match`); }
	if (is.array(value)) {
		if (value.length < (s.minItems ?? 0)) { bad.push(`${at}: too few`); }
		value.forEach((v, i) => bad.push(...(s.items ? misfits(s.items, v, `${at}[${i}]`) : [])));
	}
	if (is.object(value)) {
		for (const key of s.required ?? []) {
			if (!(key in value)) { bad.push(`${at}.${key} is missing`); }
		}
		for (const [key, v] of Object.entries(value)) {
			const property = s.properties?.[key] ?? s.additionalProperties;
			if (property === false) { bad.push(`${at}.${key} is not known`); }
			if (is.object(property)) { bad.push(...misfits(property, v, `${at}.${key}`)); }
		}
	}
	return bad;
}

function ask(method, path, body) {
	const text = body === undefined ? undefined : JSON.stringify(body);
	const headers = text === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) };
	return new Promise((done, fail) => {
		const req = http.request({ socketPath: o.socket, method, path, headers, timeout: 120000 }, (res) => {
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
async function fits(status, method, pattern, body, fill = {}) {
	const [bare, query] = pattern.split('?');
	const op = doc.paths[bare]?.[method.toLowerCase()];
	assert.ok(op, `${method} ${bare} is not described`);
	const path = bare.replace(/\{(\w+)\}/g, (_, key) => encodeURIComponent(fill[key])) + (query ? `?${query}` : '');
	const a = await ask(method, path, body);
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
process.exit(checks.finish());
