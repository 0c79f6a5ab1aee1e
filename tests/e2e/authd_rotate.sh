#!/bin/bash
# The signing key is rotated while applications ask for tokens and people come and go: no login and no join fails, what
# was made before stays good, both keys are served meanwhile, and the new one signs 30 s later.
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$TOP/tests/e2e/authd_lib.sh"

# shellcheck disable=SC2034 # read by scripts/lib.sh
AUTHD_EXTRA='hash-memory = 8M
hash-passes = 1
rate-address = 1000000'
node_needed
e2e_begin authd-rotate 120
cluster_start -n 2 -w 1
is 201 adm POST /v1/apikeys -d '{"name":"shop","rooms":["*"]}' || fail 'an API key cannot be made' "$(cat "$RUN/body")"
KEY=$(body .key)
user_add alice 'correct horse'
room_add demo
E2E_NODE_ARGS=(--authd "$AUTHD_URL" --ca "$RUN/ca.crt" --password 'correct horse')

served() { pub GET /.well-known/jwks.json && body '.keys[].kid' | sort | tr '\n' ' '; }
signs() { adm GET /v1/keys && body '.keys[] | select(.signs) | .kid'; }
# by KID: a token that is made now is signed with that key; $RUN/body has it.
by()
{
	is 200 login alice 'correct horse' demo &&
		[ "$(body .token | cut -d . -f 1 | tr '_-' '/+' | base64 -d 2>/dev/null | jq -r .kid)" = "$1" ]
}

OLD=$(signs)
one() { [ "$(served)" = "$OLD " ]; }
check 'one key is served' one
check 'and signs' by "$OLD"
cp "$RUN/body" "$RUN/old.json"
hold_start held alice demo --device held
background_node load "$RUN/load.out" "$E2E/authd_rotate.mjs" --url "$AUTHD_URL" --ca "$RUN/ca.crt" --key "$KEY" --room demo
check 'tokens and joins go on' wait_for 20 grep -q going "$RUN/load.out"

BEGIN=$(date +%s)
check 'rotated' ctl key rotate --yes
adm GET /v1/keys
NEW=$(body ".keys[] | select(.kid != \"$OLD\") | .kid")
both() { [ -n "$NEW" ] && [ "$(served)" = "$(printf '%s\n' "$OLD" "$NEW" | sort | tr '\n' ' ')" ]; }
check 'both keys are served at once' both
came_along() { [ "$(body '.keys.keys[].kid' | sort | tr '\n' ' ')" = "$(served)" ]; }
check 'the old one signs still' by "$OLD"
check 'both come with a token' came_along
times()
{
	adm GET /v1/keys && [ "$(body ".keys[] | select(.kid == \"$NEW\") | .active_at - .created_at")" -eq 30 ] &&
		[ "$(body ".keys[] | select(.kid == \"$OLD\") | .retired_at")" = "$(body ".keys[] | select(.kid == \"$NEW\") | .active_at")" ]
}
check 'the one ends when the other begins, 30 s from now' times
check 'again at once: refused' says 409 rate adm POST /v1/keys/rotate
why() { body .detail | grep -q 'does not sign yet: wait'; }
check 'with what is the matter' why
two() { adm GET /v1/keys && [ "$(body '.keys | length')" -eq 2 ]; }
check 'and no third key' two
audited() { adm GET '/v1/audit?action=key.put&limit=100' && body '.records[].object' | grep -qF -- "$NEW"; }
check 'it stands in the record' audited

new_signs() { [ "$(signs)" = "$NEW" ]; }
check 'the new key signs' wait_for 40 new_signs
took=$(($(date +%s) - BEGIN))
in_time() { [ "$took" -ge 29 ] && [ "$took" -le 90 ]; } # this machine may be busy
check "after 30 s" in_time
check 'tokens are made with it' by "$NEW"
cp "$RUN/body" "$RUN/new.json"
check 'and open doors' probe_try alice demo --answer "$RUN/new.json" --device x
check 'those made before do too' probe_try alice demo --answer "$RUN/old.json" --device x
both_still() { both; }
check 'both keys are served still' both_still
consumed() { is 200 adm POST /v1/tokens/consume -d "$(jq -c '{token}' "$RUN/old.json")"; }
check 'and authd itself knows the old one' consumed
still_in() { [ "$(tail -n 1 "$RUN/held.held.out")" = joined ]; }
check 'who was in a room all the time still is' still_in
node_end held

node_end load
figure() { tail -n 1 "$RUN/load.out" | jq -r "$1"; }
printf '     %s\n' "$(tail -n 1 "$RUN/load.out")"
none_failed() { [ "$(figure .failed)" = 0 ] && [ "$(figure .issued)" -ge 100 ]; }
check 'no login failed' none_failed
none_refused() { [ "$(figure .refused)" = 0 ] && [ "$(figure .joined)" -ge 10 ]; }
check 'no join failed' none_refused
# By the time in the tokens, which is looked at a moment before one is signed.
change() { figure ".keys[\"$OLD\"].last - .keys[\"$NEW\"].first <= 5 and (.keys | length) == 2" | grep -qx true; }
check 'first by the old key, then by the new' change
# Both reflectors know what a restart of authd would have to read again.
check 'authd ends' daemon_stop authd
authd_start
check 'a restart keeps both' wait_for 10 both
check 'and signs with the new one' by "$NEW"
check 'rotated again, now that it signs' is 200 adm POST /v1/keys/rotate
three() { adm GET /v1/keys && [ "$(body '.keys | length')" -eq 3 ]; }
check 'three are served' three
e2e_end
