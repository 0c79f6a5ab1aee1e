# shellcheck shell=bash
# What the tests of authd share: requests with their answers in files, and a gate that plays the reflector.
# It is sourced behind tests/e2e/lib.sh.

STATUS=''

# pub METHOD PATH [CURL OPTION...]: a request to the public listener. STATUS, $RUN/body and $RUN/head say what came.
pub()
{
	request "$1" "$AUTHD_URL$2" --cacert "$RUN/ca.crt" "${@:3}"
}

# adm METHOD PATH [CURL OPTION...]: the same on the administrator's socket.
adm()
{
	request "$1" "http://authd$2" --unix-socket "$SOCKET" "${@:3}"
}

request()
{
	STATUS=$(curl -sS --max-time 120 -X "$1" -H 'Content-Type: application/json' -o "$RUN/body" -D "$RUN/head" -w '%{http_code}' "${@:3}" "$2" \
		2>"$RUN/curl.err")
}

# body FILTER: of the JSON that came last.
body() { jq -r "$1" "$RUN/body" 2>/dev/null; }

# says STATUS CODE COMMAND...: the request is answered like this, as problem details.
says()
{
	"${@:3}"
	if [ "$STATUS" = "$1" ] && [ "$(body .code)" = "$2" ] &&
		grep -qi '^content-type: application/problem+json' "$RUN/head"; then
		return 0
	fi
	echo "got $STATUS $(head -c 300 "$RUN/body") $(cat "$RUN/curl.err")" >&2
	return 1
}

# is STATUS COMMAND...
is()
{
	"${@:2}"
	[ "$STATUS" = "$1" ] && return 0
	echo "got $STATUS $(head -c 300 "$RUN/body") $(cat "$RUN/curl.err")" >&2
	return 1
}

# login USER PASSWORD ROOM [CURL OPTION...]
login()
{
	pub POST /v1/token "${@:4}" --data-binary \
		"$(jq -nc --arg u "$1" --arg p "$2" --arg r "$3" '{user:$u,password:$p,room:$r}')"
}

# gate_start NAME [MODE]: a fake reflector on the ports that reflector_settings gave it.
gate_start()
{
	: >"$RUN/$1.log"
	daemon_start "$1" node "$E2E/fake_gate.mjs" "$1" "${CONTROL[$1]}" "${PORTS[$1]}" "${WORKERS[$1]}" \
		"$RUN/$1.crt" "$RUN/$1.key" "$RUN/ca.crt" "${2:-good}"
	daemon_wait "$1" ready || fail "the fake reflector $1 did not start"
}

# cpu_ticks PID: user and system time so far.
cpu_ticks() { sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'; }

# rss_kb PID: the most memory it ever had.
rss_kb() { awk '/^VmHWM/ { print $2 }' "/proc/$1/status"; }

# served_certificate: the fingerprint that HTTPS shows now.
served_certificate()
{
	node -e '
		const to = { host: "127.0.0.1", port: process.argv[1], rejectUnauthorized: false };
		const s = require("tls").connect(to, () => {
			console.log(s.getPeerCertificate().fingerprint256);
			s.destroy();
		});' "$AUTHD_PORT"
}
