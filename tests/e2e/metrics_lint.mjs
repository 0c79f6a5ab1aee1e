// metrics_lint.mjs: judges Prometheus text format 0.0.4: what promtool would say, and no more. It must never
// change what it reads.

// A list of what is wrong.
export function lint(text) {
	const bad = [], types = new Map(), helps = new Set(), seen = new Set(), order = [];
	if (!text.endsWith('\n')) {
		bad.push('the last line does not end');
	}
	for (const line of text.split('\n').slice(0, -1)) {
		const meta = line.match(/^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/);
		if (meta) {
			const [, kind, name, rest] = meta;
			if (kind === 'HELP') {
				if (helps.has(name)) { bad.push(`${name}: HELP twice`); }
				helps.add(name);
			} else {
				if (types.has(name)) { bad.push(`${name}: TYPE twice`); }
				if (!['counter', 'gauge', 'histogram'].includes(rest)) { bad.push(`${name}: type ${rest}`); }
				types.set(name, rest);
			}
			continue;
		}
		const sample = line.match(/^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*\})? (\S+)$/);
		if (!sample) {
			bad.push(`not a sample: ${line}`);
			continue;
		}
		const [, name, labels = '', value] = sample;
		const base = types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '');
		const type = types.get(base);
		if (!type || !helps.has(base)) { bad.push(`${name}: no TYPE or HELP before it`); }
		if (type === 'counter' && !name.endsWith('_total')) { bad.push(`${name}: a counter without _total`); }
		if (type === 'gauge' && name.endsWith('_total')) { bad.push(`${name}: a gauge with _total`); }
		if (type === 'histogram' && base === name) { bad.push(`${name}: a histogram's sample without suffix`); }
		if (Number.isNaN(Number(value.replace('+Inf', 'Infinity')))) { bad.push(`${name}: value ${value}`); }
		if (type === 'counter' && Number(value) < 0) { bad.push(`${name}: a counter below 0`); }
		if (seen.has(name + labels)) { bad.push(`${name}${labels}: twice`); }
		seen.add(name + labels);
		if (order.at(-1) !== base) {
			if (order.includes(base)) { bad.push(`${base}: its samples do not stand together`); }
			order.push(base);
		}
	}
	return bad;
}
