// probe.mjs: one participant for shell tests; it says in JSON what it saw, and judges nothing.
//   try    joins, pings, leaves: {"ok":true,"port":..,"pin":..,"serial":..} or {"ok":false,"code":..}; 0 or 1
//   hold   joins, prints "joined" (and a "move" that comes), stays until it is closed or told on stdin: {"error":..,"bye":..,"broken":..}
//   hammer  joins and leaves again and again for --seconds: {"ok":N,"token-revoked":N,"ECONNREFUSED":N,...}
// usage: probe.mjs try|hold|hammer --authd URL --ca FILE --user U --password P --room R [--device D]
//        [--address LITERAL] [--save FILE] [--answer FILE]
// --save writes authd's answer, --answer uses such a file instead of asking authd.
import fs from 'node:fs';
import { fetchToken, join, sleep } from './hrp.mjs';
import { options, watchdog } from './check.mjs';

async function getAnswer(opt, ca) {
	if (opt.answer) {
		return JSON.parse(fs.readFileSync(opt.answer, 'utf8'));
	}
	const { user, password, room, device } = opt;
	const answer = await fetchToken(opt.authd, ca, { user, password, room, device });
	if (opt.save) {
		fs.writeFileSync(opt.save, JSON.stringify(answer));
	}
	return answer;
}

async function enter(opt) {
	const ca = fs.readFileSync(opt.ca);
	const answer = await getAnswer(opt, ca);
	const endpoint = { ...answer.endpoints[0] };
	endpoint.address = opt.address ?? endpoint.address;
	const lane = await join(answer, { ca, endpoint });
	lane.endpoint = endpoint;
	return lane;
}

async function tryOnce(opt) {
	try {
		const lane = await enter(opt);
		await lane.ping();
		await lane.bye();
		const serial = lane.certificate.serialNumber;
		console.log(JSON.stringify({ ok: true, port: lane.endpoint.port, pin: lane.pin, serial }));
		return 0;
	} catch (e) {
		console.log(JSON.stringify({ ok: false, code: e.code ?? null, text: e.message }));
		return 1;
	}
}

async function hold(opt) {
	const lane = await enter(opt);
	console.log('joined');
	lane.on('message', (m) => m.type === 'move' && console.log(JSON.stringify(m)));
	for (const event of ['data', 'end']) {
		process.stdin.once(event, () => lane.isClosed || lane.bye().catch(() => {}));
	}
	console.log(JSON.stringify(await lane.closed));
	return 0;
}

// Several at once, so that no moment of a restart is missed.
async function hammer(opt) {
	const counts = { ok: 0 };
	const end = Date.now() + 1000 * Number(opt.seconds);
	const one = async () => {
		while (Date.now() < end) {
			try {
				const lane = await enter(opt);
				counts.ok += 1;
				await lane.bye();
			} catch (e) {
				const code = e.code ?? e.message;
				counts[code] = (counts[code] ?? 0) + 1;
				await sleep(1);
			}
		}
	};
	await Promise.all(Array.from({ length: 4 }, one));
	console.log(JSON.stringify(counts));
	return 0;
}

const verb = process.argv[2];
const opt = options(process.argv.slice(3));
watchdog(Number(opt.watchdog ?? 240) * 1000);
process.exit(await { try: tryOnce, hold, hammer }[verb](opt));
