# shellcheck shell=bash
# What the end-to-end tests share on top of scripts/lib.sh. It is sourced:
#
#	. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
#	e2e_begin NAME SECONDS          # $RUN, and the end of everything after SECONDS (times PATIENCE)
#
# Each test prints one line per case with ok or bad, and ends with e2e_end.

# Deadlines in tests end what hangs; what is to be fast is measured where a case says so. So each wait has five times
# of what an idle machine needs at most (scripts/lib.sh, and PATIENCE in hrp.mjs), and watchdogs as much.
PATIENCE=${PATIENCE:-5}

# shellcheck source=scripts/lib.sh
. "${srcdir:-$(dirname "${BASH_SOURCE[0]}")/../..}/scripts/lib.sh"

E2E=$TOP/tests/e2e
ROOM_LOAD_BIN=${ROOM_LOAD_BIN:-$BUILD/tests/tools/room_load}
BAD=0
GOOD=0
WATCHDOG=''

e2e_begin()
{
	local most=$(($2 * PATIENCE))
	run_begin "$1"
	# A watchdog of its own: TERM runs the trap, which stops the daemons.
	(
		trap 'kill "$nap" 2>/dev/null; exit 0' TERM
		sleep "$most" &
		nap=$!
		wait "$nap"
		echo "FAIL watchdog: $1 did not end within $most s" >&2
		kill -TERM $$
	) </dev/null &
	WATCHDOG=$!
	trap e2e_trap EXIT
}

e2e_trap()
{
	local status=$?
	kill -TERM "$WATCHDOG" 2>/dev/null
	e2e_jobs_end
	(exit "$status")
	run_end
}

# Ends what the test itself still runs in the background (the daemons are run_end's).
e2e_jobs_end()
{
	local pid
	for pid in ${E2E_JOBS[@]+"${E2E_JOBS[@]}"}; do
		kill -KILL "$pid" 2>/dev/null
	done
}
E2E_JOBS=()

ok()
{
	GOOD=$((GOOD + 1))
	printf 'ok   %s [%s s]\n' "$1" "$SECONDS"
}

bad()
{
	BAD=$((BAD + 1))
	printf 'FAIL %s%s [%s s]\n' "$1" "${2:+: $2}" "$SECONDS"
}

# check NAME COMMAND...: one case.
check()
{
	local name=$1
	shift
	if "$@"; then ok "$name"; else bad "$name" "$*"; fi
}

# Stops the daemons, counts, exits.
e2e_end()
{
	cluster_stop
	ok "the daemons ended with 0 and no sanitizer complained"
	printf '%s cases passed, %s failed\n' "$GOOD" "$BAD"
	[ "$BAD" -eq 0 ] || exit 1
	exit 0
}

node_needed()
{
	local major
	major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null) || skip "there is no node"
	[ "$major" -ge 18 ] || skip "node is version $major, 18 or later is needed"
}

# ---------------------------------------------------------------- participants (node)
# E2E_NODE_ARGS holds what each of them needs: --authd, --ca, --password.

# probe_try USER ROOM [OPTION VALUE...]: joins and leaves; what it saw is in $RUN/try.json.
probe_try()
{
	local user=$1 room=$2
	shift 2
	timeout 150 node "$E2E/probe.mjs" try "${E2E_NODE_ARGS[@]}" --user "$user" --room "$room" "$@" \
		>"$RUN/try.json"
}

# background_node NAME FILE SCRIPT ARGUMENT...: runs until a line comes on its stdin, a pipe of ours (not until
# the pipe is closed: daemons started meanwhile inherit it).
declare -A NODE_PID=() NODE_FD=()
background_node()
{
	local name=$1 out=$2 fd
	shift 2
	mkfifo "$RUN/$name.stdin"
	: >"$out"
	exec {fd}<>"$RUN/$name.stdin"
	NODE_FD[$name]=$fd
	node "$@" <"$RUN/$name.stdin" >"$out" 2>>"$RUN/$name.log" &
	NODE_PID[$name]=$!
	E2E_JOBS+=($!)
}

node_end()
{
	local fd=${NODE_FD[$1]}
	echo stop >&"$fd"
	exec {fd}>&-
	wait "${NODE_PID[$1]}"
}

# hold_start NAME USER ROOM [OPTION VALUE...]: joins and stays; hold_wait waits until it was closed, and
# $RUN/NAME.held then says how.
hold_start()
{
	local name=$1 user=$2 room=$3
	shift 3
	background_node "$name" "$RUN/$name.held.out" "$E2E/probe.mjs" hold "${E2E_NODE_ARGS[@]}" \
		--user "$user" --room "$room" "$@"
	wait_for 20 grep -q joined "$RUN/$name.held.out" || bad "$name joins" "$(cat "$RUN/$name.log")"
}

hold_wait()
{
	wait_for 15 pid_ended "${NODE_PID[$1]}" || bad "$1 is closed" 'it is still joined'
	node_end "$1"
	grep -v joined "$RUN/$1.held.out" >"$RUN/$1.held"
}

# pair_start NAME USER ROOM [OPTION VALUE...]: two honest participants talk until pair_stop, which succeeds only
# if no frame was lost.
pair_start()
{
	local name=$1 user=$2 room=$3
	shift 3
	background_node "$name" "$RUN/$name.pair" "$E2E/pair.mjs" "${E2E_NODE_ARGS[@]}" --user "$user" \
		--room "$room" "$@"
	wait_for 20 grep -q ready "$RUN/$name.pair" || fail "the pair $name did not come to talk" \
		"$(cat "$RUN/$name.log")"
}

pair_stop()
{
	local status=0
	node_end "$1" || status=$?
	tail -n 1 "$RUN/$1.pair"
	return "$status"
}

# pair_wait NAME: as pair_stop for a pair with --seconds, when these are over.
pair_wait()
{
	wait_for 60 pid_ended "${NODE_PID[$1]}"
	pair_stop "$1"
}

# jti_of FILE: the id of the token in an answer of authd.
jti_of()
{
	node -e 'const { token } = JSON.parse(require("fs").readFileSync(process.argv[1]));
		console.log(JSON.parse(Buffer.from(token.split(".")[1], "base64url")).jti);' "$1"
}
