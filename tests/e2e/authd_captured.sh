#!/bin/bash
# A captured reflector says over and over that moderators banned and locked: it is believed about its own rooms and
# their people, once each; it fills neither the list of revocations nor the log, nor anybody's way.
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$TOP/tests/e2e/authd_lib.sh"

# shellcheck disable=SC2034 # read by scripts/lib.sh
AUTHD_EXTRA='hash-memory = 8M
hash-passes = 1'
node_needed
e2e_begin authd-captured 120
pki_make
ports_pick
reflector_settings r1 "$PORT" 1 $((PORT + 14))
reflector_settings r2 $((PORT + 4)) 1 $((PORT + 13))
authd_settings $((PORT + 15))
gate_start r1
authd_start
daemon_wait authd link-up reflector=r1 || fail 'authd does not link'
adm POST /v1/users -d '{"name":"alice","password":"correct horse"}'
for room in elsewhere demo; do is 201 adm POST /v1/rooms -d "{\"name\":\"$room\"}" || fail 'no room'; done
check 'a room on r1 alone' is 200 login alice 'correct horse' elsewhere
gate_start r2
daemon_wait authd link-up reflector=r2 || fail 'r2 does not link'
on_r2() { is 200 login alice 'correct horse' demo && [ "$(body '.endpoints[0].port')" -eq $((PORT + 4)) ]; }
check 'a room on r2' on_r2
daemon_stop r2
gate_start r2 bans
revoked() { adm GET '/v1/revocations?limit=1000' && body "[.revocations[] | select($1)] | length"; }
told() { [ "$(revoked '.kind == "user"')" -ge 1 ]; }
check 'it is believed that alice was banned from its room' wait_for 15 told
locked() { adm GET /v1/rooms/demo && [ "$(body .locked)" = true ]; }
check 'and that the room was locked: that is recorded' wait_for 10 locked
recorded() { adm GET '/v1/audit?action=room.set&limit=10' && [ "$(body '.records[0].actor')" = reflector:r2 ]; }
check 'with who said so' recorded
busy() { [ "$(log_count authd event-refused)" -ge 1 ]; }
check 'strangers are refused' wait_for 10 busy
quiet() { log_has authd bans-lost && is 200 adm GET /v1/status; }
check 'what is too much is lost, and said' wait_for 10 quiet
once() { [ "$(revoked true)" -eq 1 ] || { cat "$RUN/body" >&2; return 1; }; }
check 'one entry, of all these' once
epoch() { adm GET /v1/rooms/demo && [ "$(body .epoch)" -eq 2 ]; }
check 'one new key for the room' epoch
open_still() { adm GET /v1/rooms/elsewhere && [ "$(body .locked)" = false ] && [ "$(body .epoch)" -eq 1 ]; }
check 'the room of the other reflector is as it was' open_still
short() { [ "$(log_count authd event-refused)" -le 60 ] && [ "$(log_count authd bans-lost)" -le 30 ]; }
check 'the log stays short' short
e2e_end
