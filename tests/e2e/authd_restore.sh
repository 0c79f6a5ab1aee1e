#!/bin/bash
# A backup as doc/operations.md makes it, put back while reflectors run: what was given out since then is not known any
# more and can still be ended, and no number of a revocation comes twice.
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$TOP/tests/e2e/authd_lib.sh"

# shellcheck disable=SC2034 # read by scripts/lib.sh
AUTHD_EXTRA='hash-memory = 8M
hash-passes = 1'
node_needed
command -v sqlite3 >/dev/null || skip 'sqlite3 is not installed (scripts/deps test)'
e2e_begin authd-restore 120
cluster_start -w 1
E2E_NODE_ARGS=(--authd "$AUTHD_URL" --ca "$RUN/ca.crt" --password 'correct horse')
user_add alice 'correct horse'
user_add bob 'correct horse'
room_add demo

token() { is 200 login "$1" 'correct horse' demo && body .token >"$RUN/$2.jwt"; }
media_key() { pub POST /v1/media-key -H "Authorization: Bearer $(cat "$RUN/$1.jwt")" -d '{}'; }
consume() { adm POST /v1/tokens/consume -d "$(jq -nc --arg t "$(cat "$RUN/$1.jwt")" '{token:$t,by:"test"}')"; }
# bans USER: SEQ is the number of it.
bans() { is 201 adm POST /v1/revocations -d "{\"kind\":\"user\",\"id\":\"$1\",\"room\":\"demo\",\"ban_s\":600}" && SEQ=$(body .seq); }

check 'a token before the backup' token alice before
check 'the backup' sqlite3 "$RUN/state/authd.sqlite" ".backup $RUN/backup.sqlite"
check 'a token behind it' token bob behind
check 'a user behind it' user_add carol 'correct horse'
check 'a ban behind it' bans carol
LAST=$SEQ
hold_start bob bob demo
check 'who came in with a later token is there' is 200 adm GET /v1/rooms/demo

daemon_stop authd || bad 'authd ends in order'
rm -f "$RUN/state/authd.sqlite-wal" "$RUN/state/authd.sqlite-shm"
cp "$RUN/backup.sqlite" "$RUN/state/authd.sqlite"
: >"$RUN/authd.log"
authd_start
daemon_wait authd link-up reflector=r1 || fail 'authd does not come back' "$(last_error)"

check 'what was there is there' is 200 adm GET /v1/users/alice
check 'what came later is not' says 404 not-found adm GET /v1/users/carol
whole() { adm GET /v1/audit/verify && [ "$(body .ok)" = true ]; }
check 'the audit chain of the backup is whole' whole
check 'a token of before gets the media key' is 200 media_key before
check 'and is used up once' is 200 consume before
check 'a later one gets no media key' is 401 media_key behind
check 'and is unknown' says 401 token-invalid consume behind
check 'those who are in stay' kill -0 "${NODE_PID[bob]}"
check 'a ban' bans bob
higher() { [ "$SEQ" -gt "$LAST" ]; }
check 'has a number that none had' higher
check 'and meets the session that authd does not know of' hold_wait bob
check 'with the reason' grep -qE 'token-revoked|banned' "$RUN/bob.held"
check 'it is lifted' is 204 adm DELETE "/v1/revocations/$SEQ"
check 'a new token' token bob again
check 'gets the media key' is 200 media_key again
e2e_end
