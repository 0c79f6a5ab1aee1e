#!/bin/bash
# A guest joins a real room with helio-call and an invite link, meets a user, and goes when the invite is revoked.
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$TOP/tests/e2e/authd_lib.sh"

# shellcheck disable=SC2034 # read by scripts/lib.sh
AUTHD_EXTRA='hash-memory = 8M'
e2e_begin guest 90
cluster_start -w 1
user_add alice 'correct horse'
room_add demo

# call NAME ARGUMENT...: helio-call in the background.
declare -A JOB=()
call()
{
	timeout --foreground 300 "$HELIO_CALL_BIN" --authd-ca "$RUN/ca.crt" --json "${@:2}" </dev/null >"$RUN/$1.out" 2>"$RUN/$1.err" &
	JOB[$1]=$!
	E2E_JOBS+=($!)
}

# shellcheck disable=SC2317 # called through check
# says FILE TEXT: waits until it stands there.
says()
{
	local tries=1500
	until grep -qF -- "$2" "$1"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || { cat "$1"; return 1; }
		sleep 0.05
	done
}
# shellcheck disable=SC2317 # called through check
ends() { local status=0; wait "${JOB[$1]}" || status=$?; [ "$status" = "$2" ] || { echo "$status" >&2; return 1; }; }

# The link begins with https:// and the first of listen: where authd is.
adm POST /v1/invites --data-binary '{"room":"demo","passcode":"1234","label":"press"}'
[ "$STATUS" = 201 ] || fail "no invite: $(cat "$RUN/body")"
LINK=$(body .url)
INVITE=$(body .id)

HELIO_PASSWORD='correct horse' call alice --authd "$AUTHD_URL" --user alice --room demo
check 'alice is there' says "$RUN/alice.out" '"joined"'
call gina --invite "$LINK" --passcode 1234 --name 'Gina of the press'
check 'a guest comes with the link, which says where authd is' says "$RUN/gina.out" '"joined"'
check 'alice sees the name that the guest gave' says "$RUN/alice.out" 'Gina of the press'
HELIO_PASSCODE=4321 call wrong --invite "$LINK" --name Mallory
check 'a wrong passcode ends with 4' ends wrong 4
check 'and says no more than that' says "$RUN/wrong.out" 'login-failed'
adm DELETE "/v1/invites/$INVITE"
check 'the invite is revoked, and the guest sent away: 4' ends gina 4
check 'for that reason' says "$RUN/gina.out" 'token-revoked'
call late --invite "$LINK" --passcode 1234 --name 'Gina of the press'
check 'nor can the guest come back' ends late 4
kill -TERM "${JOB[alice]}"
check 'alice is not concerned' ends alice 0
e2e_end
