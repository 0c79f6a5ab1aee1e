#!/bin/bash
# Who asks authd for a token, and how: imported hashes that are upgraded at login, API keys with scope, invites
# with uses and passcodes, and strangers who learn nothing. The reflector is a fake one (fake_gate.mjs).
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$TOP/tests/e2e/authd_lib.sh"

# shellcheck disable=SC2034 # read by scripts/lib.sh
AUTHD_EXTRA='hash-memory = 8M
public-url = "https://authd.example/"'
node_needed
e2e_begin authd-who 150
pki_make
ports_pick
reflector_settings r1 "$PORT" 2 $((PORT + 14))
authd_settings $((PORT + 15))
gate_start r1
authd_start
daemon_wait authd ready || fail 'authd does not start'
daemon_wait authd link-up || fail 'authd does not link'

DB=$RUN/state/authd.sqlite
[ -f "$DB" ] || DB=$(find "$RUN" -name authd.sqlite | head -n 1)

json() { jq -nc "$@"; }
sql() { sqlite3 "file:$DB?mode=ro" "$1"; }

clock_reaches() { while [ "$(date +%s)" -lt "$1" ]; do sleep 0.2; done; }

is 201 adm POST /v1/rooms --data-binary '{"name":"demo"}' || fail 'no room'
is 201 adm POST /v1/rooms --data-binary '{"name":"team-a"}' || fail 'no room'

# ---------------------------------------------------------------- users and imported hashes

# shellcheck disable=SC2016 # hashes, not variables
SHA512='$6$rounds=1000$saltstring$YiR6NSM0LQXmu7vAhkMXfkdYk7qtFouVx1Mdr3HmzXspT8kONjlpU3CsV7ezCB62uXJoAdaagsH4ck7/tB9js.'
# shellcheck disable=SC2016
YESCRYPT='$y$j9T$0123456789abcdef$FckL0.DRM2TcLu8cpWm5VeSXkoG9vaoT7PGDMgIX8iC'

import() { adm POST /v1/users --data-binary "$(json --arg n "$1" --arg h "$2" '{name:$n,hash:$h}')"; }
hash_of() { sql "SELECT hash FROM account WHERE name = '$1'"; }
begins() { case $2 in "$1"*) ;; *) echo "\"$2\" does not begin with \"$1\"" >&2; return 1 ;; esac; }

upgraded()
{
	is 201 import "$1" "$2" && [ "$(hash_of "$1")" = "$2" ] &&
		says 401 login-failed login "$1" 'wrong wrong' demo && [ "$(hash_of "$1")" = "$2" ] &&
		is 200 login "$1" 'correct horse' demo &&
		begins "\$argon2id\$v=19\$m=8192,t=2,p=1\$" "$(hash_of "$1")" &&
		is 200 login "$1" 'correct horse' demo
}
check 'an imported $6$ hash is made anew at the first login' upgraded alice "$SHA512"
check 'an imported $y$ hash is made anew at the first login' upgraded bob "$YESCRYPT"
# shellcheck disable=SC2016
check 'other hashes are refused by name' says 400 bad-field import carol '$1$salt$qJH7.N4xYta3aEG/dfqo/0'
check 'a password or a hash, not both' says 400 bad-field adm POST /v1/users --data-binary \
	"$(json --arg h "$SHA512" '{name:"carol",hash:$h,password:"long enough"}')"

user_life()
{
	is 201 adm POST /v1/users --data-binary '{"name":"dave","password":"long enough","policy":{"chat":false}}' &&
		[ "$(body .policy.chat)" = false ] && is 200 adm GET /v1/users/dave &&
		is 200 adm PATCH /v1/users/dave --data-binary '{"policy":{"publish":["audio"]}}' &&
		[ "$(body '.policy.publish[0]')" = audio ] && says 409 exists adm POST /v1/users \
		--data-binary '{"name":"dave","password":"long enough"}' &&
		is 200 login dave 'long enough' demo && is 204 adm DELETE /v1/users/dave &&
		says 401 login-failed login dave 'long enough' demo && says 404 not-found adm GET /v1/users/dave &&
		[ "$(sql "SELECT count(*) FROM token WHERE account = 'dave' AND revoked_at = 0")" = 0 ]
}
check 'a user is added, shown, changed and deleted, and the tokens end' user_life

pages()
{
	local after='' n=0 seen=''
	while [ $n -lt 10 ]; do
		is 200 adm GET "/v1/users?limit=1&after=$after" || return 1
		[ "$(body '.users | length')" = 0 ] && break
		seen="$seen $(body '.users[0].name')"
		after=$(body .next)
		[ "$after" = null ] && break
		n=$((n + 1))
	done
	[ "$seen" = ' alice bob' ] || { echo "saw$seen" >&2; return 1; }
}
check 'users come in pages' pages
check 'no page is larger than 1,000' says 400 bad-field adm GET '/v1/users?limit=1001'

# ---------------------------------------------------------------- API keys

key_make() { adm POST /v1/apikeys --data-binary "$1"; }
# minted KEY JSON
minted() { pub POST /v1/token -H "Authorization: Bearer $1" --data-binary "$2"; }
claims() { body .token | cut -d. -f2 | tr '_-' '/+' | awk '{ while (length % 4) $0 = $0 "="; print }' | base64 -d | jq "$@"; }

is 201 key_make '{"name":"shop","rooms":["team-*"],"grants":{"publish":["audio","video"]}}' || fail 'no key'
KEY=$(body .key)
KEY_ID=$(body .id)
# shellcheck disable=SC2016
check 'a key is shown once, and only its hash is kept' sh -c \
	'case $1 in hk_????????????_*) ;; *) exit 1 ;; esac; ! grep -aq "${1#hk_*_}" "$2"*' sh "$KEY" "$DB"
not_again() { is 200 adm GET /v1/apikeys/shop && [ "$(body .key)" = null ] && [ "$(body .hash)" = null ]; }
check 'and never again' not_again
check 'two keys of one name are refused' says 409 exists key_make '{"name":"shop"}'

mint()
{
	is 200 minted "$KEY" '{"user":"gast","room":"team-a","name":"Gast","device":"web","life_s":60}' || return 1
	[ "$(body .participant)" = gast+web ] && [ "$(claims -r .src)" = "apikey:$KEY_ID" ] &&
		[ "$(claims -c .grants.publish)" = '["audio","video"]' ] &&
		[ "$(claims '.exp - .iat <= 60')" = true ]
}
check 'a backend mints a token for its user, with the grants of its key' mint
narrow()
{
	is 200 minted "$KEY" '{"user":"gast","room":"team-a","grants":{"publish":["audio"],"chat":false}}' &&
		[ "$(claims -c .grants.publish)" = '["audio"]' ] && [ "$(claims .grants.chat)" = false ] &&
		says 403 denied minted "$KEY" '{"user":"gast","room":"team-a","grants":{"moderate":true}}'
}
check 'a request for grants can only take away' narrow
check 'a key opens the rooms of its patterns alone' says 403 denied minted "$KEY" '{"user":"gast","room":"demo"}'
check 'a life that is none is refused' says 400 bad-field minted "$KEY" '{"user":"gast","room":"team-a","life_s":0}'
check 'a key does not open the admin API from outside' says 404 not-found pub GET /v1/users -H "Authorization: Bearer $KEY"

# ---------------------------------------------------------------- strangers

# The answer without what differs by time alone.
told() { printf '%s ' "$STATUS"; cat "$RUN/body"; grep -iv '^date:' "$RUN/head"; }

strangers()
{
	local first='' name
	is 201 key_make '{"name":"gone"}' || return 1
	gone=$(body .key)
	is 204 adm DELETE /v1/apikeys/gone || return 1
	local end=$(($(date +%s) + 4))
	is 201 key_make "$(json --argjson t $end '{name:"short",expires_at:$t}')" || return 1
	short=$(body .key)
	clock_reaches $end
	for name in password user room revoked expired unknown form; do
		case $name in
		password) login alice 'wrong wrong' demo ;;
		user) login nobody 'correct horse' demo ;;
		room) login alice 'correct horse' none ;;
		revoked) minted "$gone" '{"user":"gast","room":"demo"}' ;;
		expired) minted "$short" '{"user":"gast","room":"demo"}' ;;
		unknown) minted "hk_aaaaaaaaaaaa_${KEY#hk_*_}" '{"user":"gast","room":"team-a"}' ;;
		form) minted hk_x '{"user":"gast","room":"team-a"}' ;;
		esac
		[ "$STATUS" = 401 ] || { echo "$name: $STATUS" >&2; return 1; }
		[ -n "$first" ] || first=$(told)
		[ "$(told)" = "$first" ] || { echo "$name: $(told)" >&2; return 1; }
	done
}
check 'wrong password, user, room and revoked, expired, unknown key: one answer' strangers

revoked()
{
	is 200 minted "$KEY" '{"user":"last","room":"team-a"}' || return 1
	is 204 adm DELETE /v1/apikeys/shop && says 401 login-failed minted "$KEY" '{"user":"gast","room":"team-a"}' &&
		[ "$(sql "SELECT count(*) FROM token WHERE source_id = '$KEY_ID' AND revoked_at = 0")" = 0 ] &&
		[ "$(sql "SELECT count(*) FROM revocation WHERE kind = 'apikey' AND id = '$KEY_ID'")" = 1 ]
}
check 'a revoked key: no further token, and those it made have ended' revoked

# ---------------------------------------------------------------- invites

invite_make() { is 201 adm POST /v1/invites --data-binary "$1"; }
# guest LINK [PASSCODE] [NAME]
guest()
{
	pub POST /v1/token --data-binary "$(json --arg i "$1" --arg p "${2:-}" --arg n "${3:-Gina}" \
		'{invite:$i,name:$n} + (if $p == "" then {} else {passcode:$p} end)')"
}

invite_shape()
{
	invite_make '{"room":"demo","label":"Gina of the press","uses":2,"passcode":"1234","grants":{"publish":["audio"]}}' ||
		return 1
	LINK=$(body .url)
	INVITE=$(body .id)
	begins 'https://authd.example/join#ey' "$LINK" && [ "$(body .passcode)" = true ] && [ "$(body .uses_max)" = 2 ] &&
		is 200 adm GET "/v1/invites/$INVITE" && [ "$(body .url)" = null ] &&
		is 200 adm GET '/v1/invites?room=demo' && [ "$(body '.invites | length')" = 1 ] &&
		is 200 adm GET '/v1/invites?room=team-a' && [ "$(body '.invites | length')" = 0 ]
}
check 'a link is made, and shown once' invite_shape
asked()
{
	is 200 pub POST /v1/invite --data-binary "$(json --arg i "$LINK" '{invite:$i}')" &&
		[ "$(jq -c 'del(.expires_at)' "$RUN/body")" = '{"room":"demo","label":"Gina of the press","passcode":true}' ]
}
check 'a guest is told what to bring' asked
check 'no room, no invite' says 404 not-found adm POST /v1/invites --data-binary '{"room":"none"}'
check 'no name, no token' says 400 bad-field pub POST /v1/token --data-binary "$(json --arg i "$LINK" '{invite:$i}')"

guest_comes()
{
	is 200 guest "$LINK" 1234 && [ "$(body .room)" = demo ] && begins guest- "$(body .participant)" &&
		[ "$(claims -r .src)" = "invite:$INVITE" ] && [ "$(claims -r .name)" = Gina ] &&
		[ "$(claims -c .grants.publish)" = '["audio"]' ] &&
		is 200 guest "${LINK#*#}" 1234 && is 401 guest "$LINK" 1234 &&
		is 200 adm GET "/v1/invites/$INVITE" && [ "$(body .uses)" = 2 ]
}
check 'a guest with the link, or its token, and the passcode gets in, as often as allowed' guest_comes

race()
{
	invite_make '{"room":"demo","uses":1}' || return 1
	LINK=$(body .url)
	INVITE=$(body .id)
	local i pids=() got=0 refused=0
	for i in 1 2 3 4 5 6 7 8; do
		curl -sS --max-time 100 --cacert "$RUN/ca.crt" -o /dev/null -w '%{http_code}' "$AUTHD_URL/v1/token" \
			-H 'Content-Type: application/json' \
			--data-binary "$(json --arg i "$LINK" --arg n "Guest $i" '{invite:$i,name:$n}')" >"$RUN/race.$i" &
		pids+=($!)
	done
	wait "${pids[@]}"
	for i in 1 2 3 4 5 6 7 8; do
		case $(cat "$RUN/race.$i") in
		200) got=$((got + 1)) ;;
		401) refused=$((refused + 1)) ;;
		esac
	done
	[ "$got $refused" = '1 7' ] || { echo "$got got in, $refused were refused" >&2; return 1; }
	[ "$(sql "SELECT uses FROM invite WHERE id = '$INVITE'")" = 1 ]
}
check 'one use, eight guests at once: one gets in' race

guests_refused()
{
	local first='' name used=$LINK good head claims sig other
	invite_make '{"room":"demo","passcode":"1234"}' || return 1
	good=$(body .url)
	invite_make '{"room":"demo"}' || return 1
	gone=$(body .url)
	is 204 adm DELETE "/v1/invites/$(body .id)" || return 1
	local end=$(($(date +%s) + 4))
	invite_make "$(json --argjson t $end '{room:"demo",expires_at:$t}')" || return 1
	old=$(body .url)
	clock_reaches $end
	IFS=. read -r head claims sig <<<"${good#*#}"
	other=$(printf '%s' '{"alg":"none","typ":"helio-invite+jwt"}' | base64 -w 0 | tr -d = | tr '+/' '-_')
	for name in passcode none used revoked expired forged alg token junk; do
		case $name in
		passcode) guest "$good" 4321 ;;
		none) guest "$good" ;;
		used) guest "$used" ;;
		revoked) guest "$gone" ;;
		expired) guest "$old" ;;
		forged) guest "$head.$claims.$(printf '%s' "$sig" | tr 'A-Za-z' 'B-ZAb-za')" ;;
		alg) guest "$other.$claims." ;;
		token) guest "$TOKEN" ;;
		junk) guest 'https://authd.example/join#x' ;;
		esac
		[ "$STATUS" = 401 ] || { echo "$name: $STATUS" >&2; return 1; }
		[ -n "$first" ] || first=$(told)
		[ "$(told)" = "$first" ] || { echo "$name: $(told)" >&2; return 1; }
	done
	login nobody 'wrong wrong' demo
	[ "$(told)" = "$first" ] && is 200 guest "$good" 1234
}
login alice 'correct horse' demo
TOKEN=$(body .token)
check 'wrong passcode, used up, revoked, expired, forged, another token: one answer' guests_refused

guessed()
{
	invite_make '{"room":"demo","passcode":"1234"}' || return 1
	local link i
	link=$(body .url)
	for i in $(seq 40); do
		guest "$link" "0$i$i"
		[ "$STATUS" = 429 ] && grep -qi '^retry-after: [1-9]' "$RUN/head" && return 0
		[ "$STATUS" = 401 ] || return 1
	done
	echo "40 guesses were answered" >&2
	return 1
}
check 'guessing at a passcode ends with 429 and Retry-After' guessed

# ---------------------------------------------------------------- forged tokens, where authd itself reads them

b64() { base64 -w 0 | tr -d = | tr '+/' '-_'; }
consume() { adm POST /v1/tokens/consume --data-binary "$(json --arg t "$1" '{token:$t,by:"test"}')"; }
media_key() { pub POST /v1/media-key -H "Authorization: Bearer $1"; }

forged_tokens()
{
	local head claims sig kid name token typ='"typ":"helio+jwt"'
	IFS=. read -r head claims sig <<<"$TOKEN"
	kid=$(pub GET /.well-known/jwks.json; body '.keys[0].kid')
	while read -r name token; do
		says 401 token-invalid consume "$token" && says 401 token-invalid media_key "$token" ||
			{ echo "$name" >&2; return 1; }
	done <<-END
		none $(printf '{"alg":"none",%s,"kid":"%s"}' "$typ" "$kid" | b64).$claims.
		None $(printf '{"alg":"None",%s,"kid":"%s"}' "$typ" "$kid" | b64).$claims.$sig
		HS256 $(printf '{"alg":"HS256",%s,"kid":"%s"}' "$typ" "$kid" | b64).$claims.$sig
		twice $(printf '{"alg":"EdDSA","alg":"none",%s,"kid":"%s"}' "$typ" "$kid" | b64).$claims.$sig
		jku $(printf '{"alg":"EdDSA",%s,"kid":"%s","jku":"https://x"}' "$typ" "$kid" | b64).$claims.$sig
		kid $(printf '{"alg":"EdDSA",%s,"kid":"../../x"}' "$typ" | b64).$claims.$sig
		claims $head.$(printf '{"sub":"admin","room":"demo"}' | b64).$sig
		nested $head.$(printf '{"jti":{"jti":"x"},"room":["demo"]}' | b64).$sig
		flipped $head.$claims.$(printf '%s' "$sig" | tr 'A-Za-z' 'B-ZAb-za')
		cut $head.$claims.${sig%????}
		empty $head.$claims.
		parts $head.$claims
		padded $head.$claims.$sig==
		invite ${LINK#*#}
		junk x
	END
	is 200 media_key "$TOKEN" && is 200 consume "$TOKEN" && says 401 token-used consume "$TOKEN"
}
check 'no forged token is consumed, nor gets a media key; the real one does, once' forged_tokens

page()
{
	is 200 pub GET /join && grep -qi '^content-type: text/html' "$RUN/head" &&
		grep -qi "^content-security-policy: default-src 'none'" "$RUN/head" &&
		! grep -qiE '<script|src=|href=' "$RUN/body"
}
check 'the page behind a link runs and loads nothing' page


audited()
{
	local action
	for action in "$@"; do
		[ "$(sql "SELECT count(*) FROM audit WHERE action = '$action'")" -gt 0 ] ||
			{ echo "no record of $action" >&2; return 1; }
	done
}
check 'all of it is in the audit log' audited user.add apikey.add apikey.revoke invite.add invite.revoke token.issue
check 'no secret is in the log' sh -c '! grep -aF -e "correct horse" -e "wrong wrong" -e "join#" -e "$1" "$2"' sh "${KEY#hk_*_}" \
	"$RUN/authd.log"

e2e_end
