#!/bin/bash
# Clocks that are set while authd and a reflector run, or were set before they start: what has ended or was used up
# is not taken again, nothing that was revoked comes back, and nothing is forgotten meanwhile.
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$TOP/tests/e2e/authd_lib.sh"

# shellcheck disable=SC2034 # read by scripts/lib.sh
AUTHD_EXTRA='hash-memory = 8M
hash-passes = 1
rate-address = 1000000'
FAKETIME_LIB=$(find /usr/lib /usr/local/lib -path '*faketime/libfaketimeMT.so.1' 2>/dev/null | head -n 1)
[ -n "$FAKETIME_LIB" ] || skip 'CLOCK JUMPS ARE NOT TESTED: faketime is not installed (scripts/deps test)'
if grep -qs __asan_init "$AUTHD_BIN"; then
	skip 'CLOCK JUMPS ARE NOT TESTED: libfaketime and AddressSanitizer do not go together'
fi
node_needed
e2e_begin authd-clock 200

# ---------------------------------------------------------------- daemons with clocks of their own

# clock DAEMON SECONDS: from now on its clock is so much ahead (behind: -); the monotonic one stays.
clock()
{
	printf '%+d\n' "$2" >"$RUN/clock.new"
	mv "$RUN/clock.new" "$RUN/clock.$1"
}
clocks() { clock authd "$1"; clock r1 "$1"; }
# faked DAEMON PROGRAM: makes the script that runs it so; FAKED.
faked()
{
	FAKED=$RUN/faked.$1
	printf '#!/bin/sh\nexec env %s "%s" "$@"\n' "LD_PRELOAD=$FAKETIME_LIB FAKETIME_NO_CACHE=1 \
FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1 FAKETIME_TIMESTAMP_FILE=$RUN/clock.$1" "$2" >"$FAKED"
	chmod +x "$FAKED"
	clock "$1" 0
}
faked authd "$AUTHD_BIN"
AUTHD_BIN=$FAKED
faked r1 "$REFLECTOR_BIN"
REFLECTOR_BIN=$FAKED
# Certificates hold in all the years that we visit.
certtool() { LD_PRELOAD=$FAKETIME_LIB FAKETIME=-1000d command certtool "$@"; }
# shellcheck disable=SC2034 # read by scripts/lib.sh
PKI_DAYS=20000

cluster_start -n 1 -w 1
HOUR=3600
YEAR=31536000
now_at() { adm GET /v1/status && body .now; }
hears() { local at; at=$(now_at) && at=$((at - $(date +%s) - $1)) && [ "$at" -ge -60 ] && [ "$at" -le 60 ]; }
clock authd $HOUR
hears $HOUR || skip 'CLOCK JUMPS ARE NOT TESTED: libfaketime does not work here'
clock authd 0
hears 0 || fail 'the clock does not go back'

for room in demo other; do is 201 adm POST /v1/rooms -d "{\"name\":\"$room\"}" || fail 'a room cannot be made'; done
is 201 adm POST /v1/apikeys -d '{"name":"shop","rooms":["*"]}' || fail 'an API key cannot be made' "$(cat "$RUN/body")"
KEY=$(body .key)
user_add alice 'correct horse'
user_add ban 'correct horse'

# mint FILE USER [LIFE]
mint()
{
	is 200 pub POST /v1/token -H "Authorization: Bearer $KEY" \
		-d "{\"user\":\"$2\",\"room\":\"demo\",\"life_s\":${3:-600}}" && cp "$RUN/body" "$RUN/$1.json"
}
consume() { adm POST /v1/tokens/consume -d "{\"token\":$(jq .token "$RUN/$1.json")}"; }
media_key() { pub POST /v1/media-key -H "Authorization: Bearer $(jq -r .token "$RUN/$1.json")"; }
enters() { timeout 20 node "$E2E/probe.mjs" try --ca "$RUN/ca.crt" --answer "$RUN/$1.json" >"$RUN/try.json" 2>&1; }
# kept_out NAME CODE: by the reflector, with this code.
kept_out() { ! enters "$1" && grep -q "\"code\":\"$2\"" "$RUN/try.json" || { cat "$RUN/try.json" >&2; return 1; }; }
# refused NAME CODE: nowhere is the token taken.
refused() { says 401 "$2" consume "$1" && says 401 token-invalid media_key "$1" && kept_out "$1" "$2"; }
tokens() { sqlite3 "$RUN/state/authd.sqlite" '.timeout 5000' 'SELECT count(*) FROM token'; }
revocations() { is 200 adm GET /v1/revocations && body '.revocations | length'; }
chain_holds() { is 200 adm GET /v1/audit/verify && [ "$(body .ok)" = true ]; }
fresh() { mint fresh alice "${1:-600}" && is 200 media_key fresh && enters fresh && is 200 consume fresh; }

# ---------------------------------------------------------------- ahead, and back

check 'a token is taken' fresh
mint unused alice && mint used alice 40000 && mint revoked alice 40000 && mint banned ban 40000 && mint held alice && mint long alice 40000 || fail 'no tokens'
is 200 consume used || fail 'a token cannot be used'
is 204 adm DELETE "/v1/tokens/$(jti_of "$RUN/revoked.json")" || fail 'a token cannot be revoked'
is 201 adm POST /v1/revocations -d '{"kind":"user","id":"ban","ban_s":600}' || fail 'nobody can be banned'
background_node held "$RUN/held.out" "$E2E/probe.mjs" hold --ca "$RUN/ca.crt" --answer "$RUN/held.json"
wait_for 10 grep -q joined "$RUN/held.out" || fail 'nobody can join'
in_30_min=$(($(date +%s) + HOUR / 2))
is 201 adm POST /v1/apikeys -d "{\"name\":\"short\",\"rooms\":[\"*\"],\"expires_at\":$in_30_min}" || fail 'no second key'
SHORT=$(body .key)
is 201 adm POST /v1/invites -d "{\"room\":\"demo\",\"expires_at\":$in_30_min}" || fail 'no invite' "$(cat "$RUN/body")"
LINK=$(body .url)
is 201 adm POST /v1/users -d "{\"name\":\"hours\",\"password\":\"correct horse\",\"policy\":{\"hours\":[
	{\"from\":\"$(date -u -d '-2 hours' +%H:%M)\",\"to\":\"$(date -u -d '+2 hours' +%H:%M)\"}]}}" || fail 'no user' "$(cat "$RUN/body")"
by_short() { pub POST /v1/token -H "Authorization: Bearer $SHORT" -d '{"user":"bob","room":"demo"}'; }
by_invite() { pub POST /v1/token -d "{\"invite\":\"$LINK\",\"name\":\"Bob\"}"; }
by_hours() { login hours 'correct horse' demo; }
ended() { wait_for 10 grep -q token-expired "$RUN/held.out"; }
TOKENS=$(tokens)

clocks $HOUR
check 'an hour ahead: a token has ended' refused unused token-expired
check 'so has a session' ended
node_end held
check 'both daemons say that the clock was set' eval 'wait_for 5 log_has authd clock-set && wait_for 5 log_has r1 clock-set'
check 'a longer token has not' is 200 media_key long
check 'an API key has ended' says 401 login-failed by_short
check 'an invite has ended' says 401 login-failed by_invite
check 'hours are by the clock' is 200 by_hours
clocks $((3 * HOUR))
check 'and end' says 403 denied by_hours
clocks $HOUR
check 'new tokens are good' fresh
check 'a ban has ended' mint early ban
# The reflector cleans its list at full minutes: one of those passes.
clock r1 $((HOUR + 57 - $(date +%s) % 60))
minute_over() { local s=$((($(date +%s) - STARTED))); [ "$s" -ge 5 ]; }
STARTED=$(date +%s)
wait_for 10 minute_over

clocks 0
check 'back: what had ended has' refused unused token-expired
check 'what was used is' says 401 token-used consume used
check 'what was revoked is, here' says 401 token-revoked consume revoked
check 'and at the reflector, which kept it' kept_out revoked token-revoked
check 'so a ban' kept_out banned banned
check 'it holds here' says 403 denied pub POST /v1/token -H "Authorization: Bearer $KEY" -d '{"user":"ban","room":"demo"}'
check 'what was made ahead is not good yet' kept_out early token-early
check 'what outlasts the hour is good' eval 'is 200 media_key long && enters long'
check 'an API key holds again' is 200 by_short
check 'an invite holds again' is 200 by_invite
check 'hours are by the clock again' is 200 by_hours
check 'new tokens are good' fresh
check 'nothing was forgotten' test "$(tokens)" -gt "$TOKENS"

# ---------------------------------------------------------------- behind

mint short alice 15 && mint stays alice 15 || fail 'no tokens'
ends_at=$(jq .expires_at "$RUN/stays.json")
background_node stays "$RUN/stays.out" "$E2E/probe.mjs" hold --ca "$RUN/ca.crt" --answer "$RUN/stays.json"
wait_for 12 grep -q joined "$RUN/stays.out" || fail 'nobody can join'
clocks -$HOUR
in_time() { wait_for 40 grep -q token-expired "$RUN/stays.out" && [ "$(date +%s)" -ge $((ends_at - 1)) ]; }
check 'an hour behind: a session ends when it would have' in_time
node_end stays
check 'and a token' refused short token-expired
check 'a used token stays used' says 401 token-used consume used
check 'a revoked one revoked' kept_out revoked token-revoked
check 'tokens are still made and taken' fresh 40000
check 'the audit record holds' chain_holds
clocks 0
check 'back: tokens are made and taken' fresh

# ---------------------------------------------------------------- authd's alone, the reflector new

mint revoked2 alice && is 204 adm DELETE "/v1/tokens/$(jti_of "$RUN/revoked2.json")" || fail 'a token cannot be revoked'
clock authd $HOUR
daemon_stop r1
: >"$RUN/r1.log"
ups=$(log_count authd link-up)
reflector_start r1
linked() { [ "$(log_count authd link-up)" -gt "$ups" ]; }
wait_for 20 linked || fail 'the reflector does not come back'
tells() { wait_for 10 kept_out revoked2 token-revoked 2>/dev/null; }
check 'a new reflector hears of what has ended for authd alone' tells
clock authd 0

# ---------------------------------------------------------------- set before the start

# again SECONDS: authd starts anew with that clock.
again()
{
	daemon_stop authd || return 1
	: >"$RUN/authd.log"
	clock authd "$1"
	authd_start
	daemon_wait authd ready
}
TOKENS=$(tokens)
REVOKED=$(revocations)
again $((5 * YEAR)) || fail 'authd does not start years ahead'
check 'years ahead at the start: it says so' log_has authd clock-ahead
check 'it writes records' is 201 adm POST /v1/rooms -d '{"name":"future"}'
sleep 2
check 'and forgets nothing' test "$(tokens)" = "$TOKENS"
again 0 || fail 'authd does not start behind its records'
check 'behind its records at the start: it says so' log_has authd clock-behind
check 'what had ended has' says 401 token-invalid media_key unused
check 'what was used is' is 401 consume used
check 'revocations are there' test "$(revocations)" = "$REVOKED"
check 'a revoked token is kept out' kept_out revoked2 token-revoked
wait_for 10 log_has authd link-up || bad 'the link comes back'
check 'new tokens are good' fresh
check 'the audit record holds' chain_holds
again -$((5 * YEAR)) || fail 'authd does not start years behind'
check 'years behind: it says so' log_has authd clock-behind
check 'what was used is' is 401 consume used
check 'the audit record holds' chain_holds
again 0
check 'the clock is right, and the last record is: not a word' eval '! log_has authd clock-behind && ! log_has authd clock-ahead'
e2e_end
