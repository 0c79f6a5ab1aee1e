#!/bin/bash
# Tokens and invites, verified by another implementation (rhonabwy's rnbyc) with the key set that authd serves:
# those of a user, of an API key and of a guest, and after the signing key was changed. What was altered is refused.
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$TOP/tests/e2e/authd_lib.sh"

# shellcheck disable=SC2034 # read by scripts/lib.sh
AUTHD_EXTRA='hash-memory = 8M'
command -v rnbyc >/dev/null || skip 'there is no rnbyc'
node_needed
e2e_begin authd-rnbyc 60
pki_make
ports_pick
reflector_settings r1 "$PORT" 2 $((PORT + 14))
authd_settings $((PORT + 15))
gate_start r1
authd_start
daemon_wait authd ready || fail 'authd does not start'
daemon_wait authd link-up || fail 'authd does not link'
adm POST /v1/users -d '{"name":"alice","password":"correct horse"}'
adm POST /v1/rooms -d '{"name":"demo"}'

key_set() { is 200 pub GET /.well-known/jwks.json && cp "$RUN/body" "$RUN/jwks.json"; }
# verifies TOKEN TYPE: its signature holds, and its header names exactly this type and a key of the set.
verifies()
{
	rnbyc -t "$1" -P "$RUN/jwks.json" -H true >"$RUN/rnbyc" 2>&1 && grep -q 'signature verified' "$RUN/rnbyc" &&
		grep -q "\"$2\"" "$RUN/rnbyc" && return 0
	cat "$RUN/rnbyc" >&2
	return 1
}
refuses()
{
	rnbyc -t "$1" -P "$RUN/jwks.json" >"$RUN/rnbyc" 2>&1
	! grep -q 'signature verified' "$RUN/rnbyc"
}
# Another payload under the same signature.
altered() { printf '%s.%s.%s' "${1%%.*}" "$(printf '{"room":"other"}' | basenc --base64url | tr -d =)" "${1##*.}"; }

check 'the key set is served' key_set
check 'a token of a user' is 200 login alice 'correct horse' demo
token=$(body .token)
check 'it verifies' verifies "$token" helio+jwt
check 'another payload does not' refuses "$(altered "$token")"
check 'a signature of something else does not' refuses "${token%.*}.$(printf '%086d' 0)"

check 'an API key' is 201 adm POST /v1/apikeys -d '{"name":"shop","rooms":["*"]}'
key=$(body .key)
check 'a token of an API key' is 200 pub POST /v1/token -H "Authorization: Bearer $key" \
	-d '{"user":"carol","room":"demo"}'
check 'it verifies too' verifies "$(body .token)" helio+jwt

check 'an invite' is 201 adm POST /v1/invites -d "{\"room\":\"demo\",\"expires_at\":$(($(date +%s) + 600))}"
invite=$(body .url | sed 's/.*#//')
check 'it verifies, with a type of its own' verifies "$invite" helio-invite+jwt
check 'another payload of an invite does not' refuses "$(altered "$invite")"
check 'a token of a guest' is 200 pub POST /v1/token -d "{\"invite\":\"$invite\",\"name\":\"Gina\"}"
check 'it verifies as well' verifies "$(body .token)" helio+jwt
check 'an invite is no token' says 401 token-invalid pub POST /v1/media-key -H "Authorization: Bearer $invite"

check 'another signing key' is 200 adm POST /v1/keys/rotate
check 'the key set has both' key_set
both() { [ "$(jq '.keys | length' "$RUN/jwks.json")" -eq 2 ]; }
check 'both are there' both
check 'a token of before still verifies' verifies "$token" helio+jwt
check 'an invite of before too' verifies "$invite" helio-invite+jwt

e2e_end
