#!/bin/bash
# 8 presenters race on each token: exactly one has it. On SQLite, and on PostgreSQL with two authd.
# usage: authd_race.sh [TOKENS] [sqlite|pgsql|both]      (default HELIO_RACE_TOKENS, or 500; both)
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$TOP/tests/e2e/authd_lib.sh"
. "$TOP/tests/e2e/pg_lib.sh"

TOKENS=${1:-${HELIO_RACE_TOKENS:-500}}
WHICH=${2:-both}
node_needed
case $WHICH in
sqlite) ;;
pgsql) pg_needed ;;
both)
	if (pg_needed); then pg_needed; else WHICH=sqlite; fi
	;;
*) fail "there is no database $WHICH" '' 'say sqlite, pgsql or both' ;;
esac

race_run()
{
	local sockets=$SOCKET status=0 key
	# shellcheck disable=SC2034 # read by scripts/lib.sh
	AUTHD_EXTRA='hash-memory = 8M
hash-passes = 1
rate-address = 1000000
rate-key = 10000000'
	if [ "$1" = pgsql ]; then
		pg_start
		AUTHD_EXTRA="$AUTHD_EXTRA
database = \"$PG_URL\""
	fi
	cluster_start -w 1
	if [ "$1" = pgsql ]; then
		authd_settings_again authd2 $((AUTHD_PORT - 2))
		authd_start authd2
		daemon_wait authd2 link-up reflector=r1 || fail 'the second authd does not come up' "$(last_error)"
		sockets=$SOCKET,$RUN/authd2.sock
	fi
	user_add alice 'correct horse'
	room_add demo
	is 201 adm POST /v1/apikeys -d '{"name":"app","rooms":["*"]}' ||
		fail 'there is no API key'
	key=$(body .key)
	timeout "$((TOKENS + 300))" node "$E2E/authd_race.mjs" --url "$AUTHD_URL" --ca "$RUN/ca.crt" --sockets "$sockets" \
		--room demo --user alice --key "$key" --tokens "$TOKENS" \
		>"$RUN/race.out" || status=$?
	cat "$RUN/race.out"
	check "$1: each of $TOKENS tokens was consumed exactly once" test "$status" -eq 0
	whole() { adm GET /v1/audit/verify && [ "$(body .ok)" = true ]; }
	check "$1: the chain of records is whole" whole
	[ "$1" = sqlite ] || daemon_stop authd2 || bad 'the second authd ends in order'
	cluster_stop
	[ "$1" = sqlite ] || pg_stop
}

e2e_begin authd-race $((TOKENS / 4 + 240))
if [ "$WHICH" != pgsql ]; then
	race_run sqlite
	rm -rf "$RUN/state" "$RUN"/*.log
fi
[ "$WHICH" = sqlite ] || race_run pgsql
e2e_end
