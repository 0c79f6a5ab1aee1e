#!/bin/bash
# What happens to calls when parts die, restart, change their settings or end: a live call on one worker must
# not lose a frame through any of it, and each loss must be logged and healed.
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

# shellcheck disable=SC2034 # read by scripts/lib.sh
AUTHD_EXTRA='hash-memory = 8M'
node_needed
e2e_begin lifecycle 280
cluster_start -w 2
user_add alice 'correct horse'
user_add bob 'correct horse'
E2E_NODE_ARGS=(--authd "$AUTHD_URL" --ca "$RUN/ca.crt" --password 'correct horse')

# ---------------------------------------------------------------- helpers

workers_pids() { ctl reflector list --json | jq -r '.. | objects | select(has("pid")) | "\(.port) \(.pid)"'; }
pid_of_port() { workers_pids | awk -v port="$1" '$1 == port { print $2 }'; }
# other_worker PORT PID: another process than that has the port.
other_worker()
{
	local pid
	pid=$(pid_of_port "$1")
	[ -n "$pid" ] && [ "$pid" != "$2" ]
}
gate_pid()
{
	local pid workers
	workers=$(workers_pids | cut -d ' ' -f 2)
	tr ' ' '\n' <"/proc/${PID[r1]}/task/${PID[r1]}/children" | while read -r pid; do
		[ -z "$pid" ] || grep -qx "$pid" <<<"$workers" || echo "$pid"
	done
}
count_over() { [ "$(log_count "${@:2}")" -gt "$1" ]; }
try_ok() { probe_try "$@" && return 0; cat "$RUN/try.json"; return 1; }
try_code() { ! probe_try "${@:2}" && [ "$(jq -r .code "$RUN/try.json")" = "$1" ]; }
held_bye() { [ "$(jq -r '.bye // .error' "$RUN/$2.held" | tail -n 1)" = "$1" ] || { cat "$RUN/$2.held"; return 1; }; }
held_lost() { [ "$(jq -r '.bye // .error // "none"' "$RUN/$1.held" | tail -n 1)" = none ]; }

# Two rooms that live on different workers.
rooms_apart()
{
	local i port first=''
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		room_add "room$i"
		probe_try alice "room$i" || return 1
		port=$(jq -r .port "$RUN/try.json")
		if [ -z "$first" ]; then
			first=$port ROOM_A=room$i PORT_A=$port
		elif [ "$port" != "$first" ]; then
			ROOM_B=room$i PORT_B=$port
			return 0
		fi
	done
	return 1
}

# ---------------------------------------------------------------- deaths

worker_death()
{
	local before pid_a pid_b new
	pid_a=$(pid_of_port "$PORT_A") pid_b=$(pid_of_port "$PORT_B")
	before=$(log_count r1 worker-died)
	hold_start dead bob "$ROOM_A"
	kill -KILL "$pid_a"
	check 'worker killed: logged' wait_for 5 count_over "$before" r1 worker-died
	hold_wait dead
	check 'worker killed: its clients see a cut, not a bye' held_lost dead
	check 'worker killed: its room can be joined again' wait_for 10 try_ok bob "$ROOM_A"
	worker_is_new() { new=$(pid_of_port "$PORT_A"); [ -n "$new" ] && [ "$new" != "$pid_a" ]; }
	check 'worker killed: another process has its port' wait_for 10 worker_is_new
	check 'worker killed: the other worker is the one it was' test "$(pid_of_port "$PORT_B")" = "$pid_b"
}

gate_death()
{
	local old before
	old=$(gate_pid)
	before=$(log_count authd link-up)
	check 'there is one gate process' test "$(wc -w <<<"$old")" = 1
	kill -KILL "$old"
	check 'gate killed: the link comes back' wait_for 15 count_over "$before" authd link-up
	gate_is_new() { [ -n "$(gate_pid)" ] && [ "$(gate_pid)" != "$old" ]; }
	check 'gate killed: a new one runs' wait_for 5 gate_is_new
	check 'gate killed: tokens are accepted' try_ok bob "$ROOM_A"
	check 'gate killed: a call to the other worker is accepted' try_ok bob "$ROOM_B"
	lists_rooms()
	{
		ctl room list --json | jq -e ".rooms[] | select(.name == \"$ROOM_B\").participants == 2" >/dev/null
	}
	check 'gate killed: helioctl sees the live room' wait_for 5 lists_rooms
}

authd_absence()
{
	local before
	probe_try bob "$ROOM_B" --save "$RUN/bob.answer"
	before=$(log_count authd link-up)
	daemon_stop authd
	check 'authd stopped: it ended with 0' test $? -eq 0
	check 'authd stopped: a token from before opens the room' try_ok bob "$ROOM_B" --answer "$RUN/bob.answer"
	authd_start
	check 'authd back: the link comes up' wait_for 15 count_over "$before" authd link-up "reflector=r1"
	check 'authd back: new tokens are accepted' try_ok bob "$ROOM_B"
}

# ---------------------------------------------------------------- settings

certificate_change()
{
	local old new before
	probe_try bob "$ROOM_B"
	old=$(jq -r .serial "$RUN/try.json")
	before=$(log_count r1 reload)
	certtool_quiet --generate-certificate --template "$RUN/r1.tmpl" --load-privkey "$RUN/r1.key" \
		--load-ca-certificate "$RUN/ca.crt" --load-ca-privkey "$RUN/ca.key" --outfile "$RUN/r1.crt"
	kill -HUP "${PID[r1]}"
	serial_is_new() { probe_try bob "$ROOM_B" && new=$(jq -r .serial "$RUN/try.json") && [ "$new" != "$old" ]; }
	check 'SIGHUP with a new certificate: new connections see it' wait_for 10 serial_is_new
	pki_issue r1 r1.test 127.0.0.1 ::1
	kill -HUP "${PID[r1]}"
	old=$new
	check 'SIGHUP with a new key: new tokens carry its pin and are accepted' wait_for 15 serial_is_new
}

settings_change()
{
	local before
	cp "$RUN/r1.conf" "$RUN/r1.good"
	for bad in 'bogus-key = 1' 'heartbeat = never'; do
		before=$(grep -c 'r1.conf' "$RUN/r1.log")
		echo "$bad" >>"$RUN/r1.conf"
		kill -HUP "${PID[r1]}"
		reason_logged() { [ "$(grep -c 'r1.conf' "$RUN/r1.log")" -gt "$before" ]; }
		check "SIGHUP with '$bad': file and reason are logged" wait_for 5 reason_logged
		check "SIGHUP with '$bad': the old settings hold" try_ok bob "$ROOM_A"
		cp "$RUN/r1.good" "$RUN/r1.conf"
	done
	mv "$RUN/r1.key" "$RUN/r1.key.away"
	before=$(grep -c 'r1.key' "$RUN/r1.log")
	kill -HUP "${PID[r1]}"
	reason_logged() { [ "$(grep -c 'r1.key' "$RUN/r1.log")" -gt "$before" ]; }
	check 'SIGHUP without the key file: logged' wait_for 5 reason_logged
	mv "$RUN/r1.key.away" "$RUN/r1.key"
	check 'SIGHUP without the key file: the old key holds' try_ok bob "$ROOM_A"
}

# ---------------------------------------------------------------- who may stay

bans()
{
	hold_start revoked bob "$ROOM_A" --save "$RUN/revoked.answer"
	check 'helioctl token revoke' ctl token revoke --yes "$(jti_of "$RUN/revoked.answer")"
	hold_wait revoked
	check 'token revoke: the session ends with token-revoked' held_bye token-revoked revoked
	check 'token revoke: it cannot come back' try_code token-revoked bob "$ROOM_A" --answer "$RUN/revoked.answer"
	check 'token revoke: a new token is fine' try_ok bob "$ROOM_A"

	hold_start first bob "$ROOM_A" --save "$RUN/first.answer"
	hold_start second bob "$ROOM_A" --answer "$RUN/first.answer"
	hold_wait first
	check 'the same participant again: the first one is replaced' held_bye replaced first

	hold_start disabled bob "$ROOM_B" --device d2 --save "$RUN/disabled.answer"
	check 'helioctl user disable' ctl user disable --yes bob
	hold_wait disabled
	check 'user disable: the session ends with token-revoked' held_bye token-revoked disabled
	hold_wait second
	check 'user disable: in the other room too' held_bye token-revoked second
	check 'user disable: no new token' try_code login-failed bob "$ROOM_B"
	check 'user disable: the old token opens nothing' \
		try_code token-revoked bob "$ROOM_B" --answer "$RUN/disabled.answer"
}

# Revocations must outlive the processes that know them.
bans_last()
{
	local before first
	before=$(log_count authd link-up)
	background_node hammer "$RUN/hammer.out" "$E2E/probe.mjs" hammer "${E2E_NODE_ARGS[@]}" --user bob \
		--room "$ROOM_A" --answer "$RUN/revoked.answer" --seconds 4
	kill -KILL "$(gate_pid)"
	wait_for 15 count_over "$before" authd link-up
	first=$(pid_of_port "$PORT_A")
	kill -KILL "$first"
	wait_for 10 other_worker "$PORT_A" "$first" || bad 'the worker is started again'
	kill -KILL "$(pid_of_port "$PORT_A")"
	check 'another worker, another gate: other tokens open the room' wait_for 10 try_ok alice "$ROOM_A"
	check 'another worker, another gate: a revoked token does not' \
		try_code token-revoked bob "$ROOM_A" --answer "$RUN/revoked.answer"
	node_end hammer
	cat "$RUN/hammer.out"
	check 'at no moment of it was the revoked token let in' jq -e '.ok == 0 and .["token-revoked"] > 10' \
		"$RUN/hammer.out"
}

# ---------------------------------------------------------------- the end

order_of_end()
{
	local begin status=0
	hold_start ends alice "$ROOM_A" --device ends
	begin=$(date +%s%N)
	daemon_stop r1 || status=$?
	check 'SIGTERM: the reflector ends with 0' test "$status" -eq 0
	check 'SIGTERM: within 20 s' test $(($(date +%s%N) - begin)) -lt 20000000000
	hold_wait ends
	check 'SIGTERM: clients get bye shutdown' held_bye shutdown ends
	reflector_start r1
	daemon_wait r1 ready
	check 'started again: rooms can be joined' wait_for 15 try_ok alice "$ROOM_A"
}

check 'two rooms on two workers' rooms_apart
[ "$BAD" -eq 0 ] || fail 'no two rooms on different workers'
pair_start calm alice "$ROOM_B"
worker_death
gate_death
authd_absence
certificate_change
settings_change
bans
bans_last
check 'the call on the other worker lost no frame through all of it' pair_stop calm
order_of_end
e2e_end
