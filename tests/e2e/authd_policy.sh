#!/bin/bash
# Grants and policies of rooms from the administrator's JSON to the reflector: hours, networks, guests, capacity,
# locks, data off by default, expiry; media keys and their epochs; closing and deleting rooms.
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$TOP/tests/e2e/authd_lib.sh"

# shellcheck disable=SC2034 # read by scripts/lib.sh
AUTHD_EXTRA='hash-memory = 8M'
node_needed
e2e_begin authd-policy 120
cluster_start
# shellcheck disable=SC2034 # read by tests/e2e/lib.sh
E2E_NODE_ARGS=(--authd "$AUTHD_URL" --ca "$RUN/ca.crt" --password 'correct horse')
PASSWORD='correct horse'

for name in alice bob; do
	adm POST /v1/users -d "{\"name\":\"$name\",\"password\":\"$PASSWORD\"}"
done

# room NAME POLICY: a new one; policy NAME POLICY: another one for it.
room() { is 201 adm POST /v1/rooms -d "{\"name\":\"$1\",\"policy\":$2}"; }
policy() { is 200 adm PATCH "/v1/rooms/$1" -d "{\"policy\":$2}"; }
grants() { is 200 adm PATCH "/v1/users/$1" -d "{\"policy\":$2}"; }
enter() { login "$1" "$PASSWORD" "$2"; }
# denied WORDS COMMAND...: 403 with these words in its detail.
denied()
{
	says 403 denied "${@:2}" && body .detail | grep -qF "$1" && return 0
	body .detail >&2
	return 1
}
# claim FILTER: of the token that came last.
claim() { jq -r .token "$RUN/body" | cut -d. -f2 | basenc --base64url -d 2>/dev/null | jq -c "$1"; }
# Base64url of a token has no padding: basenc says so after all is out.
claims() { [ "$(claim "$1")" = "$2" ] || { claim . >&2; return 1; }; }

# ---------------------------------------------------------------- strict

bad_policy() { says 400 bad-field adm "$1" "$2" -d "$3" && [ "$(body .detail)" = "$4" ] || { body .detail >&2; return 1; }; }
check 'a bad time is named' bad_policy POST /v1/rooms \
	'{"name":"x","policy":{"hours":[{"from":"8:00","to":"18:00"}]}}' 'policy: hours[0].from must be HH:MM'
check 'an unknown zone is named' bad_policy POST /v1/rooms '{"name":"x","policy":{"zone":"Europe/Entenhausen"}}' \
	'policy: zone must be a time zone like Europe/Vienna or UTC'
check 'an unknown field of a policy is named' bad_policy POST /v1/rooms '{"name":"x","policy":{"colour":1}}' \
	'policy: there is no field colour'
check 'an unknown field beside it too' says 400 bad-field adm POST /v1/rooms -d '{"name":"x","colour":1}'
check 'a time that is over is no expiry' says 400 bad-field adm POST /v1/rooms -d '{"name":"x","expires_at":5}'
check 'nothing of that was made' says 404 not-found adm GET /v1/rooms/x
check 'bad defaults are named' bad_policy PATCH /v1/policy '{"grants":{"session_s":0}}' \
	'grants: session_s must be a whole number from 1 to 31536000'

# ---------------------------------------------------------------- who, when, from where

tomorrow=$(LC_ALL=C date -u -d '+2 days' +%a | tr '[:upper:]' '[:lower:]')
check 'a room with hours' room office "{\"hours\":[{\"days\":[\"$tomorrow\"],\"from\":\"00:00\",\"to\":\"24:00\"}]}"
check 'outside of them: denied, with when it opens' \
	denied "but from $(LC_ALL=C date -u -d '+2 days' '+%a %Y-%m-%d 00:00 UTC')" enter alice office
check 'open all week' policy office '{"hours":[{"from":"00:00","to":"24:00"}]}'
check 'now one comes in' is 200 enter alice office
check 'the user has hours too' grants bob "{\"hours\":[{\"days\":[\"$tomorrow\"],\"from\":\"00:00\",\"to\":\"24:00\"}]}"
check 'and is denied' denied 'the grants do not allow entering now' enter bob office
check 'no more hours for bob' grants bob '{}'
check 'only alice' policy office '{"users":["al*"]}'
check 'who is not among them: denied' denied 'only for others' enter bob office
check 'a stranger learns nothing of it' says 401 login-failed login bob 'wrong horse!' office

check 'a network elsewhere' grants bob '{"networks":["192.0.2.0/24"]}'
room plain '{}'
check 'authd sees the address: denied' denied 'from this network' enter bob plain
# Asked for at the Unix socket, where authd sees no address; the reflector sees one.
adm POST /v1/token -d "{\"user\":\"bob\",\"password\":\"$PASSWORD\",\"room\":\"plain\"}"
cp "$RUN/body" "$RUN/bob.json"
at_reflector()
{
	probe_try bob plain --answer "$1"
	[ "$(jq -r .code "$RUN/try.json")" = "$2" ] || { cat "$RUN/try.json" >&2; return 1; }
}
check 'the reflector sees the address: token-network' at_reflector "$RUN/bob.json" token-network
check 'bob from anywhere' grants bob '{}'

# ---------------------------------------------------------------- what the token says

check 'a token' is 200 enter alice plain
check 'data is off by default' claims .grants.publish '["audio","video","screen"]'
check 'how it was got' claims .src '"user"'
check 'grants of data alone do not help' grants alice '{"publish":["audio","data"],"bitrate":{"audio":64000},"session_s":600}'
is 200 enter alice plain
check 'the kinds of the room count' claims .grants.publish '["audio"]'
check 'a room with data' policy plain '{"kinds":["audio","data"]}'
is 200 enter alice plain
check 'now data is granted' claims .grants.publish '["audio","data"]'
check 'bitrate and session are in it' claims '[.grants.bitrate.audio, .ses]' '[64000,600]'
check 'alice has all again' grants alice '{}'
check 'defaults for everybody' is 200 adm PATCH /v1/policy -d '{"grants":{"chat":false},"room":{"capacity":7}}'
is 200 enter alice plain
check 'they take away' claims .grants.chat false
check 'a new room has the default policy' room fresh '{"lobby":false}'
fresh() { adm GET /v1/rooms/fresh && [ "$(body '.policy | tojson')" = '{"capacity":7,"lobby":false}' ]; }
check 'under its own' fresh
shown() { adm GET /v1/policy && [ "$(body tojson)" = '{"grants":{"chat":false},"room":{"capacity":7}}' ]; }
check 'the defaults are shown' shown
one_record()
{
	adm GET '/v1/audit?action=policy.set&limit=100' &&
		[ "$(body '.records | last | [.object, .detail.grants, .detail.room] | tojson')" = \
			'["grants room",{"chat":false},{"capacity":7}]' ] && [ "$(body '.records | length')" -eq 1 ]
}
check 'both are one change, with one record' one_record
check 'no more defaults' is 200 adm PATCH /v1/policy -d '{"grants":{},"room":{}}'

# ---------------------------------------------------------------- guests

adm POST /v1/invites -d "{\"room\":\"fresh\",\"expires_at\":$(($(date +%s) + 600))}"
if [ "$STATUS" = 201 ]; then
	invite=$(body .url | sed 's/.*#//')
	guest() { pub POST /v1/token -d "{\"invite\":\"$invite\",\"name\":\"Gina\"}"; }
	check 'a guest comes in' is 200 guest
	check 'by the invite' claims '.src | startswith("invite:")' true
	check 'no more guests' policy fresh '{"guests":false}'
	check 'a guest is refused' denied 'takes no guests' guest
fi

# ---------------------------------------------------------------- lock and capacity

check 'locked' is 200 adm PATCH /v1/rooms/plain -d '{"locked":true}'
check 'nobody comes in' denied 'the room is locked' enter alice plain
check 'who moderates' grants bob '{"moderate":true}'
check 'does' is 200 enter bob plain
check 'open again' is 200 adm PATCH /v1/rooms/plain -d '{"locked":false}'
check 'bob is like the others' grants bob '{}'
check 'room for one' policy plain '{"capacity":1}'
hold_start first alice plain
full() { is 200 enter bob plain && cp "$RUN/body" "$RUN/bob.json" && at_reflector "$RUN/bob.json" limit; }
check 'the second one finds it full' full

# ---------------------------------------------------------------- media keys

media_key() { pub POST /v1/media-key -H "Authorization: Bearer $1"; }
is 200 enter alice plain
jq -r .token "$RUN/body" >"$RUN/token"
same_key()
{
	local with
	with=$(body '.media_key | "\(.epoch) \(.key)"')
	[ "$(body '.media_key.key | length')" -eq 43 ] && is 200 media_key "$(cat "$RUN/token")" &&
		[ "$(body '"\(.epoch) \(.key)"')" = "$with" ] && [ "$(body .room)" = plain ]
}
check 'the key of the answer is the one of the epoch' same_key
before=$(body .key)
next_epoch()
{
	is 200 adm POST /v1/rooms/plain/rekey && [ "$(body .epoch)" = 2 ] && is 200 media_key "$(cat "$RUN/token")" &&
		[ "$(body .epoch)" = 2 ] && [ "$(body .key)" != "$before" ]
}
check 'a new epoch has another key' next_epoch
fresh_token() { is 200 enter bob plain && [ "$(body .media_key.epoch)" = 2 ] && claims .policy.epoch 2; }
check 'and new tokens have it' fresh_token
# One and the same answer, whatever is wrong.
strangers()
{
	local t first=
	bob=$(body .token)
	is 204 adm DELETE "/v1/tokens/$(claim .jti | tr -d '"')" || return 1
	for t in "$bob" "$(cat "$RUN/token" | sed 's/.....$/AAAAA/')" nothing "" "$(cut -d. -f1,2 "$RUN/token")."; do
		says 401 token-invalid media_key "$t" || return 1
		[ -z "$first" ] || [ "$first" = "$(cat "$RUN/body")" ] || return 1
		first=$(cat "$RUN/body")
	done
	says 401 token-invalid pub POST /v1/media-key && [ "$first" = "$(cat "$RUN/body")" ]
}
fresh_token
check 'a revoked, a forged and no token are one and the same' strangers
no_key()
{
	is 200 media_key "$(cat "$RUN/token")" || return 1
	! grep -qF -e "$before" -e "$(body .key)" "$RUN/authd.log" "$RUN/r1.log"
}
check 'no key stands in a log' no_key

# Whose token ended held the key: another one begins, whatever ended it.
epoch_is() { adm GET "/v1/rooms/$1" && [ "$(body .epoch)" = "$2" ]; }
check 'a token that was revoked has begun a new epoch' epoch_is plain 3
banned() { is 201 adm POST /v1/revocations -d '{"kind":"user","id":"bob","room":"plain"}' && epoch_is plain 4; }
check 'a user sent away from a room as well' banned
check 'who has no token left has no later key: none begins' \
	is 201 adm POST /v1/revocations -d '{"kind":"user","id":"bob"}'
check 'it is the same' epoch_is plain 4
everywhere() { is 200 enter bob plain && is 201 adm POST /v1/revocations -d '{"kind":"user","id":"bob"}' && epoch_is plain 5; }
check 'from everywhere: of all rooms with a token of that user' everywhere
disabled() { is 200 enter bob plain && is 200 adm PATCH /v1/users/bob -d '{"disabled":true}' && epoch_is plain 6; }
check 'a disabled user as well' disabled
others() { epoch_is fresh 1 && is 200 adm PATCH /v1/users/bob -d '{"disabled":false}' && epoch_is plain 6; }
check 'rooms of others and an enabled user: nothing changes' others

# ---------------------------------------------------------------- the end of a room

closed_with() { hold_wait "$1"; grep -qE "\"($2)\"" "$RUN/$1.held" || { cat "$RUN/$1.held" >&2; return 1; }; }
closes() { is 200 adm POST /v1/rooms/plain/close -d '{"reason":"over"}' && [ "$(body .tokens)" -ge 1 ]; }
check 'closed' closes
check 'everybody is sent away' closed_with first room-closed
check 'with the key of before' says 401 token-invalid media_key "$(cat "$RUN/token")"
check 'the room stays' is 200 adm GET /v1/rooms/plain
again() { probe_try alice plain; }
check 'and can be entered again' again

check 'a room that will be over' is 200 adm PATCH /v1/rooms/plain -d "{\"expires_at\":$(($(date +%s) + 8)),\"policy\":{}}"
hold_start last alice plain
# Its tokens end in the same second: the reflector may see to either first.
check 'it ends with its time' closed_with last 'room-closed|token-expired'
over() { denied 'the room is over' enter alice plain; }
check 'and nobody comes in' wait_for 5 over

room gone '{}'
hold_start inside bob gone
check 'deleted' is 204 adm DELETE /v1/rooms/gone
check 'who was in it is sent away' closed_with inside room-closed
check 'it is forgotten' says 404 not-found adm GET /v1/rooms/gone
check 'and like any room that never was' says 401 login-failed enter alice gone
for path in close rekey; do
	check "nothing to $path" says 404 not-found adm POST "/v1/rooms/gone/$path"
done
check 'nothing to change' says 404 not-found adm PATCH /v1/rooms/gone -d '{"locked":true}'
check 'nothing to delete' says 404 not-found adm DELETE /v1/rooms/gone

# ---------------------------------------------------------------- pages

pages()
{
	local after='' names=
	while :; do
		adm GET "/v1/rooms?limit=2&after=$after" && [ "$(body '.rooms | length')" -le 2 ] || return 1
		names="$names$(body '[.rooms[].name] | join(" ")') "
		after=$(body '.next // ""')
		[ -n "$after" ] || break
	done
	[ "$names" = 'fresh office plain ' ] || [ "$names" = 'fresh office plain  ' ]
}
check 'rooms come in pages' pages
check 'a bad limit is named' says 400 bad-field adm GET '/v1/rooms?limit=0'

e2e_end
