// api.mjs: authd's HTTP API over connections that are kept: its public listener, and the
// administrator's socket. An answer that did not come in whole is an exception: whether the request
// was obeyed is then not known.
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';

export class Api {
	// { socket } or { url, ca, key }
	constructor(to) {
		this.to = to;
		// authd closes what is idle for 10 s: a connection that is not used for 3 s is given up before.
		const options = { keepAlive: true, maxSockets: to.sockets ?? 64, timeout: 3000 };
		if (to.socket) {
			this.agent = new http.Agent(options);
			this.where = { socketPath: to.socket };
		} else {
			const { hostname, port } = new URL(to.url);
			this.agent = new https.Agent({ ...options, ca: fs.readFileSync(to.ca) });
			this.where = { host: hostname, port };
		}
	}

	request(method, path, body, headers = {}) {
		const text = body === undefined ? undefined : JSON.stringify(body);
		const more = text === undefined ? {} : { 'Content-Type': 'application/json',
			'Content-Length': Buffer.byteLength(text) };
		return new Promise((resolve, reject) => {
			const req = (this.to.socket ? http : https).request({ ...this.where, method, path,
				agent: this.agent, timeout: 100000, headers: { ...more, ...headers } }, (res) => {
				const parts = [];
				res.on('data', (part) => parts.push(part));
				res.on('error', reject);
				res.on('end', () => {
					const all = Buffer.concat(parts).toString();
					try {
						resolve({ status: res.statusCode, body: all === '' ? null : JSON.parse(all),
							headers: res.headers });
					} catch (e) {
						reject(e);
					}
				});
			});
			req.on('timeout', () => req.destroy(new Error('no answer in 100 s')));
			req.on('error', reject);
			req.end(text);
		});
	}

	// All pages of a list, one after the other.
	async each(path, name, take) {
		let after = '';
		do {
			const sign = path.includes('?') ? '&' : '?';
			const answer = await this.request('GET',
				`${path}${sign}limit=1000${after === '' ? '' : `&after=${encodeURIComponent(after)}`}`);
			if (answer.status !== 200) {
				throw new Error(`GET ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
			}
			answer.body[name].forEach(take);
			after = answer.body.next ?? '';
		} while (after !== '');
	}

	end() {
		this.agent.destroy();
	}
}

// A way to tokens: with an API key as an application's backend has one, else with a password.
export class Issuer {
	constructor(api, opt) {
		Object.assign(this, { api, room: opt.room, user: opt.user, password: opt.password });
		this.headers = opt.key ? { Authorization: `Bearer ${opt.key}` } : {};
		this.byKey = Boolean(opt.key);
	}

	// user is taken as the name with a key; with a password it is always the same one.
	ask(user, device) {
		const body = this.byKey ? { user, room: this.room, device }
			: { user: this.user, password: this.password, room: this.room, device };
		return this.api.request('POST', '/v1/token', body, this.headers);
	}
}

export function jtiOf(token) {
	return JSON.parse(Buffer.from(token.split('.')[1], 'base64url')).jti;
}
