#!/bin/bash
# A full disk below authd: no token without its record, reading goes on, and writing comes back by itself when
# there is space again. Needs root, for a small file system that only this test sees.
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$TOP/tests/e2e/authd_lib.sh"

# shellcheck disable=SC2034 # read by scripts/lib.sh
AUTHD_EXTRA='hash-memory = 8M
hash-passes = 1'
node_needed
[ "$(id -u)" -eq 0 ] || skip 'only root can mount a small file system'
unshare -m true 2>/dev/null || skip 'no mount namespaces here'
e2e_begin authd-disk 90
pki_make
ports_pick
reflector_settings r1 "$PORT" 1 $((PORT + 14))
authd_settings $((PORT + 15))
gate_start r1

# exec keeps the process id, so the daemon is stopped and watched like any other.
small_start()
{
	daemon_start authd unshare -m sh -c 'mount -t tmpfs -o size=768k,mode=700 none "$1" && exec "$2" --settings "$3"' \
		sh "$RUN/state" "$AUTHD_BIN" "$RUN/authd.conf"
}
inside() { nsenter -t "${PID[authd]}" -m -r "$@"; } # -r: also where we run in a chroot
small_start
daemon_wait authd ready || fail 'authd does not start'
daemon_wait authd link-up || fail 'authd does not link'
is 201 adm POST /v1/users -d '{"name":"alice","password":"correct horse"}' || bad 'user'
is 201 adm POST /v1/rooms -d '{"name":"demo"}' || bad 'room'
check 'a token' is 200 login alice 'correct horse' demo
tokens() { adm GET /v1/tokens && body '.tokens | length'; }

inside dd if=/dev/zero of="$RUN/state/filler" bs=4k 2>"$RUN/dd.err"
# The journal may have room for a few more; each that is answered must be recorded.
given=1
fills()
{
	local i
	for i in {1..200}; do
		login alice 'correct horse' demo
		[ "$STATUS" = 200 ] || break
		given=$((given + 1))
	done
	[ "$STATUS" = 503 ] && [ "$(body .code)" = store ] && [ "$(body .token)" = null ]
}
check 'full: no token' fills
check 'full: still none' says 503 store login alice 'correct horse' demo
recorded() { [ "$(tokens)" -eq "$given" ]; }
check 'all that were given are recorded, and no more' recorded
check 'full: no user' says 503 store adm POST /v1/users -d '{"name":"bob","password":"correct horse"}'
check 'full: what is there is shown' is 200 adm GET /v1/users
check 'full: the keys are served' is 200 pub GET /.well-known/jwks.json
check 'full: said in the log' log_has authd store-failed
quiet() { [ "$(log_count authd store-failed)" -le 20 ]; }
check 'and not too often' quiet

inside rm "$RUN/state/filler"
check 'space again: a token' is 200 login alice 'correct horse' demo
given=$((given + 1))
check 'recorded too' recorded
check 'space again: a user' is 201 adm POST /v1/users -d '{"name":"bob","password":"correct horse"}'
e2e_end
