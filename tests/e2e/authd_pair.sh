#!/bin/bash
# Two authd on one PostgreSQL serve one reflector at the same time; either may be killed.
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$TOP/tests/e2e/authd_lib.sh"
. "$TOP/tests/e2e/pg_lib.sh"

node_needed
pg_needed
e2e_begin authd-pair 180
pg_start
# shellcheck disable=SC2034 # read by scripts/lib.sh
AUTHD_EXTRA="hash-memory = 8M
hash-passes = 1
database = \"$PG_URL\""
cluster_start -w 1
URL=([1]=$AUTHD_URL [2]=https://127.0.0.1:$((AUTHD_PORT - 2)))
SOCKETS=([1]=$SOCKET [2]=$RUN/authd2.sock)
authd_settings_again authd2 $((AUTHD_PORT - 2))
authd_start authd2
daemon_wait authd2 link-up reflector=r1 || fail 'the second authd does not come up' "$(last_error)"

# at N COMMAND...: at the first or the second authd.
at()
{
	local AUTHD_URL=${URL[$1]} SOCKET=${SOCKETS[$1]} HELIO_SOCKET=${SOCKETS[$1]}
	E2E_NODE_ARGS=(--authd "$AUTHD_URL" --ca "$RUN/ca.crt" --password 'correct horse')
	export HELIO_SOCKET
	"${@:2}"
}

check 'a user and a room of one ...' at 1 user_add alice 'correct horse'
told() { at "$1" adm GET '/v1/events?after=0' && body '.events[] | "\(.what) \(.object)"' | grep -q "^$2$"; }
check '... is an event there' wait_for 5 told 1 'user.add alice'
check '... and at the other' wait_for 5 told 2 'user.add alice'
check '... are there at the other' at 2 is 200 adm GET /v1/users/alice
check 'a room' at 2 room_add demo
same_clock() { at "$1" adm GET /v1/status && [ "$(body '.database.clock - .now | fabs < 5')" = true ]; }
check 'the clock of the database server is told' same_clock 1
check 'a token by one' at 1 is 200 login alice 'correct horse' demo
cp "$RUN/body" "$RUN/first.json"
check 'a token by the other' at 2 is 200 login alice 'correct horse' demo
same_place() { [ "$(jq -c .endpoints "$RUN/first.json")" = "$(jq -c .endpoints "$RUN/body")" ]; }
check 'for the same place' same_place

both_keys() { at "$1" pub GET /.well-known/jwks.json && [ "$(body '.keys | length')" -ge 2 ]; }
check 'the keys of both are served by one' wait_for 10 both_keys 1
check 'and by the other' wait_for 10 both_keys 2
joins() { at "$1" probe_try alice demo --device "try$1"; }
check 'a token of one opens the door' wait_for 15 joins 1
check 'a token of the other too' wait_for 15 joins 2

# A moderator's ban is an event that both hear of: one record.
at 1 user_add bob 'correct horse'
at 1 adm POST /v1/users -d '{"name":"mod","password":"correct horse","policy":{"moderate":true}}'
mkfifo "$RUN/mod.in"
exec {MOD}<>"$RUN/mod.in"
HELIO_PASSWORD='correct horse' timeout --foreground 400 "$HELIO_CALL_BIN" --authd "${URL[1]}" --authd-ca "$RUN/ca.crt" --json --user mod --room demo \
	<"$RUN/mod.in" >"$RUN/mod.out" 2>"$RUN/mod.err" &
MOD_PID=$!
E2E_JOBS+=("$MOD_PID")
check 'a moderator joins' wait_for 10 grep -q '"event":"joined"' "$RUN/mod.out"
at 2 hold_start bob bob demo
sees_bob() { NUM=$(jq -s -r 'map(select(.participant == "bob" and .num)) | last | .num // empty' "$RUN/mod.out") && [ -n "$NUM" ]; }
check 'sees somebody' wait_for 10 sees_bob
echo "/kick $NUM 600" >&"$MOD"
check 'and sends him away' hold_wait bob
bans() { at "$1" adm GET '/v1/revocations?limit=1000' && [ "$(body '[.revocations[] | select(.ban and .id == "bob")] | length')" = 1 ]; }
check 'the ban is recorded' wait_for 5 bans 1
check 'for the other, too' wait_for 5 bans 2
denied() { at "$1" says 403 denied login bob 'correct horse' demo; }
check 'no token by one' denied 1
check 'nor by the other' denied 2
kill -INT "$MOD_PID"

at 1 hold_start held1 alice demo --device held1
at 2 hold_start held2 alice demo --device held2
revoke_held() # DEVICE WHERE: revokes the live token of that device at that authd
{
	local jti
	at "$2" adm GET '/v1/tokens?user=alice&limit=1000'
	jti=$(body ".tokens | map(select(.participant == \"alice+$1\")) | last | .jti")
	at "$2" is 204 adm DELETE "/v1/tokens/$jti"
}
check 'issued at one, revoked at the other' revoke_held held1 2
check 'closes the session' hold_wait held1
check 'with the reason' grep -q token-revoked "$RUN/held1.held"
check 'and the other way round' revoke_held held2 1
check 'closes that session' hold_wait held2

at 1 pair_start call alice demo
daemon_kill authd
check 'one is killed: the other gives tokens' at 2 is 200 login alice 'correct horse' demo
check 'and takes changes' at 2 is 201 adm POST /v1/rooms -d '{"name":"second"}'
check 'a token of it opens the door' joins 2
at 2 hold_start held3 alice demo --device held3
check 'and a revocation closes it' revoke_held held3 2
check 'at once' hold_wait held3
authd_start
check 'it comes back' at 1 wait_for 10 adm GET /v1/rooms/second
check 'and knows what it missed' at 1 is 200 adm GET /v1/rooms/second
check 'and opens doors' wait_for 15 joins 1

# The database goes away in a call, and comes back.
pg_crash
refuses() { at "$1" says 503 store login alice 'correct horse' demo; }
check 'no database: 503 by one' refuses 1
check 'and by the other' refuses 2
pg_start
gives() { at "$1" login alice 'correct horse' demo && [ "$STATUS" = 200 ]; }
check 'it is back: tokens by one' wait_for 10 gives 1
check 'and by the other' wait_for 10 gives 2
at 2 hold_start held4 alice demo --device held4
check 'issued at one, revoked at the other, again' revoke_held held4 1
check 'closes it, again' hold_wait held4
check 'the live call lost no frame all the while' pair_stop call
check 'the ban was recorded once' bans 2
whole() { at 2 adm GET /v1/audit/verify && [ "$(body .ok)" = true ]; }
check 'the records of both are one chain' whole

# A password in the conninfo is in no log and in no answer.
sed "s|postgresql://helio@|postgresql://helio:geheim@|" "$RUN/authd2.conf" >"$RUN/authd3.conf"
check 'the second ends in order' daemon_stop authd2
cp "$RUN/authd3.conf" "$RUN/authd2.conf"
authd_start authd2
daemon_wait authd2 ready
at 2 adm GET /v1/status
cp "$RUN/body" "$RUN/status.json"
secret() { ! grep -q geheim "$RUN"/*.log "$RUN/status.json"; }
check 'a password of the database is not shown' secret
check 'the second ends in order, once more' daemon_stop authd2
e2e_end
