# shellcheck shell=bash
# A PostgreSQL server of the test's own, in $RUN/pg, on a Unix socket alone. It is sourced behind scripts/lib.sh:
#
#	pg_needed                # skips the test, loudly, where the server's programs are missing
#	pg_start                 # initdb at the first time; PG_URL is what authd's setting database takes
#	pg_stop; pg_crash        # in order; at once, as a power failure would (then pg_start recovers)
#	pg_sql 'SELECT 1'        # one statement, its values without decoration
#
# A cluster that the machine may have of its own is neither needed nor touched. The order of text is that of
# English, as an administrator's database may well have it: authd must not depend on it.

PG_BIN=${PG_BIN:-}
PG_URL=''
# shellcheck disable=SC2034 # the end of the run calls it
RUN_STOP=pg_stop

pg_needed()
{
	local dir
	for dir in /usr/lib/postgresql/*/bin /usr/local/pgsql/bin; do
		[ -n "$PG_BIN" ] || ! [ -x "$dir/initdb" ] || ! [ -x "$dir/postgres" ] || PG_BIN=$dir
	done
	[ -n "$PG_BIN" ] || skip 'PostgreSQL IS NOT TESTED: its server is not installed (scripts/deps test)'
}

# The server refuses root.
pg_as()
{
	local user=postgres
	if [ "$(id -u)" -ne 0 ]; then
		"$@"
		return
	fi
	id "$user" >/dev/null 2>&1 || user=nobody
	setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups -- env LC_ALL=C HOME=/ "$@"
}

pg_init()
{
	local dir=$RUN/pg
	chmod 711 "$RUN"
	mkdir -m 755 "$dir"
	[ "$(id -u)" -ne 0 ] || chown "$(pg_as id -u)" "$dir"
	pg_as test -w "$dir" || skip "PostgreSQL IS NOT TESTED: its user cannot reach $RUN: set TMPDIR"
	(cd "$dir" && pg_as "$PG_BIN/initdb" --no-sync --no-instructions -D "$dir/data" -U helio -A trust -E UTF8 \
		--locale=C.UTF-8 --locale-provider=icu --icu-locale=en-US) >"$RUN/initdb.log" 2>&1 ||
		fail 'initdb failed' "$(tail -n 3 "$RUN/initdb.log")"
	pg_as tee -a "$dir/data/postgresql.conf" >/dev/null <<-END
		listen_addresses = ''
		unix_socket_directories = '$dir'
		fsync = on
		max_connections = 60
		shared_buffers = 32MB
		max_worker_processes = 0
		autovacuum_naptime = 5s
	END
}

pg_start()
{
	[ -d "$RUN/pg/data" ] || pg_init
	PG_URL="postgresql://helio@/postgres?host=$RUN/pg"
	(cd "$RUN/pg" && pg_as "$PG_BIN/pg_ctl" start --silent --wait --timeout 150 -D data -l pg.log) >/dev/null ||
		fail 'the PostgreSQL server does not start' "$(tail -n 3 "$RUN/pg/pg.log")"
}

pg_stop()
{
	[ ! -s "$RUN/pg/data/postmaster.pid" ] || pg_end "${1:-fast}"
}

pg_crash() { pg_end immediate; }

pg_end()
{
	(cd "$RUN/pg" && pg_as "$PG_BIN/pg_ctl" stop --silent --wait --timeout 150 -D data --mode "$1")
}

pg_sql() { "$PG_BIN/psql" -XAtq -d "$PG_URL" -c "$1"; }

# pg_cut: ends every connection to the server but this one, as an administrator would; says how many.
pg_cut()
{
	pg_sql 'SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE pid <> pg_backend_pid() AND datname = current_database()'
}
