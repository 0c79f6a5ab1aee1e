#!/bin/bash
# authd's control links when reflectors are good, away, slow, lying or broken: the administrator is told what is
# missing, rooms go where there is somebody, revocations arrive after all. The reflectors are fake ones.
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$TOP/tests/e2e/authd_lib.sh"

# shellcheck disable=SC2034 # read by scripts/lib.sh
AUTHD_EXTRA='hash-memory = 8M
hash-passes = 1'
node_needed
e2e_begin authd-link 200
pki_make
ports_pick
reflector_settings r1 "$PORT" 2 $((PORT + 14))
reflector_settings r2 $((PORT + 4)) 1 $((PORT + 13))
authd_settings $((PORT + 15))
gate_start r1
authd_start
daemon_wait authd ready || fail 'authd does not start'
daemon_wait authd link-up reflector=r1 || fail 'authd does not link'
adm POST /v1/users -d '{"name":"alice","password":"correct horse"}'
adm POST /v1/rooms -d '{"name":"demo"}'

# A head that comes a byte a second is never idle, but has an end too. It runs beside all the rest.
background_node drip "$RUN/drip.out" -e '
	const begin = Date.now();
	const s = require("tls").connect({ host: "127.0.0.1", port: process.argv[1], rejectUnauthorized: false }, () => {
		s.write("GET /healthz HTTP/1.1\r\nHost: a\r\nX-Long: ");
		setInterval(() => s.write("a"), 1000).unref();
	});
	s.on("error", () => {});
	s.on("close", () => { console.log(Math.round((Date.now() - begin) / 1000)); process.exit(0); });' "$AUTHD_PORT"

state_of() { adm GET /v1/reflectors && body ".reflectors[] | select(.name == \"$1\") | .state"; }
is_state() { [ "$(state_of "$1")" = "$2" ]; }
error_of() { adm GET /v1/reflectors && body ".reflectors[] | select(.name == \"$1\") | .error"; }
# After a fault authd dials again within 5 s and a little.
link_again() { wait_for 8 is_state "$1" up; }

partial()
{
	local begin=$SECONDS
	adm GET /v1/rooms && [ "$(body .partial)" = true ] && [ "$(body '.missing | join(",")')" = "$1" ] &&
		[ "$(body '.rooms[] | select(.name == "demo") | .live')" = true ] && [ $((SECONDS - begin)) -le 15 ]
}
check 'one is up, one is away' is_state r2 down
unbelieved() { adm GET /v1/rooms && [ "$(body '.rooms[0] | .name, .live' | tr '\n' ' ')" = 'demo false ' ]; }
check 'a room that lives nowhere is not live, whoever says so' unbelieved
check 'a room goes to who is there' is 200 login alice 'correct horse' demo
r1_only() { [ "$(body '.endpoints[0].port')" -lt $((PORT + 4)) ]; }
check 'and not to who is away' r1_only
check 'what is missing is named, the rest is shown' partial r2

gate_start r2
check 'it comes: linked by itself' link_again r2
whole() { adm GET /v1/rooms && [ "$(body .partial)" = false ]; }
check 'nothing is missing any more' whole
spread()
{
	local room
	for room in second third; do
		is 201 adm POST /v1/rooms -d "{\"name\":\"$room\"}" && is 200 login alice 'correct horse' "$room" || return 1
	done
	[ "$(body '.endpoints[0].port')" -eq $((PORT + 4)) ]
}
check 'new rooms are spread' spread

# ---------------------------------------------------------------- one that is up and says nothing

mode() { daemon_stop r2; gate_start r2 "$1"; }
mode mute
check 'mute: linked' link_again r2
check 'mute: its answer is missing after 2 s' partial r2
mode pages
check 'pages: linked' link_again r2
# It speaks of 300 rooms: believed about those that live there, as far as its last page.
pages()
{
	local i there=
	for i in 95 96 97 98 99; do
		is 201 adm POST /v1/rooms -d "{\"name\":\"room-2-$i\"}" &&
			is 200 login alice 'correct horse' "room-2-$i" || return 1
		[ "$(body '.endpoints[0].port')" -lt $((PORT + 4)) ] || there=room-2-$i
	done
	adm GET "/v1/rooms?limit=1000" && [ -n "$there" ] && [ "$(body '.partial')" = false ] &&
		[ "$(body '.rooms | length')" -eq 8 ] &&
		[ "$(body ".rooms[] | select(.name == \"$there\") | .live, .reflector" | tr '\n' ' ')" = 'true r2 ' ]
}
check 'pages: all of it, of rooms that live there' pages
mode flood
check 'flood: linked' link_again r2
check 'flood: cut off and named' partial r2

# ---------------------------------------------------------------- those that are not what they should be

refused()
{
	mode "$1"
	named() { error_of r2 | grep -q "$2"; }
	wait_for 15 named "$1" "$2" && is_state r2 down && is_state r1 up
}
check 'wrong name: refused' refused wrong-name 'another name'
check 'garbage: refused' refused garbage 'frame'
check 'silent: not waited for' refused silent 'in time'
impostor()
{
	cp "$RUN/r2.crt" "$RUN/r2.crt.good" && cp "$RUN/r2.key" "$RUN/r2.key.good"
	cp "$RUN/r1.crt" "$RUN/r2.crt" && cp "$RUN/r1.key" "$RUN/r2.key"
	refused good 'certificate'
	local found=$?
	mv "$RUN/r2.crt.good" "$RUN/r2.crt" && mv "$RUN/r2.key.good" "$RUN/r2.key"
	return "$found"
}
check 'certificate of another reflector: refused' impostor
logged_little() { [ "$(log_count authd link-down reflector=r2)" -lt 30 ]; }
check 'and the log is not filled' logged_little
mode good
check 'good again: linked' link_again r2

# ---------------------------------------------------------------- revocations

many=520
# The entries of a busy day, put where authd finds them; the disabling behind them wakes its links.
revoke_many()
{
	sqlite3 "$RUN/state/authd.sqlite" '.timeout 60000' "BEGIN IMMEDIATE;
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $2)
		INSERT INTO revocation (seq, kind, id, until, created_at) SELECT
		(SELECT value FROM counter WHERE name = 'revocation') + i, 'token', printf('$1-%015d', i),
		unixepoch() + 3600, unixepoch() FROM n;
		UPDATE counter SET value = value + $2 WHERE name = 'revocation'; COMMIT"
}
check 'a token' is 200 login alice 'correct horse' demo
revoked_at() { grep '"type":"revoke"' "$RUN/$1.log" | jq -r '.entries[].seq' | sort -u | wc -l; }
all_revoked() { [ "$(revoked_at "$1")" -gt "$many" ]; }
daemon_stop r2
revoke_many many "$many"
check 'revoked while one is away' is 200 adm PATCH /v1/users/alice -d '{"disabled":true}'
check 'who is there is told of all' wait_for 5 all_revoked r1
gate_start r2
check 'who comes back is told of all' wait_for 10 all_revoked r2
# A worker with keys lets people in: it must know who may not by then.
last_of() { grep -n "\"type\":\"$1\"" "$RUN/r2.log" | tail -n 1 | cut -d : -f 1; }
keys_behind() { [ "$(last_of keys)" -gt "$(last_of revoke)" ]; }
check 'and gets the keys behind that' wait_for 5 keys_behind
paged() { [ "$(grep '"type":"revoke"' "$RUN/r2.log" | jq '.entries | length' | sort -n | tail -n 1)" -eq 500 ]; }
check 'in pages of 500' paged
is 200 adm PATCH /v1/users/alice -d '{"disabled":false}'

# More than the link's queue holds at once, as somebody can cause who collects tokens before he is disabled.
plenty=90000
downs=$(log_count authd link-down)
revoke_many plenty "$plenty"
plenty_revoked() { [ "$(grep -o '"id":"plenty-' "$RUN/r1.log" | wc -l)" -ge "$plenty" ]; }
check 'many are revoked at once' is 200 adm PATCH /v1/users/alice -d '{"disabled":true}'
check 'the reflector is told of all' wait_for 20 plenty_revoked
check 'and its link holds' is "$downs" eval 'STATUS=$(log_count authd link-down)'
is 200 adm PATCH /v1/users/alice -d '{"disabled":false}'

# ---------------------------------------------------------------- moving, and nobody there

daemon_stop r1
check 'lost: seen at once' wait_for 3 is_state r1 down
moved()
{
	login alice 'correct horse' demo
	[ "$STATUS" = 200 ] && [ "$(body '.endpoints[0].port')" -eq $((PORT + 4)) ]
}
check 'the room moves to the other' wait_for 12 moved
removed_from_settings()
{
	local count
	count=$(log_count authd reload)
	cp "$RUN/authd.conf" "$RUN/authd.conf.both"
	sed -i '/reflector "r2"/,/}/d' "$RUN/authd.conf"
	kill -HUP "${PID[authd]}"
	reloaded() { [ "$(log_count authd reload)" -gt "$count" ]; }
	wait_for 5 reloaded && adm GET /v1/reflectors && [ "$(body '[.reflectors[].name] | join(",")')" = r1 ]
}
check 'SIGHUP takes a reflector away' removed_from_settings
check 'nobody is left: come again later' says 503 no-reflector login alice 'correct horse' demo
check 'and when' grep -qi '^retry-after:' "$RUN/head"
added_to_settings() { cp "$RUN/authd.conf.both" "$RUN/authd.conf"; kill -HUP "${PID[authd]}"; link_again r2; }
check 'SIGHUP brings it back' added_to_settings
check 'and its rooms' is 200 login alice 'correct horse' demo

wait "${NODE_PID[drip]}"
drip_cut() { [ "$(cat "$RUN/drip.out")" -ge 28 ] && [ "$(cat "$RUN/drip.out")" -le 100 ]; }
check 'a dripping request is cut' drip_cut
e2e_end
