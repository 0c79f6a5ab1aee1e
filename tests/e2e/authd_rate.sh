#!/bin/bash
# Requests of one address are counted, and what one address has used up is not missing at another.
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$TOP/tests/e2e/authd_lib.sh"

node_needed
e2e_begin authd-rate 90
# shellcheck disable=SC2034 # read by scripts/lib.sh
AUTHD_EXTRA='hash-memory = 8M
hash-passes = 1
rate-address = 20
rate-user = 5'
cluster_start -w 1
room_add demo
user_add alice 'correct horse'
is 201 adm POST /v1/apikeys -d '{"name":"app","rooms":["*"]}'
KEY=$(body .key)

# from ADDRESS PATH [ARGUMENT...]: a request from that address; the status in $STATUS.
from()
{
	local address=$1 path=$2
	shift 2
	STATUS=$(curl -sS --max-time 100 --interface "$address" --cacert "$RUN/ca.crt" -o "$RUN/body" -D "$RUN/head" \
		-w '%{http_code}' "$@" "$AUTHD_URL$path" 2>"$RUN/curl.err") || { cat "$RUN/curl.err"; return 1; }
}
retry_after() { tr -d '\r' <"$RUN/head" | sed -n 's/^[Rr]etry-[Aa]fter: //p'; }
use_up() # ADDRESS: until it is refused; how often it was not
{
	GOOD=0
	while [ "$GOOD" -lt 60 ]; do
		from "$1" /healthz || return 1
		[ "$STATUS" = 200 ] || break
		GOOD=$((GOOD + 1))
	done
}
# One comes back every 3 s, while this test counts as well as later: what is refused may be let in once by then.
twenty()
{
	local begin=$SECONDS
	use_up 127.0.0.2 && [ "$STATUS" = 429 ] && [ "$GOOD" -ge 20 ] && [ "$GOOD" -le $((21 + (SECONDS - begin + 1) / 3)) ]
}
check 'twenty requests of an address, then no more' twenty
check 'with a reason' test "$(body .code)" = rate
check 'and when to come back' test "$(retry_after)" -ge 1
refused_now() { from 127.0.0.2 "$@" && [ "$STATUS" = 429 ]; }
refused() { refused_now "$@" || refused_now "$@"; }
check 'whatever it asks for' refused /.well-known/jwks.json
check 'also what is not there' refused /nothing
login_from() { from "$1" /v1/token -H 'Content-Type: application/json' -d '{"user":"alice","password":"correct horse","room":"demo"}'; }
check 'a login neither' refused /v1/token -H 'Content-Type: application/json' \
	-d '{"user":"alice","password":"correct horse","room":"demo"}'
other() { login_from 127.0.0.3 && [ "$STATUS" = 200 ]; }
check 'another address has all of its own' other
by_key() { from 127.0.0.2 /v1/token -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \
	-d '{"user":"bob","room":"demo"}' && [ "$STATUS" = 200 ]; }
check 'an API key is counted for itself' by_key
wrong_key() { refused /v1/token -H "Authorization: Bearer hk_aaaaaaaaaaaa_x" -H 'Content-Type: application/json' \
	-d '{"user":"bob","room":"demo"}'; }
check 'one that does not hold is not' wrong_key
comes_back()
{
	use_up 127.0.0.2
	local wait
	wait=$(retry_after)
	[ "$wait" -le 10 ] || return 1
	back() { from 127.0.0.2 /healthz && [ "$STATUS" = 200 ]; }
	wait_for "$((wait + 3))" back
}
check 'when it was told to come back, it may' comes_back

# ---------------------------------------------------------------- users

user_add carol 'correct horse'
# carol NUMBER [PASSWORD]: she asks from an address of her own, so that no address has too many.
carol()
{
	from "127.0.1.$1" /v1/token -H 'Content-Type: application/json' \
		-d "{\"user\":\"carol\",\"password\":\"${2:-correct horse}\",\"room\":\"demo\"}"
}
all_of_it()
{
	local n
	for n in 1 2 3 4 5 6 7 8; do # one more comes every 12 s
		carol "$n" || return 1
		[ "$STATUS" = 200 ] || break
	done
	[ "$STATUS" = 429 ] && [ "$n" -ge 6 ]
}
wrong_first() { carol 20 'wrong horse' && carol 21 'wrong horse' && [ "$STATUS" = 401 ]; }
check 'wrong passwords take nothing of it' wrong_first
check 'five tokens of a user, then no more, wherever from' all_of_it
check 'with a reason' test "$(body .code)" = rate
check 'that says whose' test "$(body .detail)" = 'too many tokens for this user: wait'
check 'and when to come back' test "$(retry_after)" -ge 1
stranger() { carol 22 'wrong horse' && [ "$STATUS" = 401 ] && [ "$(body .code)" = login-failed ]; }
check 'a stranger does not see it' stranger
others_may() { login_from 127.0.1.30 && [ "$STATUS" = 200 ]; }
check 'another user has all of her own' others_may
key_may() { from 127.0.1.31 /v1/token -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \
	-d '{"user":"carol","room":"demo"}' && [ "$STATUS" = 200 ]; }
check 'whom an API key brings is counted with the key' key_may
NEXT=40
carol_back() { NEXT=$((NEXT + 1)); carol "$NEXT" && [ "$STATUS" = 200 ]; }
check 'when there is one again, she may' wait_for 20 carol_back
e2e_end
