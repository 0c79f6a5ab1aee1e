// check.mjs: names the cases of a test program, prints one line for each and counts. It must never
// let a case end silently: what throws is a failure, and a program without cases has failed.
import crypto from 'node:crypto';
import assert from 'node:assert/strict';

export { assert };

export class Checks {
	constructor() {
		this.passed = 0;
		this.failed = 0;
		this.start = Date.now();
	}

	line(ok, name, why) {
		const at = ((Date.now() - this.start) / 1000).toFixed(1);
		console.log(`${ok ? 'ok  ' : 'FAIL'} ${name}${ok ? '' : `: ${why}`} [${at} s]`);
		this[ok ? 'passed' : 'failed'] += 1;
	}

	async run(name, fn) {
		try {
			await fn();
			this.line(true, name);
		} catch (e) {
			this.line(false, name, e.message.replace(/\s+/g, ' '));
			if (process.env.HELIO_TEST_TRACE) {
				console.log(e.stack);
			}
		}
	}

	// Exit status for the program.
	finish() {
		console.log(`${this.passed} cases passed, ${this.failed} failed`);
		return this.failed === 0 && this.passed > 0 ? 0 : 1;
	}
}

// The whole program must end within ms (of an idle machine: five times that), whatever happens.
export function watchdog(idleMs) {
	const ms = 5 * idleMs;
	setTimeout(() => {
		console.log(`FAIL watchdog: not finished after ${ms / 1000} s`);
		process.exit(1);
	}, ms).unref();
}

// A new Ed25519 key, by way of its text: a key straight from generateKeyPairSync() shares a lock with the job
// that made it, and Node.js hangs for ever when it collects that job while the key is being exported as JWK.
export function signingKey() {
	const { privateKey } = crypto.generateKeyPairSync('ed25519', {
		publicKeyEncoding: { type: 'spki', format: 'pem' },
		privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
	});
	return crypto.createPrivateKey(privateKey);
}

// --name value pairs of the command line.
export function options(argv = process.argv.slice(2)) {
	const out = {};
	for (let i = 0; i < argv.length; i += 2) {
		if (!argv[i].startsWith('--') || argv[i + 1] === undefined) {
			throw new Error(`usage: --name value ...; not "${argv[i]}"`);
		}
		out[argv[i].slice(2)] = argv[i + 1];
	}
	return out;
}
