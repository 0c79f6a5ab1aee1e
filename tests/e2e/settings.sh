#!/bin/bash
# Settings that must not start a daemon: unknown keys and bad values are refused with file, line and reason, an
# empty file starts no relay, and --check says the same without starting anything.
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

e2e_begin settings 120
pki_make
ports_pick
reflector_settings r1 "$PORT" 2 $((PORT + 14))
authd_settings $((PORT + 15))
cp "$RUN/r1.conf" "$RUN/r1.good"
cp "$RUN/authd.conf" "$RUN/authd.good"

# run PROGRAM FILE: its messages in $RUN/out; must end by itself, with something else than 0.
refused() { timeout 60 "$1" --settings "$2" >"$RUN/out" 2>&1; status=$?; [ "$status" -ne 0 ] && [ "$status" -lt 124 ]; }
says() { grep -qF -- "$1" "$RUN/out" || { cat "$RUN/out"; return 1; }; }

# bad PROGRAM NAME LINE: the good file of NAME with one more line must be refused at that line.
with_line()
{
	local program=$1 name=$2 line=$3 at
	cp "$RUN/$name.good" "$RUN/$name.conf"
	# A second value for a key that is there would be the last one to count: the line takes its place.
	sed -i "/^[[:space:]]*${line%% *} /d" "$RUN/$name.conf"
	sed -i "1i $line" "$RUN/$name.conf"
	at=$RUN/$name.conf:1
	check "$name: '$line' does not start" refused "$program" "$RUN/$name.conf"
	check "$name: '$line' is named with file and line" says "$at"
	if "$program" --check --settings "$RUN/$name.conf" >"$RUN/out" 2>&1; then
		bad "$name: --check accepts '$line'"
	else
		check "$name: --check names '$line' too" says "$at"
	fi
}

for line in 'bogus-key = 1' 'heartbeat = never' 'max-payload = 100' 'max-payload = much' 'max-participants = 0' \
	'ports = "80-81"' 'ports = "65535-65536"' 'ports = "50000-49999"' 'listen = {"localhost"}' \
	'listen = {"0.0.0.0.0"}' 'log-level = "loud"' 'queue-bytes = -1' 'control = "nowhere"' 'name = "a b"'; do
	with_line "$REFLECTOR_BIN" r1 "$line"
done
for line in 'bogus-key = 1' 'token-life = never' 'hash-memory = 1' 'hash-passes = 0' 'listen = {"localhost"}' \
	'log-format = "xml"' 'cluster = ""'; do
	with_line "$AUTHD_BIN" authd "$line"
done

for name in r1 authd; do
	program=$REFLECTOR_BIN
	[ "$name" = r1 ] || program=$AUTHD_BIN
	: >"$RUN/empty.conf"
	check "$name: an empty file does not start" refused "$program" "$RUN/empty.conf"
	check "$name: an empty file is named" says "$RUN/empty.conf"
	check "$name: a file that is not there does not start" refused "$program" "$RUN/nowhere.conf"
	check "$name: a file that is not there is named" says "$RUN/nowhere.conf"
	check "$name: and what writes it" grep -Eq -- '--enrol|--setup' "$RUN/out"
	sed '/^[[:space:]]*certificate =/d' "$RUN/$name.good" >"$RUN/$name.conf"
	check "$name: without a certificate it does not start" refused "$program" "$RUN/$name.conf"
	check "$name: the missing certificate is named" says certificate
	cp "$RUN/$name.good" "$RUN/$name.conf"
	check "$name: --check likes the good file" "$program" --check --settings "$RUN/$name.conf"
done
# Outside 49152-65535 only where the file says so.
sed "s/^\([[:space:]]*\)ports = .*/\1ports = \"8443\"/" "$RUN/r1.good" >"$RUN/r1.conf"
check 'r1: a port outside the private range does not start' refused "$REFLECTOR_BIN" "$RUN/r1.conf"
echo 'fallback-ports = {8443}' >>"$RUN/r1.conf"
check 'r1: named as a fallback it is fine' "$REFLECTOR_BIN" --check --settings "$RUN/r1.conf"

printf '%s cases passed, %s failed\n' "$GOOD" "$BAD"
[ "$BAD" -eq 0 ]
