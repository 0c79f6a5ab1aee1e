#!/bin/bash
# The systemd units let the daemons make every system call that they do make, and no setting of a unit is misspelt:
# a call that a filter forbids would kill or cripple a daemon on every host that has systemd, and on no other.
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

# shellcheck disable=SC2034 # read by scripts/lib.sh
AUTHD_EXTRA='hash-memory = 8M'
node_needed
command -v strace >/dev/null || skip 'there is no strace'
strace -o /dev/null true 2>/dev/null || skip 'strace may not trace here'
command -v pgrep >/dev/null || skip 'there is no pgrep'
command -v systemd-analyze >/dev/null || skip 'there is no systemd-analyze'
e2e_begin units 120
UNITS=$TOP/doc/systemd

# set_calls NAME: the calls of a set, whatever sets stand in it; of a call itself, the call.
set_calls()
{
	local line
	case $1 in
	@*) ;;
	*) echo "$1" && return ;;
	esac
	while read -r line; do
		set_calls "$line"
	done < <(systemd-analyze syscall-filter "$1" | sed -n 's/^ \+\([@a-z0-9_-]\+\)$/\1/p')
}

# allowed UNIT: what is left of the calls when every SystemCallFilter was obeyed in its order.
allowed()
{
	local line word
	: >"$RUN/allowed"
	while read -r line; do
		for word in ${line#\~}; do set_calls "$word"; done | sort -u >"$RUN/named"
		case $line in
		\~*) sort -u "$RUN/allowed" | comm -23 - "$RUN/named" >"$RUN/next" ;;
		*) sort -u "$RUN/allowed" "$RUN/named" >"$RUN/next" ;;
		esac
		mv "$RUN/next" "$RUN/allowed"
	done < <(sed -n 's/^SystemCallFilter=//p' "$1")
	[ "$(wc -l <"$RUN/allowed")" -gt 100 ]
}

# within NAME UNIT: all that was called is allowed. execve of the daemon itself is systemd's, and SQLite calls fchown
# where it is root, as here, and not as the unit's user.
within()
{
	local forbidden
	allowed "$2" || return 1
	sed -n 's/^[0-9]* *\([a-z0-9_]\+\)(.*/\1/p' "$RUN/$1.calls" | sort -u | grep -vxE 'execve|fchown' >"$RUN/$1.made"
	[ "$(wc -l <"$RUN/$1.made")" -gt 15 ] || { echo "little was seen of $1" >&2; return 1; }
	forbidden=$(comm -23 "$RUN/$1.made" "$RUN/allowed")
	[ -z "$forbidden" ] || { echo "$2 forbids what $1 calls: ${forbidden//$'\n'/ }" >&2; return 1; }
}

# The daemon keeps its own process id: the tracer is its child (-D).
traced() { daemon_start "$1" strace -D -f -qq -o "$RUN/$1.calls" "${@:2}"; }
over() { ! pgrep -f "$RUN/$1.calls" >/dev/null; }

export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" # leaks cannot be looked for under a tracer
pki_make
ports_pick
reflector_settings r1 "$PORT" 1 $((PORT + 14))
authd_settings $((PORT + 15))
traced r1 "$REFLECTOR_BIN" --settings "$RUN/r1.conf"
traced authd "$AUTHD_BIN" --settings "$RUN/authd.conf"
daemon_wait authd ready || fail 'authd does not start'
daemon_wait authd link-up || fail 'authd does not link'
user_add alice 'correct horse'
room_add demo
# shellcheck disable=SC2034 # read by lib.sh
E2E_NODE_ARGS=(--authd "$AUTHD_URL" --ca "$RUN/ca.crt" --password 'correct horse')
check 'a call' probe_try alice demo --device one
check 'keys are rotated' ctl key rotate --yes
check 'settings are read again' kill -HUP "${PID[authd]}" "${PID[r1]}"
wait_for 20 log_has authd reload || bad 'authd reads its settings again'
wait_for 20 log_has r1 reload || bad 'the reflector reads its settings again'
check 'authd ends' daemon_stop authd
check 'the reflector ends' daemon_stop r1
check 'the tracers end' wait_for 20 over authd
check 'both of them' wait_for 20 over r1
check 'authd stays within its unit' within authd "$UNITS/helio-authd.service.in"
check 'the reflector stays within its unit' within r1 "$UNITS/helio-reflector.service.in"

# Of the units as they are installed; systemd-analyze wants to find the programs that they start.
verify()
{
	local unit
	for unit in helio-authd helio-reflector; do
		sed -e "s|@sbindir@/helio-authd|$AUTHD_BIN|" -e "s|@sbindir@/helio-reflector|$REFLECTOR_BIN|" -e '/^Documentation/d' \
			"$UNITS/$unit.service.in" >"$RUN/$unit.service"
		systemd-analyze --man=no verify "$RUN/$unit.service" >"$RUN/verify" 2>&1 || true
		if grep "$unit" "$RUN/verify" >&2; then
			return 1
		fi
	done
}
# What scripts/deps installs on a host that only runs the daemons is what they load.
deps_run()
{
	local list bin lib path package
	list=$(sed -n '/^run="/,/"$/p' "$TOP/scripts/deps" | tr -d '"\t' | sed 's/^run=//' | tr ' \n' '\n\n')
	for bin in "$AUTHD_BIN" "$REFLECTOR_BIN" "$HELIOCTL_BIN"; do
		while read -r lib path; do
			readelf -d "$bin" | grep -qF "[$lib]" || continue
			# /lib or /usr/lib, but the folder of this architecture: another may have one of that name too
			package=$(dpkg-query -S "*/$(basename "$(dirname "$path")")/$lib" | head -n 1 | cut -d : -f 1)
			case $package in libc6 | libgcc-s1) continue ;; esac # which every Debian has
			grep -qx "$package" <<<"$list" || { echo "$lib of $package is missing"; return 1; }
		done < <(ldd "$bin" | sed -n 's/^\t\(lib[^ ]*\) => \([^ ]*\) .*/\1 \2/p')
	done
	! grep -E 'espeak|vpx|-dev$|bin$' <<<"$list"
}
check 'scripts/deps run: what the daemons load, and nothing else' deps_run
check 'systemd finds nothing wrong with the units' verify
e2e_end
