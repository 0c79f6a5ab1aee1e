// A reflector's gate for authd's control link, as doc/architecture.md describes it, that can also misbehave.
//   node fake_gate.mjs NAME PORT FIRST-PORT WORKERS CERT KEY CA [MODE]
// MODE: good (default), silent (no welcome), mute (no answers), wrong-name, garbage, flood (answers without end),
// pages (a long answer in parts), bans (says over and over that moderators banned and locked). What authd says goes to stdout, one JSON object a line.
import fs from 'node:fs';
import tls from 'node:tls';

const [name, port, first, workers, cert, key, ca, mode = 'good'] = process.argv.slice(2);
const ports = Array.from({ length: Number(workers) }, (_, i) => Number(first) + i);
const pin = 'sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=';

function send(socket, message, kind = 1) {
	const payload = Buffer.isBuffer(message) ? message : Buffer.from(JSON.stringify(message));
	const header = Buffer.alloc(16);
	header[0] = kind;
	header[1] = kind === 1 ? 6 : 0;
	header.writeUInt32BE(payload.length, 12);
	socket.write(Buffer.concat([header, payload]));
}

function room(n, at) {
	return { name: n, reflector: 'a lie', port: at, participants: 1, streams: 2, created_at: 5, frames_in: 1 };
}

function answer(socket, query) {
	const rooms = query.what === 'rooms';
	const last = ports[ports.length - 1];
	const item = rooms ? room(query.room ?? 'demo', last) :
		{ id: 'alice', num: 1, name: 'Alice', room: query.room ?? 'demo', user: 'alice', streams: [] };
	if (mode === 'mute') {
		return;
	}
	if (mode === 'flood') {
		const items = Array.from({ length: 1000 }, () => item);
		for (let i = 0; i < 40; i++) {
			send(socket, { type: 'answer', id: query.id, port: last, more: true, items });
		}
		return;
	}
	if (mode === 'pages' && rooms) {
		for (let i = 0; i < 3; i++) {
			const items = Array.from({ length: 100 }, (_, j) => room(`room-${i}-${j}`, last));
			send(socket, { type: 'answer', id: query.id, port: last, more: true, items });
		}
	}
	for (const p of ports) {
		send(socket, { type: 'answer', id: query.id, port: p, more: false, items: p === last ? [item] : [] });
	}
	send(socket, { type: 'answer', id: query.id, more: false, items: [], done: true });
}

function report(socket) {
	send(socket, { type: 'report', workers: ports.map((p) => ({ port: p, rooms: 0, participants: 0, streams: 0,
		frames_in: 0, frames_out: 0, bytes_in: 0, bytes_out: 0, dropped: 0, pid: 1, uptime_s: 1 })) });
}

function hear(socket, message) {
	console.log(JSON.stringify(message));
	if (message.type === 'link-hello') {
		if (mode === 'garbage') {
			socket.write(Buffer.alloc(4096, 0xff));
		} else if (mode !== 'silent') {
			send(socket, { type: 'link-welcome', version: 1, reflector: mode === 'wrong-name' ? 'other' : name,
				server: 'fake', workers: ports.map((p) => ({ port: p })), pin });
			report(socket);
			if (mode === 'bans') {
				bans(socket);
			}
			const timer = setInterval(() => report(socket), 4000);
			socket.on('close', () => clearInterval(timer));
		}
	} else if (message.type === 'query') {
		answer(socket, message);
	}
}

// As a captured reflector might: one user of its room again and again, strangers, others' rooms.
function bans(socket) {
	const kicked = (room, user) => send(socket, { type: 'event', what: 'kicked', room, user, ban_s: 3600, by: 'x' });
	send(socket, { type: 'event', what: 'locked', room: 'elsewhere', locked: true, by: 'x' });
	send(socket, { type: 'event', what: 'locked', room: 'demo', locked: true, by: 'x' });
	for (let i = 0; i < 100; i++) {
		kicked('demo', 'alice');
		kicked('demo', `stranger${i}`);
		kicked('elsewhere', 'alice');
	}
	for (let i = 0; i < 20000; i++) {
		kicked('demo', `flood${i}`);
	}
}

const server = tls.createServer({ cert: fs.readFileSync(cert), key: fs.readFileSync(key), ca: fs.readFileSync(ca),
	requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3', ALPNProtocols: ['helio-link/1'] }, (socket) => {
	let buffer = Buffer.alloc(0);
	socket.on('error', () => {});
	socket.on('data', (data) => {
		buffer = Buffer.concat([buffer, data]);
		while (buffer.length >= 16 && buffer.length >= 16 + buffer.readUInt32BE(12)) {
			const end = 16 + buffer.readUInt32BE(12);
			const payload = buffer.subarray(16, end);
			if (buffer[0] === 6) {
				send(socket, payload, 7);
			} else if (buffer[0] === 1) {
				hear(socket, JSON.parse(payload));
			}
			buffer = buffer.subarray(end);
		}
	});
});
process.on('SIGTERM', () => process.exit(0));
server.listen(Number(port), '127.0.0.1', () => console.log('event=ready'));
