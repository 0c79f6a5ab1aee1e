// room_lib.mjs: one reflector with a fake authd for tests of what happens in rooms: joins with claims and
// policies, publishing, and what a lane hears.
import { KIND, Lane, join } from './hrp.mjs';
import { assert } from './check.mjs';
import { FakeAuthd, Files, Reflector, freePorts } from './alone_lib.mjs';

export const ALL = ['audio', 'video', 'screen', 'data'];

export class House {
	static async open(program, more = '') {
		const house = new House();
		const files = new Files();
		files.ca('ca');
		files.cert('r1', 'r1.example');
		files.cert('authd', 'authd.example');
		const [port, port2, control] = await freePorts('127.0.0.1');
		const settings = files.write('reflector.conf', `name = "r1"
listen = {"127.0.0.1"}
ports = "${port}-${port2}"
control = "127.0.0.1:${control}"
authd-name = "authd.example"
certificate = "r1.crt"
key = "r1.key"
control-ca = "ca.crt"
log-format = "json"
heartbeat = 1s
${more}`);
		Object.assign(house, { files, port, port2, control, ca: files.read('ca.crt'),
			place: `r1:${port}`, endpoint: { address: '127.0.0.1', port, tls_name: 'r1.example' } });
		house.reflector = new Reflector(program, settings);
		process.on('exit', () => {
			house.reflector.child.kill('SIGTERM');
			files.remove();
		});
		await house.reflector.event('ready');
		await house.dial();
		return house;
	}

	async dial() {
		this.authd = new FakeAuthd(this.files).dial('127.0.0.1', this.control);
		await this.authd.hello();
		this.authd.sendKeys();
		await this.settled();
	}

	// Whatever authd said before has reached the workers.
	settled() {
		return this.authd.query('rooms');
	}

	token(id, room, claims = {}) {
		const { grants, policy, ...rest } = claims;
		return this.authd.token(id, room, this.place, {
			grants: { publish: ALL, subscribe: true, chat: true, moderate: false, hidden: false, ...grants },
			policy: { rev: 1, kinds: ALL, ...policy }, ...rest });
	}

	enter(id, room, claims = {}, hello = {}) {
		return join({ token: this.token(id, room, claims).token },
			{ endpoint: this.endpoint, ca: this.ca, hello });
	}

	moderator(id, room, claims = {}) {
		return this.enter(id, room, { ...claims, grants: { moderate: true, ...claims.grants } });
	}

	// A client in the lobby: its lane, with the lobby message.
	async wait(id, room, claims = {}) {
		const lane = await Lane.connect(this.endpoint, { ca: this.ca });
		lane.control({ type: 'hello', versions: [1], token: this.token(id, room, claims).token,
			capabilities: ['chat', 'layers'] });
		lane.lobby = await lane.expect((m) => m.type === 'lobby' || m.type === 'error');
		assert.equal(lane.lobby.type, 'lobby', lane.lobby.code);
		return lane;
	}

	async refused(id, room, claims = {}, hello = {}) {
		try {
			(await this.enter(id, room, claims, hello)).cut();
		} catch (e) {
			await e.lane?.closed;
			return e.code ?? e.message;
		}
		return 'joined';
	}

	async close() {
		this.reflector.kill('SIGTERM');
		return this.reflector.end();
	}
}

export const num = (lane) => lane.welcome.participant.num;

export async function publish(lane, kind) {
	const answer = await lane.request({ type: 'publish', kind, codec: 'x', label: kind });
	assert.equal(answer.type, 'published', JSON.stringify(answer));
	return answer.stream;
}

export function collect(lane, kind) {
	const frames = [];
	lane.on('frame', (f) => { if (f.kind === kind) { frames.push(f); } });
	return frames;
}

export function sendAudio(lane, stream, from, count, size = 40) {
	for (let seq = from; seq < from + count; seq++) {
		lane.send({ kind: KIND.audio, stream, seq, timestamp: seq * 960, payload: Buffer.alloc(size, seq) });
	}
}

// What write() sends by this lane leaves at once, so that no time passes between its frames.
export function together(lane, write) {
	lane.socket.cork();
	write();
	lane.socket.uncork();
}

export const ends = async (...lanes) => { await Promise.all(lanes.map((l) => l.bye())); };

// Nothing of this type has come.
export const none = (lane, type) => assert.deepEqual(lane.messages.filter((m) => m.type === type), []);
