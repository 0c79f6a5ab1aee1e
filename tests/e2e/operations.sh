#!/bin/bash
# Follows doc/operations.md from an empty machine: runs every command of it as it stands there, on four hosts that
# are network namespaces with /etc, /run, /var/lib and /usr/local of their own: inside (198.51.100.5), r1 and r2 in the DMZ, desk elsewhere.
#
#	tests/e2e/operations.sh [--built TREE]
#
# A block of commands is preceded by <!-- run: HOST... -->; a block without it fails the test, unless it names a
# language (```conf). CODE, APIKEY and INVITE stand for what a command before has printed. There is no systemd here: a
# systemctl of our own reads the unit and starts what it says, as the user it says. --built TREE leaves
# out the building of section 2 and takes a tree in which it was done before.
# shellcheck source=tests/e2e/lib.sh
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

DOC=$TOP/doc/operations.md
BUILT=''
declare -A HOST_PID=()  # host -> the process that keeps its namespaces
declare -A ADDRESS=([inside]=198.51.100.5 [r1]=192.0.2.10 [r2]=192.0.2.11 [desk]=203.0.113.7)
CODE='' APIKEY='' INVITE=''
FIRST_KEY='' # the application's, which the text revokes

[ "$(id -u)" -eq 0 ] || skip "network and mount namespaces need root"
unshare -m true 2>/dev/null || skip "no mount namespaces here"

run_begin operations
SELF=$$
NET=ho$((SELF % 100000)) # network namespaces have names of this run
chmod 755 "$RUN"

hosts_end()
{
	local host pid
	for pid in $(cat "$RUN"/*.daemon "$RUN"/*.host 2>/dev/null); do
		kill -TERM "$pid" 2>/dev/null
	done
	for host in inside r1 r2 desk router; do
		ip netns del "$NET-$host" 2>/dev/null
	done
}
trap 'status=$?; hosts_end; (exit $status); run_end' EXIT

# ---------------------------------------------------------------- hosts

net_make()
{
	local host
	ip netns add "$NET-router" || skip "no network namespaces here"
	ip -n "$NET-router" link set lo up
	ip -n "$NET-router" link add br0 type bridge
	ip -n "$NET-router" addr add 192.0.2.1/24 dev br0
	ip -n "$NET-router" link set br0 up
	for host in inside r1 r2 desk; do
		ip netns add "$NET-$host"
		ip -n "$NET-$host" link set lo up
		ip -n "$NET-router" link add "to-$host" type veth peer name eth0 netns "$NET-$host"
		ip -n "$NET-router" link set "to-$host" up
		ip -n "$NET-$host" addr add "${ADDRESS[$host]}/24" dev eth0
		ip -n "$NET-$host" link set eth0 up
		ip -n "$NET-$host" route add default via "${ADDRESS[$host]%.*}.1"
		case $host in
		r?) ip -n "$NET-router" link set "to-$host" master br0 ;;
		*) ip -n "$NET-router" addr add "${ADDRESS[$host]%.*}.1/24" dev "to-$host" ;;
		esac
	done
	ip netns exec "$NET-router" sysctl -qw net.ipv4.ip_forward=1
}

# host_make HOST: a process in its namespaces, with directories of its own; nothing of this machine is written to.
host_make()
{
	local host=$1
	cat >"$RUN/$host.setup" <<-'END'
		set -e
		run=$1 host=$2
		mount --make-rprivate /
		cp -a /etc "$run/$host.etc" && mount --bind "$run/$host.etc" /etc
		echo "198.51.100.5 authd.example" >>/etc/hosts
		rm -rf /etc/heliograph /etc/systemd/system/helio-*
		mkdir -p "$run/keep/dpkg" "$run/keep/apt"
		mount --bind /var/lib/dpkg "$run/keep/dpkg"
		mount --bind /var/lib/apt "$run/keep/apt"
		mount -t tmpfs -o mode=755 tmpfs /var/lib
		mkdir /var/lib/dpkg /var/lib/apt
		mount --bind "$run/keep/dpkg" /var/lib/dpkg
		mount --bind "$run/keep/apt" /var/lib/apt
		mount -t tmpfs -o mode=755 tmpfs /run
		mount -t tmpfs -o mode=755 tmpfs /usr/local
		mkdir -p /usr/local/bin
		install -m 755 "$run/systemctl" /usr/local/bin/systemctl
		touch "$run/$host.made"
		exec sleep infinity
	END
	ip netns exec "$NET-$host" unshare -m bash "$RUN/$host.setup" "$RUN" "$host" >"$RUN/$host.log" 2>&1 &
	HOST_PID[$host]=$!
	echo "$!" >"$RUN/$host.host"
	wait_for 20 test -e "$RUN/$host.made" || fail "the host $host could not be made" "$(cat "$RUN/$host.log")"
}

# on HOST COMMAND...
on()
{
	local host=$1
	shift
	nsenter -t "${HOST_PID[$host]}" -m -n --wd="$RUN/home-$host" -- env -u HELIO_SOCKET HOME="$RUN/home-$host" RUN="$RUN" HOST="$host" LC_ALL=C \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

# The part of systemd that the text uses: it obeys the unit's user, directories, checks and capabilities.
systemctl_make()
{
	cat >"$RUN/systemctl" <<-'END'
		#!/bin/bash
		set -eu
		value() { sed -n "s/^$1=//p" "$file" | tail -n 1; }
		directory()
		{
			[ -z "$2" ] || install -d -m "$3" -o "$user" -g "$user" "$1/$2"
		}
		verb=$1
		shift
		[ "${1:-}" != --now ] || shift
		[ "$verb" != daemon-reload ] || exit 0
		name=$1 file=/etc/systemd/system/$1.service log=$RUN/$HOST-$1.log
		[ -e "$file" ] || { echo "Unit $name.service could not be found." >&2; exit 5; }
		user=$(value User)
		if [ "$verb" = restart ]; then
			pid=$(cat "$RUN/$HOST-$name.daemon")
			kill -TERM "$pid"
			while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
			: >"$log"
			verb=enable
		fi
		case $verb in
		enable)
			directory /run "$(value RuntimeDirectory)" "$(value RuntimeDirectoryMode)"
			directory /var/lib "$(value StateDirectory)" "$(value StateDirectoryMode)"
			caps=$(value AmbientCapabilities | tr '[:upper:]' '[:lower:]')
			caps=${caps#cap_}
			as=(setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs)
			[ -z "$caps" ] || as+=(--inh-caps "+$caps" --ambient-caps "+$caps")
			read -ra check <<<"$(value ExecStartPre)"
			read -ra start <<<"$(value ExecStart)"
			"${as[@]}" "${check[@]}" >>"$log" 2>&1 || { cat "$log" >&2; exit 1; }
			setsid "${as[@]}" "${start[@]}" >>"$log" 2>&1 </dev/null &
			echo "$!" >"$RUN/$HOST-$name.daemon"
			event=ready
			;;
		reload)
			kill -HUP "$(cat "$RUN/$HOST-$name.daemon")"
			event=reload
			;;
		*) echo "systemctl: there is no $verb here" >&2; exit 1 ;;
		esac
		for ((i = 0; i < 2000; i++)); do
			! grep -q "event=$event " "$log" || exit 0
			kill -0 "$(cat "$RUN/$HOST-$name.daemon")" 2>/dev/null || break
			sleep 0.05
		done
		echo "$name did not say $event:" >&2
		tail -n 5 "$log" >&2
		exit 1
	END
	chmod 755 "$RUN/systemctl"
}

# ---------------------------------------------------------------- the text

# blocks: one line "FIRST LAST HOST..." for each block of commands; HOST is ? where the text does not say.
blocks()
{
	awk '
		/^<!-- run: .* -->$/ { hosts = $0; sub(/^<!-- run: /, "", hosts); sub(/ -->$/, "", hosts); next }
		/^```/ {
			if (inside) { if (lang == "") print first, NR - 1, (hosts == "" ? "?" : hosts); inside = 0; hosts = "" }
			else { inside = 1; first = NR + 1; lang = substr($0, 4) }
			next
		}
		!inside && NF { hosts = "" }' "$DOC"
}

# filled: the placeholders of the text become what was printed before.
filled()
{
	sed -e "s|\bCODE\b|$CODE|g" -e "s|\bAPIKEY\b|$APIKEY|g" -e "s|\bINVITE\b|$INVITE|g"
}

found()
{
	grep -oE -- "$2" "$1" | tail -n 1
}

remember()
{
	local out=$1
	CODE=$(found "$out" '--enrol [a-z2-7-]{20,}' | sed 's/.* //') || CODE=$CODE_WAS
	APIKEY=$(found "$out" 'hk_[a-z2-7]+_[A-Za-z0-9_-]+') || APIKEY=$APIKEY_WAS
	FIRST_KEY=${FIRST_KEY:-$APIKEY}
	INVITE=$(found "$out" 'https://[^ ]+/join#[A-Za-z0-9._-]+') || INVITE=$INVITE_WAS
}

# block_run HOST FIRST LAST: the lines as one script that ends at the first failure.
block_run()
{
	local host=$1 out=$RUN/block.out where=$RUN/home-$1
	CODE_WAS=$CODE APIKEY_WAS=$APIKEY INVITE_WAS=$INVITE
	sed -n "$2,$3p" "$DOC" | filled >"$RUN/block"
	case $(cat "$RUN/block") in
	*createuser*) postgres_start ;;
	*'--ca ca.crt'*) cp "$RUN/inside.etc/heliograph/ca.crt" "$where/ca.crt" ;; # somebody carried it here
	scripts/deps* | 'make -C build'*) where=$RUN/tree ;;
	esac
	if ! on "$host" bash -c 'umask 022 && cd "$1" && set -e -x -o pipefail && . "$2"' _ "$where" "$RUN/block" >"$out" 2>&1 </dev/null; then
		tail -n 40 "$out" >&2
		fail "a command of doc/operations.md failed on $host" "lines $2-$3; what it said is above" "mend the text or the program"
	fi
	remember "$out"
	echo "ok lines $2-$3 on $host"
}

links_wait()
{
	local want=$1
	[ "$want" -gt 0 ] || return 0
	wait_for 15 links_are "$want" || {
		on inside helioctl reflector list >&2
		fail "the control links did not come up" "$want should be linked"
	}
}

links_are()
{
	[ "$(on inside helioctl reflector list --json 2>/dev/null | jq '[.reflectors[] | select(.linked)] | length')" = "$1" ]
}

# A PostgreSQL server on the host inside, where Debian's package would have it.
postgres_start()
{
	local bin data=/var/lib/postgresql/15/main
	bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)
	[ -n "$bin" ] || fail "PostgreSQL is not installed" "" "scripts/deps test"
	on inside bash -c "install -d -o postgres -g postgres /var/lib/postgresql /run/postgresql && mkdir -p ${data%/*} &&
		chown postgres: ${data%/*} && cd / && runuser -u postgres -- $bin/initdb --no-sync -A peer -D $data &&
		runuser -u postgres -- $bin/pg_ctl -w -s -l $data/log -D $data -o '-k /run/postgresql -h \"\"' start && cat $data/postmaster.pid" \
		>"$RUN/postgres.log" 2>&1 </dev/null || fail "PostgreSQL did not start" "$(tail -n 5 "$RUN/postgres.log")"
	grep -m 1 -xE '[0-9]+' "$RUN/postgres.log" >"$RUN/postgres.daemon"
}

# ---------------------------------------------------------------- all of it

# The tree as a clone has it, unless one that was built before is given.
tree_make()
{
	mkdir -p "$RUN/home-inside" "$RUN/home-r1" "$RUN/home-r2" "$RUN/home-desk"
	if [ -n "$BUILT" ]; then
		ln -s "$BUILT" "$RUN/tree"
		return
	fi
	mkdir "$RUN/tree"
	{ git -C "$TOP" ls-files -z 2>/dev/null || (cd "$TOP" && find . -type f -not -path './build*' -print0); } |
		tar -C "$TOP" --null -T - -c | tar -x -C "$RUN/tree" || fail "cannot copy the tree"
}

follow()
{
	local first last hosts host links=0
	while read -r first last hosts; do
		[ "$hosts" != '?' ] || fail "doc/operations.md:$first: no <!-- run: HOST --> before these commands"
		[ "$hosts" != everywhere ] || hosts='inside r1 r2 desk'
		if [ -n "$BUILT" ] && sed -n "${first},${last}p" "$DOC" | grep -q '^autoreconf'; then
			continue
		fi
		[ "$hosts" != inside ] || links_wait "$links"
		for host in $hosts; do
			block_run "$host" "$first" "$last"
		done
		links=$((links + $(sed -n "${first},${last}p" "$DOC" | grep -c 'enable --now helio-reflector')))
	done < <(blocks)
	[ "$links" -eq 2 ] || fail "doc/operations.md starts $links reflectors" "a second one is promised"
}

# What a newcomer was promised: a user, an API key, an invite link and a second reflector that work were all used by
# commands above; here is what else must be true at the end.
promises()
{
	local code
	links_wait 2
	on inside helioctl reflector list --json | jq -e '[.reflectors[].state] == ["up", "up"]' >/dev/null ||
		fail "not both reflectors are up at the end"
	on inside helioctl audit verify --json | jq -e '.ok' >/dev/null || fail "the audit log does not verify"
	code=$(on inside curl -s -o /dev/null -w '%{http_code}' --cacert /etc/heliograph/ca.crt -H "Authorization: Bearer $FIRST_KEY" \
		--json '{"user":"carol","room":"demo"}' https://authd.example/v1/token)
	[ "$code" = 401 ] || fail "a revoked API key was answered with $code"
	echo "ok both reflectors up, audit log whole, a revoked key refused"
}

while [ $# -gt 0 ]; do
	case $1 in
	--built) BUILT=$(cd "${2:?a directory}" && pwd) && shift ;;
	*) fail "operations.sh: there is no option $1" ;;
	esac
	shift
done
systemctl_make
tree_make
net_make
for host in inside r1 r2 desk; do
	host_make "$host"
done
MAKEFLAGS=-j$(nproc)
export MAKEFLAGS # the text does not say it, for a machine may be small
follow
promises
hosts_end
logs_check
