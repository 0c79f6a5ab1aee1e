#!/bin/bash
# authd is killed at random, with -9, while 8 clients issue, consume and revoke tokens at about 200 a second; on
# PostgreSQL its connections are cut and the server crashes as well. Afterwards all that was acknowledged must be
# true: no token lost, none consumed twice, no revocation undone, each change with its record and the chain of
# records whole. authd is back within 2 s each time, and a call that is live meanwhile loses no frame.
# usage: authd_kill.sh [--json] [CYCLES] [sqlite|pgsql|both]      (default HELIO_KILL_CYCLES, or 3; both)
# With --json the summary alone is on stdout, one JSON object for each database; all else goes to stderr.
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$TOP/tests/e2e/authd_lib.sh"
. "$TOP/tests/e2e/pg_lib.sh"

exec {OUT}>&1
if [ "${1:-}" = --json ]; then
	shift
	exec 1>&2
fi
CYCLES=${1:-${HELIO_KILL_CYCLES:-3}}
WHICH=${2:-both}
START_MS=2000 # the longest that a start may take
node_needed
case $WHICH in
sqlite) ;;
pgsql) pg_needed ;;
both)
	if (pg_needed); then pg_needed; else WHICH=sqlite; fi
	;;
*) fail "there is no database $WHICH" '' 'say sqlite, pgsql or both' ;;
esac

now_ms() { date +%s%3N; }
answers() { [ "$(curl -s -o /dev/null -w '%{http_code}' --max-time 2 --unix-socket "$SOCKET" http://authd/readyz)" = 200 ]; }

# start_timed: authd from its exec to its first good answer, in START_TOOK ms.
start_timed()
{
	local begin
	begin=$(now_ms)
	authd_start
	until answers; do
		[ $(($(now_ms) - begin)) -lt 60000 ] || fail 'authd does not come back within 60 s'
		sleep 0.01
	done
	START_TOOK=$(($(now_ms) - begin))
}

# pause MILLISECONDS: any time up to that.
pause() { sleep "0.$(printf '%03d' $((RANDOM % $1)))"; }

# One cycle: a while of work, then the end at any moment; now and then once more in the middle of the start.
cycle()
{
	sleep 0.5
	pause 900
	if [ "$1" = pgsql ] && [ $(($2 % 3)) -eq 0 ]; then
		CUTS=$((CUTS + $(pg_cut)))
		pause 500
	fi
	if [ "$1" = pgsql ] && [ $(($2 % 10)) -eq 1 ]; then
		pg_crash && pg_start
		CRASHES=$((CRASHES + 1))
		pause 500
	fi
	daemon_kill authd
	KILLS=$((KILLS + 1))
	if [ $((RANDOM % 4)) -eq 0 ]; then
		authd_start
		pause 300
		daemon_kill authd
		KILLS=$((KILLS + 1))
	fi
	start_timed
	STARTS+=("$START_TOOK")
}

# kill_run DATABASE: the whole test on one of them, with a cluster of its own.
kill_run()
{
	local database=$1 i status=0 key worst summary
	STARTS=() KILLS=0 CUTS=0 CRASHES=0
	# shellcheck disable=SC2034 # read by scripts/lib.sh
	AUTHD_EXTRA='hash-memory = 8M
hash-passes = 1
rate-address = 1000000
rate-key = 1000000'
	if [ "$database" = pgsql ]; then
		pg_start
		AUTHD_EXTRA="$AUTHD_EXTRA
database = \"$PG_URL\""
	fi
	cluster_start -w 1
	user_add alice 'correct horse'
	room_add demo
	is 201 adm POST /v1/apikeys -d '{"name":"app","rooms":["*"]}' ||
		fail 'there is no API key'
	key=$(body .key)
	E2E_NODE_ARGS=(--authd "$AUTHD_URL" --ca "$RUN/ca.crt" --password 'correct horse')
	pair_start "call-$database" alice demo
	background_node "work-$database" "$RUN/work-$database.out" "$E2E/authd_kill.mjs" --url "$AUTHD_URL" \
		--ca "$RUN/ca.crt" --socket "$SOCKET" --room demo --user alice --key "$key"
	for ((i = 1; i <= CYCLES; i++)); do
		cycle "$database" "$i"
		[ $((i % 10)) -ne 0 ] || printf '%s: %s of %s cycles, %s\n' "$database" "$i" "$CYCLES" \
			"$(tail -n 1 "$RUN/work-$database.out")"
	done
	sleep 0.5
	node_end "work-$database" || status=$?
	check "$database: $CYCLES cycles: all that was acknowledged is true" test "$status" -eq 0
	status=0
	pair_stop "call-$database" >"$RUN/pair.json" || status=$?
	check "$database: the live call lost no frame" test "$status" -eq 0
	worst=$(printf '%s\n' "${STARTS[@]}" | sort -n | tail -n 1)
	check "$database: back within $START_MS ms, the slowest in $worst ms" test "$worst" -le "$START_MS"
	summary=$(tail -n 1 "$RUN/work-$database.out" | jq -c --arg database "$database" --argjson cycles "$CYCLES" \
		--argjson kills "$KILLS" --argjson cuts "$CUTS" --argjson crashes "$CRASHES" --argjson worst "$worst" \
		--slurpfile pair "$RUN/pair.json" '{database: $database, cycles: $cycles, kills: $kills, connections_cut: $cuts,
			server_crashes: $crashes, slowest_start_ms: $worst} + . +
			{call: ($pair[0] | {sent, received, ok})}')
	printf '%s\n' "$summary" >&"$OUT"
	cluster_stop
	[ "$database" != pgsql ] || pg_stop
}

e2e_begin authd-kill $((CYCLES * 16 + 180))
if [ "$WHICH" != pgsql ]; then
	kill_run sqlite
	rm -rf "$RUN/state" "$RUN"/*.log
fi
[ "$WHICH" = sqlite ] || kill_run pgsql
e2e_end
