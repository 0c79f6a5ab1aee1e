#!/bin/bash
# Runs a unit program on both databases: starts a PostgreSQL server of its own, and says in HELIO_TEST_PG how to
# reach it and in HELIO_TEST_PG_RESTART how to end it at once and start it again. usage: pg_run.sh PROGRAM
. "${srcdir:-$(dirname "$0")/../..}/scripts/lib.sh"
. "$TOP/tests/e2e/pg_lib.sh"

pg_needed
run_begin "$(basename "$1" | tr _ -)"
pg_start
cat >"$RUN/pg-restart" <<END
. "$TOP/scripts/lib.sh"; . "$TOP/tests/e2e/pg_lib.sh"
RUN=$RUN; pg_needed; pg_crash && pg_start
END
export HELIO_TEST_PG=$PG_URL HELIO_TEST_PG_RESTART="bash $RUN/pg-restart" HELIO_TEST_DIR=$RUN
timeout "${PG_RUN_SECONDS:-120}" "$1" || fail "$1 failed"
