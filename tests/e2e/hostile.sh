#!/bin/bash
# Every kind of bad input against one worker while two honest participants must lose nothing: see hostile.mjs.
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

MAX=60
# shellcheck disable=SC2034 # read by scripts/lib.sh
REFLECTOR_EXTRA="max-participants = $MAX" AUTHD_EXTRA='hash-memory = 8M'
# What AddressSanitizer holds back after a free would count as memory of the worker.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=16
node_needed
e2e_begin hostile 300
cluster_start -w 1
user_add alice 'correct horse'
room_add demo

node "$E2E/hostile.mjs" --authd "$AUTHD_URL" --ca "$RUN/ca.crt" --socket "$SOCKET" --state "$RUN/state" \
	--user alice --password 'correct horse' --room demo --max "$MAX" &
E2E_JOBS+=($!)
wait $!
status=$?
[ "$status" -eq 0 ] || fail "hostile.mjs ended with $status"
check 'no worker was lost' test "$(log_count r1 worker-died)" -eq 0
check 'authd and reflector stayed linked' test "$(log_count authd link-up)" -eq 1
e2e_end
