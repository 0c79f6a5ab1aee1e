#!/bin/bash
# doc/openapi.json and authd say the same: the same requests, examples that authd takes, and answers that fit.
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$TOP/tests/e2e/authd_lib.sh"

node_needed
e2e_begin openapi 90
pki_make
ports_pick
# shellcheck disable=SC2034 # read by scripts/lib.sh
AUTHD_EXTRA='hash-memory = 8M'
reflector_settings r1 "$PORT" 2 $((PORT + 14))
authd_settings $((PORT + 15))
gate_start r1
authd_start
daemon_wait authd ready || fail 'authd does not start'
daemon_wait authd link-up || fail 'authd does not link'
timeout 300 node "$E2E/openapi.mjs" --doc "$TOP/doc/openapi.json" --authd "$AUTHD_BIN" --socket "$SOCKET" \
	--url "$AUTHD_URL" --ca "$RUN/ca.crt"
status=$?
check 'the file and authd agree' test "$status" -eq 0
e2e_end
