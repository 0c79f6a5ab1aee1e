#!/bin/bash
# Certificates that are replaced while everything runs: taken within 12 s, half of a pair is not, no call falls, and the
# pin of a new key reaches those who are sent there.
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$TOP/tests/e2e/authd_lib.sh"

# shellcheck disable=SC2034 # read by scripts/lib.sh
AUTHD_EXTRA='hash-memory = 8M
hash-passes = 1'
node_needed
e2e_begin certificates 120
pki_make
pki_issue control authd.test
AUTHD_EXTRA+="
control-certificate = \"$RUN/control.crt\"
control-key = \"$RUN/control.key\""
cluster_start -w 1
user_add alice 'correct horse'
user_add bob 'correct horse'
room_add demo
E2E_NODE_ARGS=(--authd "$AUTHD_URL" --ca "$RUN/ca.crt" --password 'correct horse')
pin() { adm GET /v1/reflectors && body '.reflectors[0].pin'; }
is_linked() { adm GET /v1/reflectors && [ "$(body '.reflectors[0].linked')" = true ]; }

pki_issue authd2 authd.test localhost 127.0.0.1 ::1
pki_issue r1new r1.test 127.0.0.1 ::1
HTTPS_OLD=$(served_certificate)
HTTPS_NEW=$(certtool --fingerprint --hash sha256 --infile "$RUN/authd2.crt" | tr 'a-f' 'A-F' | sed 's/../&:/g; s/:$//')
PIN_OLD=$(pin)
check 'before' is 200 login alice 'correct horse' demo
pair_start talk alice demo

# The keys alone, as when somebody is in the middle of copying.
cp "$RUN/authd2.key" "$RUN/authd.key"
cp "$RUN/r1new.key" "$RUN/r1.key"
BEGIN=$SECONDS
check 'half of a pair: authd says so' wait_for 13 log_has authd certificate-refused
refused_r1() { grep 'event=certificate-refused\|event=reload-failed\|event=reload-refused' "$RUN/r1.log" | grep -q r1; }
check 'and so does the reflector' wait_for 13 refused_r1
old_https() { [ "$(served_certificate)" = "$HTTPS_OLD" ]; }
check 'the old pair is used' old_https
old_pin() { [ "$(pin)" = "$PIN_OLD" ] && is_linked; }
check 'by the reflector, too' old_pin
check 'people come in' probe_try bob demo
# It is looked at every 10 s: by then it would have been said again.
again() { [ $((SECONDS - BEGIN)) -ge 22 ]; }
wait_for 25 again
once() { [ "$(log_count authd certificate-refused)" -eq 1 ] && [ "$(grep -c 'event=certificate-refused\|event=reload-failed\|event=reload-refused' "$RUN/r1.log")" -eq 1 ]; }
check 'it is said once' once

cp "$RUN/authd2.crt" "$RUN/authd.crt"
cp "$RUN/r1new.crt" "$RUN/r1.crt"
BEGIN=$SECONDS
new_https() { [ "$(served_certificate)" = "$HTTPS_NEW" ]; }
check 'the other half comes: new handshakes use the new one' wait_for 13 new_https
new_pin() { is_linked && [ "$(pin)" != "$PIN_OLD" ]; }
check 'the pin of the reflector reaches authd' wait_for 13 new_pin
in_time() { [ $((SECONDS - BEGIN)) -le 40 ]; } # this machine may be busy
check 'within 12 s and what a busy machine takes' in_time
check 'a token names it' is 200 login bob 'correct horse' demo
cp "$RUN/body" "$RUN/token.json"
named() { [ "$(jq -r '.endpoints[0].pin' "$RUN/token.json")" = "$(pin)" ]; }
check 'with its pin' named
check 'and opens the door' probe_try bob demo
check 'the call lost no frame' pair_stop talk
e2e_end
