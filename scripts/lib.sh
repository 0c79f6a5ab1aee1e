# shellcheck shell=bash
# What quickstart and the end-to-end tests share: certificates, ports, settings, daemons, an orderly end.
# It is sourced, not run:
#
#	. "${srcdir:-$(dirname "$0")/../..}/scripts/lib.sh"
#	run_begin my-test               # a directory of its own, $RUN, and a trap that cleans up
#	cluster_start                   # CA, ports, settings, one reflector r1 with 2 workers, authd, link up
#	user_add alice "correct horse"; room_add demo
#	... $AUTHD_URL, $RUN/ca.crt, $SOCKET, ${PORTS[r1]} (first worker port), ctl room list ...
#	cluster_stop                    # checks that the daemons ended well and no sanitizer complained
#
# Another shape: cluster_start -n 2 -w 1 (reflectors r1 and r2 with one worker each), and before it
# AUTHD_EXTRA='token-life = 5s' or REFLECTOR_EXTRA='heartbeat = 1s' (lines for the settings files).
# One by one: run_begin, pki_make, ports_pick, reflector_settings, authd_settings, daemon_start, daemon_wait ...
#
# What a test starts it must stop; whatever is left the trap ends. On failure the ends of all logs are shown.
# Ports are private and above what the kernel hands out to clients; parallel runs reserve theirs with locks.

set -u -o pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Where the programs are: given, or the build folder we stand in (Automake), or build/.
if [ -z "${BUILD:-}" ]; then
	if [ -x ./config.status ]; then BUILD=$PWD; else BUILD=$TOP/build; fi
fi
AUTHD_BIN=${AUTHD_BIN:-$BUILD/authd/helio-authd}
REFLECTOR_BIN=${REFLECTOR_BIN:-$BUILD/reflector/helio-reflector}
HELIOCTL_BIN=${HELIOCTL_BIN:-$BUILD/ctl/helioctl}
HELIO_CALL_BIN=${HELIO_CALL_BIN:-$BUILD/client-sdk/examples/helio-call}
BUILD_LOG=$BUILD/build.log
AUTHD_EXTRA=${AUTHD_EXTRA:-}
REFLECTOR_EXTRA=${REFLECTOR_EXTRA:-}
PATIENCE=${PATIENCE:-2} # a machine may be that many times slower, or busier, than the waits below take it for

AUTHD_PORT='' AUTHD_URL='' SOCKET=''
declare -A PID=()       # daemon name -> process id
declare -A PORTS=()     # reflector name -> its first worker port
declare -A WORKERS=()   # reflector name -> number of workers
declare -A CONTROL=()   # reflector name -> control port
REFLECTORS=()           # names, in order
RUN=''
RUN_NAME=''
RUN_KEEP=''      # not empty: the daemons go on after a good end
RUN_KEEP_LOGS=${RUN_KEEP_LOGS:-} # not empty: $RUN stays after a failure

# ---------------------------------------------------------------- the run and its end

# fail WHAT [WHY [WHAT TO DO]]: says it and ends with 1; the trap shows the logs.
fail()
{
	# shellcheck disable=SC2034 # for the traps of those who source this
	FAILED_WHAT=$1
	printf '%s: %s\n' "${RUN_NAME:-heliograph}" "$1" >&2
	[ -z "${2:-}" ] || printf '  why: %s\n' "$2" >&2
	[ -z "${3:-}" ] || printf '  what to do: %s\n' "$3" >&2
	exit 1
}

# skip WHY: ends the test as skipped (Automake's 77).
skip()
{
	printf 'skipped: %s\n' "$*"
	exit 77
}

# run_begin NAME [DIRECTORY]: makes $RUN. Its path stays short because Unix sockets live in it.
run_begin()
{
	local base=${TMPDIR:-/tmp}
	RUN_NAME=$1
	umask 077
	if [ -n "${2:-}" ]; then
		RUN=$2
		mkdir -p "$RUN" || fail "cannot make the directory $RUN"
	else
		[ ${#base} -le 60 ] || base=/tmp
		RUN=$(mktemp -d "$base/helio-$RUN_NAME.XXXXXX") || fail "cannot make a temporary directory in $base"
	fi
	SOCKET=$RUN/authd.sock
	export HELIO_SOCKET=$SOCKET
	trap run_end EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

run_end()
{
	local status=$? name
	trap - EXIT
	trap '' HUP INT TERM
	if [ -n "$RUN_KEEP" ] && [ "$status" -eq 0 ]; then
		exit 0
	fi
	case $status in
	129 | 130) RUN_KEEP_LOGS='' ;; # ended by hand: nothing to look into
	0 | 77) ;;
	*) logs_show ;;
	esac
	for name in "${!PID[@]}"; do
		daemon_stop "$name" >/dev/null 2>&1
	done
	[ -z "${RUN_STOP:-}" ] || "$RUN_STOP" >/dev/null 2>&1 # what else the test has started
	if [ "$status" -eq 0 ] || [ "$status" -eq 77 ] || [ -z "$RUN_KEEP_LOGS" ]; then
		rm -rf "$RUN"
	else
		printf 'everything of this run is in %s\n' "$RUN" >&2
	fi
	exit "$status"
}

# The ends of all logs of this run, on stderr.
logs_show()
{
	local log
	for log in "$RUN"/*.log; do
		[ -s "$log" ] || continue
		printf -- '--- end of %s\n' "${log#"$RUN/"}" >&2
		tail -n "${LOG_LINES:-25}" "$log" | cut -c 1-400 >&2
	done
}

# wait_for SECONDS COMMAND...: runs the command until it succeeds; 1 when the time is over. SECONDS is more than an
# idle machine needs; PATIENCE times as long is waited.
wait_for()
{
	local end=$((SECONDS + $1 * PATIENCE + 1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.05
	done
}

# What is told while it goes on; stdout is for results.
say()
{
	printf '%s\n' "$*" >&2
}

# ---------------------------------------------------------------- building

# build_all TARGET...: makes them in $BUILD, from nothing if need be. Several copies may run at once: one builds,
# the others wait for it.
build_all()
{
	mkdir -p "$BUILD" || fail "cannot make $BUILD"
	exec 7>"$BUILD/.build-lock"
	flock -n 7 || { say "waiting for another build in this tree"; flock 7; }
	: >"$BUILD_LOG"
	if [ ! -e "$TOP/configure" ]; then
		say "making the configure script"
		build_step "autoreconf failed" env -C "$TOP" autoreconf -fi
	fi
	if [ ! -e "$BUILD/config.status" ]; then
		say "configuring (in build/)"
		# Without static libraries, which nothing here uses, it takes half the time.
		build_step "configure failed" env -C "$BUILD" "$TOP/configure" -q --disable-static
	fi
	say "building"
	build_step "the build failed" make -C "$BUILD" -s -j"$(nproc)" "$@"
	# Libtool's wrappers make their programs ready at the first start: here, not in two copies at once.
	"$HELIO_CALL_BIN" --version >/dev/null || fail "helio-call does not start" "see above"
	exec 7>&-
}

# build_step WHAT COMMAND...
build_step()
{
	local what=$1
	shift
	"$@" >>"$BUILD_LOG" 2>&1 </dev/null 7>&- || {
		grep -E 'error|Error|\*\*\*' "$BUILD_LOG" | tail -n 15 >&2
		fail "$what" "the lines above, and all of it in $BUILD_LOG" \
			"remove build/ and try again; is this tree unchanged?"
	}
}

# ---------------------------------------------------------------- certificates

# pki_make: a private CA, $RUN/ca.crt and ca.key.
pki_make()
{
	pki_key ca
	cat >"$RUN/ca.tmpl" <<-END
		cn = "Heliograph private CA"
		ca
		cert_signing_key
		crl_signing_key
		expiration_days = ${PKI_DAYS:-30}
	END
	certtool_quiet --generate-self-signed --template "$RUN/ca.tmpl" --load-privkey "$RUN/ca.key" \
		--outfile "$RUN/ca.crt"
}

# pki_issue NAME SAN...: $RUN/NAME.crt and NAME.key for TLS server and client, signed by the CA.
# A SAN is a DNS name or an address.
pki_issue()
{
	local name=$1 san
	shift
	pki_key "$name"
	{
		printf 'cn = "%s"\nexpiration_days = %s\n' "$1" "${PKI_DAYS:-30}"
		printf 'signing_key\ntls_www_server\ntls_www_client\n'
		for san in "$@"; do
			case $san in
			*:* | [0-9]*.[0-9]*.[0-9]*.[0-9]*) printf 'ip_address = "%s"\n' "$san" ;;
			*) printf 'dns_name = "%s"\n' "$san" ;;
			esac
		done
	} >"$RUN/$name.tmpl"
	certtool_quiet --generate-certificate --template "$RUN/$name.tmpl" --load-privkey "$RUN/$name.key" \
		--load-ca-certificate "$RUN/ca.crt" --load-ca-privkey "$RUN/ca.key" --outfile "$RUN/$name.crt"
}

pki_key()
{
	certtool_quiet --generate-privkey --key-type ecdsa --curve secp256r1 --outfile "$RUN/$1.key"
}

certtool_quiet()
{
	local out
	out=$(certtool "$@" 2>&1 </dev/null) || fail "certtool failed: certtool $*" "$out" \
		"is gnutls-bin installed? scripts/deps run installs it"
}

# ---------------------------------------------------------------- ports

# ports_pick: sets PORT to the first of 16 consecutive free ports, reserved until this process and the
# daemons it starts have ended. Above 61000 no client of this machine is given a port by the kernel.
ports_pick()
{
	local dir block try fd
	dir=${TMPDIR:-/tmp}/heliograph-ports.$(id -u)
	mkdir -p "$dir"
	[ -O "$dir" ] || fail "cannot use the lock directory $dir" "it is not ours" "remove it, or set TMPDIR"
	for ((try = 0; try < 400; try++)); do
		block=$((RANDOM % 283))
		PORT=$((61000 + block * 16))
		exec {fd}>"$dir/$PORT" || continue
		if flock -n "$fd" && ports_free "$PORT"; then
			return 0
		fi
		exec {fd}>&-
	done
	fail "no 16 free ports between 61000 and 65535" "others use them all" "end some of them"
}

# ports_free FIRST: nothing on this machine uses one of the 16 ports (states other than TIME_WAIT).
ports_free()
{
	cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v first="$1" '
		function hex(s,   i, n) {
			for (i = 1; i <= length(s); i++)
				n = n * 16 + index("0123456789ABCDEF", substr(s, i, 1)) - 1
			return n
		}
		$4 != "06" && match($2, /:[0-9A-F]+$/) {
			port = hex(substr($2, RSTART + 1))
			if (port >= first && port < first + 16)
				used = 1
		}
		END { exit used }'
}

# ---------------------------------------------------------------- settings

# reflector_settings NAME FIRST-PORT WORKERS CONTROL-PORT: writes $RUN/NAME.conf and its certificate,
# and remembers it for authd_settings. It listens on 127.0.0.1 and, where there is one, ::1.
reflector_settings()
{
	local name=$1 first=$2 workers=$3 control=$4 listen='"127.0.0.1"'
	if grep -q '^0\{31\}1 ' /proc/net/if_inet6 2>/dev/null; then
		listen='"127.0.0.1", "::1"'
	fi
	PORTS[$name]=$first WORKERS[$name]=$workers CONTROL[$name]=$control
	case " ${REFLECTORS[*]:-} " in
	*" $name "*) ;;
	*) REFLECTORS+=("$name") ;;
	esac
	[ -s "$RUN/$name.crt" ] || pki_issue "$name" "$name.test" 127.0.0.1 ::1
	cat >"$RUN/$name.conf" <<-END
		name = "$name"
		listen = {$listen}
		ports = "$first-$((first + workers - 1))"
		control = "127.0.0.1:$control"
		authd-name = "authd.test"
		certificate = "$RUN/$name.crt"
		key = "$RUN/$name.key"
		control-ca = "$RUN/ca.crt"
		log-level = "${LOG_LEVEL:-info}"
		$REFLECTOR_EXTRA
	END
}

# authd_settings PORT: writes $RUN/authd.conf for the reflectors known so far.
authd_settings()
{
	local name
	AUTHD_PORT=$1
	# shellcheck disable=SC2034 # for those who source this
	AUTHD_URL=https://127.0.0.1:$AUTHD_PORT
	[ -s "$RUN/authd.crt" ] || pki_issue authd authd.test localhost 127.0.0.1 ::1
	mkdir -p "$RUN/state"
	{
		cat <<-END
			name = "authd"
			cluster = "test"
			listen = {"127.0.0.1:$AUTHD_PORT"}
			certificate = "$RUN/authd.crt"
			key = "$RUN/authd.key"
			control-ca = "$RUN/ca.crt"
			admin-socket = "$SOCKET"
			state-dir = "$RUN/state"
			log-level = "${LOG_LEVEL:-info}"
			$AUTHD_EXTRA
		END
		for name in ${REFLECTORS[@]+"${REFLECTORS[@]}"}; do
			cat <<-END
				reflector "$name" {
					control = "127.0.0.1:${CONTROL[$name]}"
					tls-name = "$name.test"
					address = "127.0.0.1"
					ports = "${PORTS[$name]}-$((${PORTS[$name]} + ${WORKERS[$name]} - 1))"
				}
			END
		done
	} >"$RUN/authd.conf"
}

# authd_settings_again NAME PORT: another authd of the same cluster on the same database (behind authd_settings):
# $RUN/NAME.conf, its socket is $RUN/NAME.sock. It is started with authd_start NAME.
authd_settings_again()
{
	[ -s "$RUN/$1.crt" ] || pki_issue "$1" authd.test localhost 127.0.0.1 ::1
	mkdir -p "$RUN/$1.state"
	sed -e "s|\"127.0.0.1:$AUTHD_PORT\"|\"127.0.0.1:$2\"|" -e "s|$RUN/authd\.|$RUN/$1.|" \
		-e "s|\"$RUN/state\"|\"$RUN/$1.state\"|" "$RUN/authd.conf" >"$RUN/$1.conf"
}

# ---------------------------------------------------------------- daemons

# daemon_start NAME COMMAND...: in a session of its own, so that Ctrl-C reaches the script alone and the
# end stays in order. Its log is $RUN/NAME.log (a new start appends).
daemon_start()
{
	local name=$1
	shift
	[ -x "$1" ] || command -v "$1" >/dev/null || fail "cannot start $name: there is no $1" \
		"it was not built" "run scripts/quickstart or make first"
	setsid "$@" >>"$RUN/$name.log" 2>&1 </dev/null &
	PID[$name]=$!
	echo "$!" >"$RUN/$name.pid"
}

reflector_start()
{
	daemon_start "$1" "$REFLECTOR_BIN" --settings "$RUN/$1.conf"
}

# shellcheck disable=SC2120 # most start the first one
authd_start()
{
	daemon_start "${1:-authd}" "$AUTHD_BIN" --settings "$RUN/${1:-authd}.conf"
}

# log_has NAME EVENT [KEY=VALUE...]: the daemon's log has a line with this event and these pairs.
log_has()
{
	[ "$(log_count "$@")" -gt 0 ]
}

# log_count NAME EVENT [KEY=VALUE...]: how many such lines.
log_count()
{
	local log=$RUN/$1.log
	shift
	set -- "event=$1" "${@:2}"
	[ -e "$log" ] || { echo 0; return; }
	awk -v want="$*" '
		BEGIN { n = split(want, w, " ") }
		{ line = $0; sub(/^<[0-9]>/, "", line); line = " " line " "; for (i = 1; i <= n; i++) if (!index(line, " " w[i] " ")) next; count++ }
		END { print count + 0 }' "$log"
}

# daemon_wait NAME EVENT [KEY=VALUE...]: waits (WAIT_S, 20 s, times PATIENCE) until the log has the event. Fails
# when the daemon ends before it, or the time is over.
daemon_wait()
{
	local name=$1 end=$((SECONDS + ${WAIT_S:-20} * PATIENCE))
	until log_has "$@"; do
		daemon_alive "$name" || { log_has "$@" && return 0; return 1; }
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.05
	done
}

daemon_alive()
{
	kill -0 "${PID[$1]:-}" 2>/dev/null
}

# daemon_stop NAME: TERM, after 10 s (times PATIENCE) KILL. Its exit status, 137 when it had to be killed.
daemon_stop()
{
	local name=$1 pid=${PID[$1]:-} status=0
	[ -n "$pid" ] || return 0
	unset "PID[$name]"
	rm -f "$RUN/$name.pid"
	kill -TERM "$pid" 2>/dev/null
	# pid is our child until it is waited for, so the number cannot become somebody else's.
	if ! wait_for 10 pid_ended "$pid"; then
		echo "$name (pid $pid) did not end in time: killed" >&2
		kill -KILL "$pid" 2>/dev/null
	fi
	wait "$pid" || status=$?
	return "$status"
}

pid_ended()
{
	local state
	state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null)
	[ -z "$state" ] || [ "$state" = Z ]
}

# daemon_kill NAME: KILL at once, as a crash would.
daemon_kill()
{
	kill -KILL "${PID[$1]}" 2>/dev/null
	wait "${PID[$1]}" 2>/dev/null
	unset "PID[$1]"
}

# ---------------------------------------------------------------- all together

# cluster_start [-n REFLECTORS] [-w WORKERS]: everything up to the control links being up.
cluster_start()
{
	local reflectors=1 workers=2 try
	while [ $# -gt 0 ]; do
		case $1 in
		-n) reflectors=$2 ;;
		-w) workers=$2 ;;
		*) fail "cluster_start: no option $1" ;;
		esac
		shift 2
	done
	[ -s "$RUN/ca.crt" ] || pki_make
	for try in 1 2 3; do
		cluster_settings "$reflectors" "$workers"
		if cluster_up; then
			return 0
		fi
		# Somebody outside our locks took a port in between: other ports, once more.
		grep -qiE 'address[ _-]*(already )?in[ _-]*use|EADDRINUSE' "$RUN"/*.log || break
		cluster_kill
		rm -f "$RUN"/*.log
	done
	fail "the daemons did not come up (attempt $try)" "$(last_error)" "see the ends of their logs below"
}

# The last error that a daemon logged, or else the last warning.
last_error()
{
	local level line
	for level in 3 4; do
		line=$(cat "$RUN"/*.log | grep "^<$level>" | tail -n 1 | cut -c 1-300)
		[ -z "$line" ] || { printf '%s\n' "$line"; return; }
	done
	echo "none of them logged an error"
}

cluster_settings()
{
	local i
	REFLECTORS=()
	for ((i = 1; i <= $1; i++)); do
		ports_pick
		[ "$i" -gt 1 ] || AUTHD_PORT=$((PORT + 15))
		reflector_settings "r$i" "$PORT" "$2" $((PORT + 14))
	done
	authd_settings "$AUTHD_PORT"
}

cluster_up()
{
	local name
	for name in "${REFLECTORS[@]}"; do
		reflector_start "$name"
	done
	authd_start
	for name in "${REFLECTORS[@]}" authd; do
		daemon_wait "$name" ready || return 1
	done
	for name in "${REFLECTORS[@]}"; do
		daemon_wait authd link-up "reflector=$name" || return 1
	done
}

cluster_kill()
{
	local name
	for name in "${!PID[@]}"; do
		daemon_stop "$name" >/dev/null 2>&1
	done
}

# cluster_stop: authd first, then the reflectors; each must end with 0, without a sanitizer's report.
cluster_stop()
{
	local name status
	for name in authd "${REFLECTORS[@]}"; do
		status=0
		daemon_stop "$name" || status=$?
		[ "$status" -eq 0 ] || fail "$name ended with status $status, not 0"
	done
	logs_check
}

logs_check()
{
	local found
	found=$(grep -lE 'ERROR: (Address|Leak|Undefined)|runtime error:' "$RUN"/*.log 2>/dev/null)
	[ -z "$found" ] || {
		LOG_LINES=80
		fail "a sanitizer complained" "in $found"
	}
}

# ctl ARGUMENT...: helioctl at this run's authd (HELIO_SOCKET is exported).
ctl()
{
	"$HELIOCTL_BIN" "$@"
}

user_add()
{
	printf '%s\n' "$2" | ctl user add "$1" --password-file - >/dev/null || fail "could not add the user $1"
}

room_add()
{
	ctl room create "$1" >/dev/null || fail "could not create the room $1"
}
