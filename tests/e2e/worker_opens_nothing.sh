#!/bin/bash
# After its start a worker opens no file and connects to nobody, whatever its clients do. Watched with
# strace, through joins, media, chat, cuts and a reload. Skipped (loudly) where strace is absent.
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

# shellcheck disable=SC2034 # read by scripts/lib.sh
AUTHD_EXTRA='hash-memory = 8M'
node_needed
command -v strace >/dev/null || skip 'there is no strace'
strace -o /dev/null true 2>/dev/null || skip 'strace may not trace here'
e2e_begin strace 120
cluster_start -w 1
user_add alice 'correct horse'
room_add demo
E2E_NODE_ARGS=(--authd "$AUTHD_URL" --ca "$RUN/ca.crt" --password 'correct horse')

pid=''
worker_known()
{
	pid=$(ctl reflector list --json | jq -r '.. | objects | select(has("pid")) | .pid')
	[ -n "$pid" ]
}
check 'authd knows the worker' wait_for 10 worker_known
[ -n "$pid" ] || fail 'no worker'
fds() { find "/proc/$pid/fd" -mindepth 1 -printf '%l\n' | sed 's/:.*//' | sort | uniq -c; }
fds >"$RUN/fds.before"

strace -f -qq -e 'trace=%file,connect,socket,bind,listen,fork,vfork,execve' -p "$pid" -o "$RUN/strace.out" \
	2>"$RUN/strace.log" &
tracer=$!
E2E_JOBS+=("$tracer")
traced() { ! grep -q '^TracerPid:[[:space:]]*0$' "/proc/$pid/status"; }
check 'strace is attached' wait_for 5 traced
pair_start media alice demo --seconds 2
check 'join and leave' probe_try alice demo --device other
hold_start cut alice demo --device cut
kill -KILL "${NODE_PID[cut]}"
wait "${NODE_PID[cut]}" 2>/dev/null
kill -HUP "${PID[r1]}"
check 'join after a reload' probe_try alice demo --device other
check 'audio flows and no frame is lost' pair_stop media
kill -TERM "$tracer"
wait "$tracer"

check 'no file was touched, nothing was connected, no process was made' test ! -s "$RUN/strace.out"
head -n 5 "$RUN/strace.out"
fds_back() { fds >"$RUN/fds.after"; cmp -s "$RUN/fds.before" "$RUN/fds.after"; }
check 'the descriptors are those from before' wait_for 5 fds_back
diff "$RUN/fds.before" "$RUN/fds.after"
only_sockets() { ! fds | grep -vE ' (socket|pipe|anon_inode|/dev/null)$' | grep -v "/r1.log$"; }
check 'it holds sockets and its log, no other file' only_sockets
e2e_end
