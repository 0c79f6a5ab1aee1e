#!/bin/bash
# The program of doc/sdk.md against real daemons: two people see each other and write; a wrong password, a wrong CA
# and a room that is not there end it with a sentence.
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

# shellcheck disable=SC2034 # read by scripts/lib.sh
AUTHD_EXTRA='hash-memory = 8M'
minimal=$BUILD/client-sdk/examples/minimal
e2e_begin sdk-minimal 90
cluster_start -w 1
user_add alice 'correct horse'
user_add bob 'correct horse'
room_add demo
export HELIO_PASSWORD='correct horse'

# shellcheck disable=SC2317 # called through check
# says FILE LINE: waits until the line stands there.
says()
{
	local tries=1500
	until grep -qxF -- "$2" "$1"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || { cat "$1"; return 1; }
		sleep 0.05
	done
}

# begin USER: runs it until the descriptor in INPUT[USER] is closed.
declare -A INPUT=() JOB=()
begin()
{
	local fd
	mkfifo "$RUN/$1.in"
	: >"$RUN/$1.out"
	timeout 300 "$minimal" "$AUTHD_URL" "$RUN/ca.crt" "$1" demo <"$RUN/$1.in" >"$RUN/$1.out" 2>&1 &
	JOB[$1]=$!
	E2E_JOBS+=($!)
	exec {fd}>"$RUN/$1.in"
	INPUT[$1]=$fd
}

# shellcheck disable=SC2317 # called through check
# refused LINE ARGUMENT...: it ends by itself with an error and that line; its input stays open.
refused() { ! timeout 150 "$minimal" "${@:2}" <&"$open" >"$RUN/refused.out" 2>&1 && says "$RUN/refused.out" "$1"; }

begin alice
check "alice is in the room" says "$RUN/alice.out" 'alice (alice) is here'
begin bob
check "bob sees alice" says "$RUN/bob.out" 'alice (alice) is here'
check "alice sees bob" says "$RUN/alice.out" 'bob (bob) is here'
printf 'hello \033[31m all' >&"${INPUT[bob]}"
check "alice reads what bob writes, and no escape" says "$RUN/alice.out" 'bob: hello  [31m all'
fd=${INPUT[bob]}
exec {fd}>&-
check "bob leaves with 0" wait "${JOB[bob]}"
check "and says so" says "$RUN/bob.out" 'closed: no error'
check "alice sees him go" says "$RUN/alice.out" 'bob has left'
fd=${INPUT[alice]}
exec {fd}>&-
check "alice leaves with 0" wait "${JOB[alice]}"

mkfifo "$RUN/open"
exec {open}<>"$RUN/open"
HELIO_PASSWORD=wrong check "a wrong password" \
	refused 'closed: user, password or room is wrong' "$AUTHD_URL" "$RUN/ca.crt" alice demo
check "no such room" \
	refused 'closed: user, password or room is wrong' "$AUTHD_URL" "$RUN/ca.crt" alice nowhere
check "a CA file without a certificate" \
	refused 'closed: the certificate is not trusted or not for this name' "$AUTHD_URL" "$RUN/alice.out" alice demo
check "no https" \
	refused 'cannot start: an argument makes no sense' http://127.0.0.1:1 "$RUN/ca.crt" alice demo
e2e_end
