#!/bin/bash
# The audit record over HTTP: who did what, that its chain is whole, and that a hand in the database is found.
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$TOP/tests/e2e/authd_lib.sh"

# shellcheck disable=SC2034 # read by scripts/lib.sh
AUTHD_EXTRA='hash-memory = 8M
hash-passes = 1'
node_needed
e2e_begin authd-audit 60
pki_make
ports_pick
reflector_settings r1 "$PORT" 1 $((PORT + 14))
authd_settings $((PORT + 15))
gate_start r1
authd_start
daemon_wait authd link-up || fail 'authd does not link'
me=$(id -un)

is 201 adm POST /v1/users -d '{"name":"alice","password":"correct horse"}' || bad 'user'
is 201 adm POST /v1/rooms -d '{"name":"demo"}' || bad 'room'
check 'a token' is 200 login alice 'correct horse' demo
check 'a user that is there already' says 409 exists adm POST /v1/users -d '{"name":"alice","password":"correct horse"}'

# record FILTER QUERY: of the records that the query finds
record() { adm GET "/v1/audit?$2" && [ "$(body "$1")" = true ]; }
check 'who added the user' record \
	"(.records | length == 1) and (.records[0] | .actor == \"admin:$me\" and .object == \"alice\")" 'action=user.add'
check 'who got a token, from where' record \
	'.records[-1] | .actor == "user:alice" and .address == "127.0.0.1" and .detail.room == "demo"' 'action=token.issue'
check 'no secret in it' eval 'adm GET "/v1/audit?limit=1000" && ! grep -qi "correct horse\|argon2" "$RUN/body"'
check 'in pages' record '(.records | length == 2) and .next == 2' 'limit=2'
check 'the last ones' record '.records[-1].action == "token.issue" and .next == null' 'after=-1'
check 'the end of the list' record '.records == [] and .next == null' 'after=100000'
check 'a bad limit' says 400 bad-field adm GET '/v1/audit?limit=0'
check 'a bad name' says 400 bad-field adm GET '/v1/audit?actor=%ff'
check 'not for strangers' says 404 not-found pub GET /v1/audit

verify() { adm GET /v1/audit/verify && [ "$(body "$1")" = true ]; }
check 'the chain is whole' verify '.ok and .bad_seq == 0 and (.head | length == 64)'
head=$(body .head)
sql() { sqlite3 "$RUN/state/authd.sqlite" '.timeout 60000' "$1"; }
seq=$(sql "SELECT seq FROM audit WHERE action = 'user.add'")
sql "UPDATE audit SET actor = 'admin:nobody' WHERE seq = $seq"
check 'a record that was changed is found' verify "(.ok | not) and .bad_seq == $seq"
check 'and said in the log' log_has authd audit-broken
sql "UPDATE audit SET actor = 'admin:$me' WHERE seq = $seq"
check 'whole again' verify ".ok and .head == \"$head\""
check 'the end of authd' daemon_stop authd
check 'the head is in the log' log_has authd audit-head "hash=$head"
e2e_end
