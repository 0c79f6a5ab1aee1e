#!/bin/bash
# A PostgreSQL server that stands still (its connections stay open, nothing comes): authd answers 503 within its
# deadline, goes on with what needs no database, and comes back by itself.
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$TOP/tests/e2e/authd_lib.sh"
. "$TOP/tests/e2e/pg_lib.sh"

node_needed
pg_needed
e2e_begin authd-stall 150
pg_start
# shellcheck disable=SC2034 # read by scripts/lib.sh
AUTHD_EXTRA="hash-memory = 8M
hash-passes = 1
database = \"$PG_URL\""
cluster_start -w 1
user_add alice 'correct horse'
room_add demo
check 'a token' is 200 login alice 'correct horse' demo

POSTMASTER=$(head -n 1 "$RUN/pg/data/postmaster.pid")
mapfile -t STOPPED < <(pgrep -P "$POSTMASTER"; echo "$POSTMASTER")
kill -STOP "${STOPPED[@]}"
BEGAN=$SECONDS
check 'the server stands still: 503' says 503 store login alice 'correct horse' demo
soon() { [ $((SECONDS - BEGAN)) -le $((15 * PATIENCE)) ] || { echo "$((SECONDS - BEGAN)) s" >&2; return 1; }; }
check 'within the deadline' soon
check 'it says that it runs' is 200 pub GET /healthz --max-time 5
check 'and serves its keys' is 200 pub GET /.well-known/jwks.json --max-time 5
check 'but is not ready' is 503 pub GET /readyz --max-time 25
BEGAN=$SECONDS
check 'another: 503' says 503 store login alice 'correct horse' demo
check 'within the deadline too' soon
kill -CONT "${STOPPED[@]}"
gives() { login alice 'correct horse' demo && [ "$STATUS" = 200 ]; }
check 'it goes on: tokens again' wait_for 10 gives
whole() { adm GET /v1/audit/verify && [ "$(body .ok)" = true ]; }
check 'and the records are whole' whole
e2e_end
