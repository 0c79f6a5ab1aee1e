#!/bin/bash
# A second reflector, enrolled with a code from an empty folder, and a call over it; and what must not work: a wrong
# code, somebody in the middle, junk, a code that was used, a reflector that was withdrawn.
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$TOP/tests/e2e/authd_lib.sh"

# shellcheck disable=SC2034 # read by scripts/lib.sh
AUTHD_EXTRA='hash-memory = 8M
hash-passes = 1'
node_needed
e2e_begin enrol 200
pki_make
ports_pick
authd_settings $((PORT + 15))
sed -i '/control-ca/d' "$RUN/authd.conf"
authd_start
daemon_wait authd ready || fail 'authd does not start without any reflector of its own'
ok 'authd starts without control-ca and without a reflector'
adm POST /v1/users -d '{"name":"alice","password":"correct horse"}'
adm POST /v1/users -d '{"name":"bob","password":"correct horse"}'
adm POST /v1/rooms -d '{"name":"demo"}'
CONTROL_PORT=$((PORT + 14))
ARGS=(--name r2 --listen 127.0.0.1 --ports "$PORT-$((PORT + 1))" --control "127.0.0.1:$CONTROL_PORT")
mkdir "$RUN/r2"

# code: has authd give a new one; CODE.
code()
{
	is 201 adm POST /v1/reflectors -d "{\"name\":\"r2\",\"control\":\"127.0.0.1:$CONTROL_PORT\",
		\"address\":\"127.0.0.1\",\"ports\":\"$PORT-$((PORT + 1))\"}" || return 1
	CODE=$(body .code)
	[ ${#CODE} -eq 24 ] && body .command | grep -q -- "--enrol $CODE --name r2"
}
enrol() { timeout 150 "$REFLECTOR_BIN" --enrol "$1" "${ARGS[@]}" --settings "$RUN/r2/reflector.conf" "${@:2}" >"$RUN/enrol.out" 2>&1; }
state_of() { adm GET /v1/reflectors && body '.reflectors[] | select(.name == "r2") | .state'; }
is_state() { [ "$(state_of)" = "$1" ]; }
empty() { [ -z "$(ls -A "$RUN/r2")" ]; }

check 'bad fields are refused' says 400 bad-field adm POST /v1/reflectors -d '{"name":"r2","control":"host:1","address":"127.0.0.1","ports":"1"}'
check 'a code is handed out, with the command' code
check 'it waits' is_state enrolling
check 'and holds no rooms' says 503 no-reflector login alice 'correct horse' demo

wrong() { ! enrol abcd-efgh-ijkl-mnop-qrst && grep -q 'does not open' "$RUN/enrol.out" && empty; }
check 'a wrong code opens nothing and writes nothing' wrong
check 'authd tells of it' wait_for 5 log_has authd enrol-refused reflector=r2
alarmed() { adm GET '/v1/events?after=0' && body '.events[].what' | grep -q alarm; }
check 'as an alarm' wait_for 5 alarmed
no_code() { ! enrol 1 && grep -q 'no enrolment code' "$RUN/enrol.out"; }
check 'what is no code is said to be none' no_code

other_name()
{
	code || return 1
	ARGS[1]=r9
	! enrol "$CODE"
	local found=$?
	ARGS[1]=r2
	[ "$found" -eq 0 ] && grep -q 'authd expects a reflector named r2' "$RUN/enrol.out" && empty
}
check 'one that was given another name is told so at once' other_name
refused='waits for helio-reflector --enrol; refused the last one: it calls itself r9'
list_says() { adm GET /v1/reflectors && [ "$(body '.reflectors[] | select(.name == "r2") | .error')" = "$1" ]; }
check 'the list says so too' wait_for 5 list_says "$refused"
check 'a new code begins anew' code
check 'without it' wait_for 5 list_says 'waits for helio-reflector --enrol'

# A code lives 15 minutes: its end is put behind us where authd finds it, and a change wakes the links.
over()
{
	code && sqlite3 "$RUN/state/authd.sqlite" '.timeout 60000' \
		"UPDATE reflector SET code_until = unixepoch() - 1 WHERE name = 'r2'" &&
		is 201 adm POST /v1/rooms -d '{"name":"wake"}' && wait_for 5 is_over
}
is_over() { adm GET /v1/reflectors && [ "$(body '.reflectors[] | select(.name == "r2") | .error')" = 'its code is over: enrol it anew' ]; }
check 'a code ends' over
# Nobody dials any more: it is there and waits; a new code ends that.
too_late()
{
	local pid status=0
	timeout 150 "$REFLECTOR_BIN" --enrol "$CODE" "${ARGS[@]}" --settings "$RUN/r2/reflector.conf" >"$RUN/late.out" 2>&1 &
	pid=$!
	E2E_JOBS+=("$pid")
	sleep 3 # time for authd to dial, if it were to
	kill -0 "$pid" 2>/dev/null && empty || return 1
	code || return 1
	wait "$pid" || status=$?
	[ "$status" -eq 1 ] && empty && grep -q 'does not open' "$RUN/late.out"
}
check 'and opens nothing then, nor does it with another one out' too_late

# Somebody in the middle ends TLS on both sides: the proofs are of other connections.
mitm()
{
	code || return 1
	certtool_quiet --generate-privkey --key-type ecdsa --curve secp256r1 --outfile "$RUN/mitm.key"
	pki_issue mitm mitm.test
	ARGS[7]=127.0.0.1:$((PORT + 13))
	background_node mitm "$RUN/mitm.out" -e '
		const tls = require("tls"), fs = require("fs");
		const [port, to, cert, key] = process.argv.slice(1);
		const alpn = ["helio-enrol/1"];
		tls.createServer({ cert: fs.readFileSync(cert), key: fs.readFileSync(key), ALPNProtocols: alpn }, (a) => {
			const b = tls.connect({ host: "127.0.0.1", port: +to, rejectUnauthorized: false, ALPNProtocols: alpn });
			a.pipe(b); b.pipe(a);
			for (const s of [a, b]) s.on("error", () => { a.destroy(); b.destroy(); });
		}).listen(+port, "127.0.0.1", () => console.log("ready"));
		process.stdin.on("data", () => process.exit(0));' "$CONTROL_PORT" $((PORT + 13)) "$RUN/mitm.crt" "$RUN/mitm.key"
	wait_for 10 grep -q ready "$RUN/mitm.out" || return 1
	! enrol "$CODE"
	local found=$?
	node_end mitm
	ARGS[7]=127.0.0.1:$CONTROL_PORT
	[ "$found" -eq 0 ] && grep -q 'does not open' "$RUN/enrol.out" && empty
}
check 'one in the middle learns nothing and gets nothing' mitm

# Junk and silence at the reflector's door do not keep authd out.
junk()
{
	code || return 1
	background_node junk "$RUN/junk.out" -e '
		const net = require("net");
		const port = +process.argv[1];
		setInterval(() => {
			const s = net.connect(port, "127.0.0.1", () => s.write(Math.random() < 0.5 ? Buffer.alloc(400, 0x16) : "GET / HTTP/1.1\r\n\r\n"));
			s.on("error", () => {});
		}, 100);
		process.stdin.on("data", () => process.exit(0));' "$CONTROL_PORT"
	enrol "$CODE"
	local status=$?
	node_end junk
	[ "$status" -eq 0 ] || { cat "$RUN/enrol.out" >&2; return 1; }
}
check 'the right code enrols, whatever else knocks' junk
files()
{
	[ "$(stat -c %a "$RUN/r2/r2.key")" = 600 ] && [ -s "$RUN/r2/r2.crt" ] && [ -s "$RUN/r2/r2-ca.crt" ] &&
		grep -q 'authd-name = "authd.test"' "$RUN/r2/reflector.conf"
}
check 'key, certificate, CA and settings are written' files
check 'it says how to start it' grep -qx "Start it: helio-reflector --settings $RUN/r2/reflector.conf" "$RUN/enrol.out"
check 'its settings are good' "$REFLECTOR_BIN" --settings "$RUN/r2/reflector.conf" --check
again_no_force() { ! enrol "$CODE" && grep -q -- --force "$RUN/enrol.out"; }
check 'a key that is there stays' again_no_force

daemon_start r2 "$REFLECTOR_BIN" --settings "$RUN/r2/reflector.conf"
daemon_wait r2 ready || bad 'it starts'
check 'it is linked' wait_for 10 is_state up
# shellcheck disable=SC2034
cat "$RUN/ca.crt" "$RUN/state/ca.crt" >"$RUN/both.crt"
E2E_NODE_ARGS=(--authd "$AUTHD_URL" --ca "$RUN/both.crt" --password 'correct horse')
check 'a room goes there' is 200 login alice 'correct horse' demo
call() { pair_start talk alice demo --seconds 2 && pair_wait talk; }
check 'and a call over it' call

check 'drain' is 200 adm PATCH /v1/reflectors/r2 -d '{"state":"drain"}'
check 'is shown' wait_for 5 is_state drain
adm POST /v1/rooms -d '{"name":"late"}'
check 'a drained one gets no new rooms' says 503 no-reflector login alice 'correct horse' late
check 'but keeps its own' is 200 login alice 'correct horse' demo
check 'undrain' is 200 adm PATCH /v1/reflectors/r2 -d '{"state":"up"}'
late() { is 200 login alice 'correct horse' late; }
check 'and it gets new ones' wait_for 5 late

# Another key at that address: not what was enrolled.
impostor()
{
	daemon_stop r2
	cp "$RUN/r2/r2.key" "$RUN/r2.key.good" && cp "$RUN/r2/r2.crt" "$RUN/r2.crt.good"
	certtool_quiet --generate-privkey --key-type ecdsa --curve secp256r1 --outfile "$RUN/r2/r2.key"
	printf 'cn = "x"\nexpiration_days = 30\nsigning_key\ntls_www_server\ntls_www_client\ndns_name = "r2"\n' >"$RUN/i.tmpl"
	certtool_quiet --generate-certificate --template "$RUN/i.tmpl" --load-privkey "$RUN/r2/r2.key" \
		--load-ca-certificate "$RUN/state/ca.crt" --load-ca-privkey "$RUN/state/ca.key" --outfile "$RUN/r2/r2.crt"
	daemon_start r2 "$REFLECTOR_BIN" --settings "$RUN/r2/reflector.conf"
	alarm() { adm GET /v1/reflectors && [ -n "$(body '.reflectors[] | select(.name == "r2") | .alarm')" ]; }
	wait_for 10 alarm && is_state down && log_has authd link-alarm reflector=r2
}
check 'another key, though the CA signed it: refused and alarmed' impostor
daemon_stop r2
reenrol() { code && enrol "$CODE" --force && daemon_start r2 "$REFLECTOR_BIN" --settings "$RUN/r2/reflector.conf" && wait_for 10 is_state up; }
check 'enrolled once more, with a new key' reenrol
check 'and its rooms' is 200 login alice 'correct horse' demo

hold_start left alice demo
check 'withdrawn' is 204 adm DELETE /v1/reflectors/r2
check 'who was there is sent away' hold_wait left
check 'and told why' grep -q room-closed "$RUN/left.held"
gone() { adm GET /v1/reflectors && [ "$(body '.reflectors | length')" = 0 ]; }
check 'it is gone from the list at once' wait_for 2 gone
check 'and from placement' says 503 no-reflector login alice 'correct horse' demo
check 'twice is once' says 404 not-found adm DELETE /v1/reflectors/r2
daemon_stop r2 || bad 'r2 ends'
REFLECTORS=()
e2e_end
