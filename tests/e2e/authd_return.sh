#!/bin/bash
# Who was sent away does not come back by another way: bans that end or are lifted while something else holds, a
# disabled account by way of an API key, moves that would give more than the token had.
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$TOP/tests/e2e/authd_lib.sh"

# shellcheck disable=SC2034 # read by scripts/lib.sh
AUTHD_EXTRA='hash-memory = 8M
hash-passes = 1
rate-address = 1000000'
node_needed
e2e_begin authd-return 180
cluster_start -n 1 -w 1
for room in demo other; do is 201 adm POST /v1/rooms -d "{\"name\":\"$room\"}" || fail 'a room cannot be made'; done
is 201 adm POST /v1/apikeys -d '{"name":"shop","rooms":["*"]}' || fail 'an API key cannot be made' "$(cat "$RUN/body")"
KEY=$(body .key)
user() { is 201 adm POST /v1/users -d "{\"name\":\"$1\",\"password\":\"correct horse\"}"; }
minted() { pub POST /v1/token -H "Authorization: Bearer $KEY" -d "$1"; }
revoke() { is 201 adm POST /v1/revocations -d "$1" && SEQ=$(body .seq); }

# enters FILE: the reflector takes this answer's token.
enters() { timeout 150 node "$E2E/probe.mjs" try --ca "$RUN/ca.crt" --answer "$1" >"$RUN/try.json" 2>&1; }
media_key() { pub POST /v1/media-key -H "Authorization: Bearer $(jq -r .token "$1")"; }
refused()
{
	if enters "$1"; then echo 'the reflector took the token' >&2; return 1; fi
	says 401 token-invalid media_key "$1"
}

# A ban of a few seconds, then what ends the token for good; and the ban ends.
ban_ends()
{
	local name=$1 i
	user "$name" && is 200 login "$name" 'correct horse' demo && cp "$RUN/body" "$RUN/$name.json" &&
		enters "$RUN/$name.json" && revoke "{\"kind\":\"user\",\"id\":\"$name\",\"ban_s\":3}" || return 1
	local until=$(($(date +%s) + 4))
	"${@:2}" || return 1
	for ((i = 0; i < 100 && $(date +%s) < until; i++)); do sleep 0.1; done
	refused "$RUN/$name.json"
}
disable() { is 200 adm PATCH "/v1/users/$1" -d '{"disabled":true}'; }
revoke_token() { is 204 adm DELETE "/v1/tokens/$(jti_of "$RUN/$1.json")"; }
check 'disabled while banned: the ban ends, the old token does not hold' ban_ends ann disable ann
check 'deleted while banned' ban_ends ben is 204 adm DELETE /v1/users/ben
check 'token revoked while banned' ban_ends cat revoke_token cat

# The same, and the ban is lifted.
ban_lifted()
{
	local name=$1 seq
	user "$name" && is 200 login "$name" 'correct horse' demo && cp "$RUN/body" "$RUN/$name.json" &&
		revoke "{\"kind\":\"user\",\"id\":\"$name\",\"ban_s\":600}" || return 1
	seq=$SEQ
	"${@:2}" && is 204 adm DELETE "/v1/revocations/$seq" && refused "$RUN/$name.json"
}
check 'disabled while banned: lifting the ban gives nothing back' ban_lifted dan disable dan
check 'room closed while banned' ban_lifted eve is 200 adm POST /v1/rooms/demo/close
check 'token revoked while banned' ban_lifted fay revoke_token fay
unharmed() { user gus && is 200 login gus 'correct horse' demo && cp "$RUN/body" "$RUN/gus.json" &&
	revoke '{"kind":"user","id":"gus","ban_s":600}' && is 204 adm DELETE "/v1/revocations/$SEQ" && enters "$RUN/gus.json" &&
	is 200 media_key "$RUN/gus.json"; }
check 'a ban alone that is lifted gives the token back' unharmed

by_key() { user hal && is 200 minted '{"user":"hal","room":"demo"}' && disable hal && says 403 denied minted '{"user":"hal","room":"demo"}'; }
check 'a disabled account gets nothing by way of an API key' by_key

# A move gives no more than the token had: not the whole grants of the key, nor a longer life.
moved_grants() { grep '"type":"move"' "$RUN/ida.out" | jq -r .answer.token | jwt_claims -c "$1"; }
jwt_claims() { cut -d. -f2 | tr '_-' '/+' | awk '{ while (length % 4) $0 = $0 "="; print }' | base64 -d | jq "$@"; }
move_keeps()
{
	is 200 minted '{"user":"ida","room":"demo","life_s":900,"grants":{"publish":["audio"],"chat":false}}' || return 1
	cp "$RUN/body" "$RUN/ida.json"
	background_node ida "$RUN/ida.out" "$E2E/probe.mjs" hold --ca "$RUN/ca.crt" --answer "$RUN/ida.json"
	wait_for 10 grep -q joined "$RUN/ida.out" || return 1
	is 200 adm POST /v1/rooms/demo/participants/ida/move -d '{"to":"other"}' || return 1
	wait_for 10 grep -q bye "$RUN/ida.out" || return 1
	[ "$(moved_grants .grants.publish)" = '["audio"]' ] && [ "$(moved_grants .grants.chat)" = false ] || return 1
	is 200 adm GET '/v1/tokens?user=ida&room=other' || return 1
	[ "$(body '.tokens[0].expires_at')" -le "$(jq .expires_at "$RUN/ida.json")" ]
}
check 'a move gives neither more grants nor a longer life' move_keeps
far() { is 200 adm GET '/v1/events?after=9223372036854775807' && [ "$(body '.events | length')" = 0 ]; }
check 'events behind the last number there can be: none' far
e2e_end
