# shellcheck shell=bash
# What the end-to-end tests share on top of scripts/lib.sh. It is sourced:
#
#	. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
#	e2e_begin NAME SECONDS          # $RUN, and the end of everything after SECONDS
#
# Each test prints one line per case with ok or bad, and ends with e2e_end.

# shellcheck source=scripts/lib.sh
. "${srcdir:-$(dirname "${BASH_SOURCE[0]}")/../..}/scripts/lib.sh"

E2E=$TOP/tests/e2e
ROOM_LOAD_BIN=${ROOM_LOAD_BIN:-$BUILD/tests/tools/room_load}
BAD=0
GOOD=0
WATCHDOG=''

e2e_begin()
{
	run_begin "$1"
	# A watchdog of its own: TERM runs the trap, which stops the daemons.
	(
		trap 'kill "$nap" 2>/dev/null; exit 0' TERM
		sleep "$2" &
		nap=$!
		wait "$nap"
		echo "FAIL watchdog: $1 did not end within $2 s" >&2
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

# The built programs carry a sanitizer: then everything takes longer, and memory says less.
is_sanitized()
{
	grep -q __asan_init "$REFLECTOR_BIN"
}
