#!/bin/bash
# authd against those who mean it harm: silence, floods of idle connections, bodies and heads that are wrong,
# smuggled requests, guessing from answers and their times, remote administration without the right, metrics.
# With "long" the times of refusals are compared over many more samples.
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$TOP/tests/e2e/authd_lib.sh"

# What AddressSanitizer holds back after a free would count as memory of authd.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=16
node_needed
e2e_begin authd-hostile 240
pki_make
pki_issue boss boss
pki_issue worker worker
ports_pick
# shellcheck disable=SC2034 # read by scripts/lib.sh
AUTHD_EXTRA="hash-memory = 8M
rate-address = 1000000
rate-key = 100
admin-listen = {\"127.0.0.1:$((PORT + 13))\"}
admin-ca = \"$RUN/ca.crt\"
admin-names = {\"boss\"}
metrics-listen = {\"127.0.0.1:$((PORT + 12))\"}"
reflector_settings r1 "$PORT" 2 $((PORT + 14))
authd_settings $((PORT + 15))
gate_start r1
authd_start
daemon_wait authd ready || fail 'authd does not start'
daemon_wait authd link-up || fail 'authd does not link'

timeout 1200 node "$E2E/authd_hostile.mjs" --port "$AUTHD_PORT" --admin "$((PORT + 13))" --metrics "$((PORT + 12))" \
	--socket "$SOCKET" --run "$RUN" --pid "${PID[authd]}" --hz "$(getconf CLK_TCK)" "$@"
node_status=$?
check 'all of the above' test "$node_status" -eq 0

no_controls() { ! LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]' "$RUN/authd.log"; }
check 'nothing in the log that a terminal would obey' no_controls
no_forged() { ! grep -q '^<3>event=forged' "$RUN/authd.log"; }
check 'no line of the log was forged' no_forged

# A request that waits for events neither keeps the end waiting nor is left without an answer.
waits_at_end()
{
	local begin last
	adm GET '/v1/events?limit=1'
	last=$(body .next)
	curl -sS --max-time 30 --unix-socket "$SOCKET" "http://authd/v1/events?after=$last&wait=30" \
		>"$RUN/waited" 2>&1 &
	E2E_JOBS+=($!)
	local waiter=$!
	busy() { adm GET /v1/status && [ "$(body .work.general.running)" -ge 2 ]; }
	wait_for 5 busy || return 1
	begin=$SECONDS
	daemon_stop authd || return 1
	wait "$waiter"
	[ $((SECONDS - begin)) -lt 25 ] && grep -q '"events":\[\]' "$RUN/waited"
}
check 'the end does not wait for those who wait' waits_at_end
authd_start
again() { [ "$(log_count authd ready)" -ge 2 ]; }
check 'it starts again' wait_for 10 again
e2e_end
