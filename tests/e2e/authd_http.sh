#!/bin/bash
# authd over HTTP, as strangers, users and the administrator meet it: tokens, refusals that tell nothing, bad
# requests, deadlines, reload, restart. The reflector is a fake one (fake_gate.mjs).
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$TOP/tests/e2e/authd_lib.sh"

# shellcheck disable=SC2034 # read by scripts/lib.sh
AUTHD_EXTRA='hash-memory = 8M'
node_needed
e2e_begin authd-http 150
pki_make
ports_pick
reflector_settings r1 "$PORT" 2 $((PORT + 14))
authd_settings $((PORT + 15))
gate_start r1
authd_start
daemon_wait authd ready || fail 'authd does not start'
daemon_wait authd link-up || fail 'authd does not link'

# ---------------------------------------------------------------- things that only take time, meanwhile

# Half a ClientHello and then silence; how long until it was cut. Somebody looks at it all the time: the cases below
# take as long as they take.
silence()
{
	local fd begin=$SECONDS
	exec {fd}<>"/dev/tcp/127.0.0.1/$AUTHD_PORT"
	printf '\x16\x03\x01\x02\x00\x01' >&"$fd"
	timeout 100 cat <&"$fd" >/dev/null
	echo $((SECONDS - begin)) >"$RUN/silence"
}
silence_costs()
{
	local before after ticks begin ms
	before=$(cpu_ticks "${PID[authd]}") begin=$(date +%s%3N)
	sleep 1.5
	after=$(cpu_ticks "${PID[authd]}") ms=$(($(date +%s%3N) - begin))
	ticks=$((after - before))
	[ $((ticks * 100 * 1000)) -lt $((5 * ms * $(getconf CLK_TCK))) ] && return 0
	echo "$ticks ticks in $ms ms" >&2
	return 1
}
# cut FILE: when the 10 s of a handshake are over, not before and not at any time.
cut() { [ "$(cat "$RUN/$1")" -ge 8 ] && [ "$(cat "$RUN/$1")" -le 60 ] || { echo "cut after $(cat "$RUN/$1") s" >&2; return 1; }; }

# A byte of the handshake now and then does not keep it from its end.
drip()
{
	local fd begin=$SECONDS
	exec {fd}<>"/dev/tcp/127.0.0.1/$AUTHD_PORT"
	printf '\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03' >&"$fd"
	while [ $((SECONDS - begin)) -lt 100 ] && printf '\x00' >&"$fd"; do
		# over 128: a second without a byte, as it should be; 1: the end
		read -r -t 1 -u "$fd" _
		[ $? -gt 128 ] || break
	done
	echo $((SECONDS - begin)) >"$RUN/drip"
}

drip 2>/dev/null &
E2E_JOBS+=($!)
drip_pid=$!
silence 2>/dev/null &
E2E_JOBS+=($!)
silence_pid=$!
check 'half a ClientHello costs no CPU' silence_costs

# ---------------------------------------------------------------- the administrator

check 'user added' is 201 adm POST /v1/users -d '{"name":"alice","password":"correct horse"}'
check 'user twice' says 409 exists adm POST /v1/users -d '{"name":"alice","password":"correct horse"}'
check 'password too short' says 400 bad-field adm POST /v1/users -d '{"name":"bob","password":"1234567"}'
check 'password with a NUL' says 400 bad-json adm POST /v1/users -d '{"name":"bob","password":"12345678\u0000"}'
check 'bad name' says 400 bad-field adm POST /v1/users -d '{"name":"b ob","password":"12345678"}'
check 'another user' is 201 adm POST /v1/users -d '{"name":"mallory","password":"correct horse"}'
check 'user disabled' is 200 adm PATCH /v1/users/mallory -d '{"disabled":true}'
check 'no such user' says 404 not-found adm PATCH /v1/users/nobody -d '{"disabled":true}'
check 'nothing to change' says 400 bad-field adm PATCH /v1/users/alice -d '{}'
users()
{
	adm GET /v1/users && [ "$(body '[.users[] | "\(.name) \(.disabled)"] | join(",")')" = 'alice false,mallory true' ]
}
check 'users listed' users
check 'no hash leaves' bash -c "! grep -q argon2 '$RUN/body'"
check 'room created' is 201 adm POST /v1/rooms -d '{"name":"demo"}'
check 'room twice' says 409 exists adm POST /v1/rooms -d '{"name":"demo"}'
check 'room elsewhere' is 201 adm POST /v1/rooms -d '{"name":"quiet"}'
check 'no such room' says 404 not-found adm GET /v1/rooms/none
socket_mode() { [ "$(stat -c '%a %F' "$SOCKET")" = '600 socket' ]; }
check 'admin socket is private' socket_mode
state_mode()
{
	[ "$(stat -c %a "$RUN/state" "$RUN/state/keys" "$RUN"/state/keys/*.pem "$RUN/state/ca.key" "$RUN/state/authd.sqlite" |
		tr '\n' ' ')" = '700 700 600 600 600 ' ]
}
check 'state is private' state_mode

# Somebody else who got at the socket in spite of its mode.
foreign_uid()
{
	chmod 711 "$RUN"
	chmod 666 "$SOCKET"
	setpriv --reuid 65534 --regid 65534 --clear-groups \
		curl -sS --unix-socket "$SOCKET" http://authd/v1/users >"$RUN/foreign"
	chmod 600 "$SOCKET"
	chmod 700 "$RUN"
	[ "$(jq -r .code "$RUN/foreign")" = denied ]
}
if [ "$(id -u)" -eq 0 ]; then
	check 'another uid is denied' foreign_uid
fi

# ---------------------------------------------------------------- a token

good_token()
{
	pub POST /v1/token -d '{"user":"alice","password":"correct horse","room":"demo","device":"laptop","name":"Alïce"}' &&
		[ "$STATUS" = 200 ] && cp "$RUN/body" "$RUN/token.json" &&
		[ "$(body .participant)" = alice+laptop ] && [ "$(body .room)" = demo ] && [ "$(body .cluster)" = test ] &&
		[ "$(body '.endpoints[0].tls_name')" = r1.test ] && [ "$(body '.endpoints[0].address')" = 127.0.0.1 ] &&
		[ "$(body '.endpoints[0].pin | length')" -eq 51 ] && [ "$(body '.endpoints[0].port')" -ge "$PORT" ]
}
check 'a token' good_token
token=$(jq -r .token "$RUN/token.json")
check 'key set' is 200 pub GET /.well-known/jwks.json
# Kept for less than the 30 s for which a new key is published before it signs.
jwks_kept() { grep -qi '^cache-control: public, max-age=10' "$RUN/head"; }
check 'which may be kept for a while' jwks_kept
cp "$RUN/body" "$RUN/jwks.json"
same_keys() { [ "$(jq -Sc .keys "$RUN/token.json")" = "$(jq -Sc . "$RUN/jwks.json")" ]; }
check 'the key set came with the token' same_keys
independent()
{
	rnbyc -t "$token" -P "$RUN/jwks.json" -H true >"$RUN/rnbyc" 2>&1 && grep -q 'signature verified' "$RUN/rnbyc"
}
check 'an independent program verifies it' independent
forged()
{
	local bad=${token%?????}AAAAA
	rnbyc -t "$bad" -P "$RUN/jwks.json" >"$RUN/rnbyc" 2>&1
	! grep -q 'signature verified' "$RUN/rnbyc"
}
check 'and refuses a forged one' forged
claims()
{
	local payload
	payload=$(cut -d . -f 2 <<<"$token" | tr '_-' '/+' | base64 -d 2>/dev/null | jq -c .)
	jq -e --arg now "$(date +%s)" '.iss == "authd" and .aud == "test" and .sub == "alice+laptop" and .usr == "alice"
		and .name == "Alïce" and .room == "demo" and (.jti | length) == 22 and .exp - .iat == 43200
		and (.at | length) == 1 and .grants.publish == ["audio", "video", "screen"] and .grants.moderate == false' \
		<<<"$payload" >/dev/null
}
check 'its claims' claims
recorded()
{
	adm GET /v1/tokens && [ "$(body '.tokens | length')" -eq 1 ] && [ "$(body '.tokens[0].participant')" = alice+laptop ]
}
check 'it was recorded' recorded
check 'the token is on the admin socket too' is 200 adm POST /v1/token \
	-d '{"user":"alice","password":"correct horse","room":"demo"}'

# ---------------------------------------------------------------- refusals that tell nothing

alike()
{
	local first='' case head
	for case in 'alice|wrong horse|demo' 'nobody|correct horse|demo' 'alice|correct horse|none' \
		'mallory|correct horse|demo' 'alice||demo'; do
		IFS='|' read -r user password room <<<"$case"
		login "$user" "$password" "$room"
		[ "$STATUS" = 401 ] && [ "$(body .code)" = login-failed ] || { echo "$case: $STATUS" >&2; return 1; }
		head=$(grep -vi '^date:' "$RUN/head"; cat "$RUN/body")
		[ -z "$first" ] || [ "$head" = "$first" ] || { echo "$case differs" >&2; return 1; }
		first=$head
	done
}
check 'wrong password, user, room and a disabled user are alike' alike

# ---------------------------------------------------------------- bad requests

head -c 65536 /dev/zero | tr '\0' ' ' >"$RUN/64k"
head -c 65537 /dev/zero | tr '\0' ' ' >"$RUN/64k+1"
check 'a body of 65536 bytes is read' says 400 bad-json pub POST /v1/token --data-binary "@$RUN/64k"
check 'one more is too large' says 413 too-large pub POST /v1/token --data-binary "@$RUN/64k+1"
check 'also without a length' says 413 too-large pub POST /v1/token -H 'Transfer-Encoding: chunked' \
	--data-binary "@$RUN/64k+1"
endless()
{
	local before after
	before=$(rss_kb "${PID[authd]}")
	head -c 300000000 /dev/zero |
		timeout 100 curl -sS --cacert "$RUN/ca.crt" -T - -X POST "$AUTHD_URL/v1/token" >"$RUN/endless" 2>&1
	after=$(rss_kb "${PID[authd]}")
	is_sanitized_authd || [ $((after - before)) -lt 2048 ] || { echo "$before kB grew to $after kB" >&2; return 1; }
}
is_sanitized_authd() { grep -q __asan_init "$AUTHD_BIN"; }
check 'a body without end is cut and not kept' endless
check 'compressed body' says 415 bad-field pub POST /v1/token -H 'Content-Encoding: gzip' -d 'x'
check 'garbage' says 400 bad-json pub POST /v1/token --data-binary $'\x80\xff{'
check 'empty body' says 400 bad-json pub POST /v1/token -d ''
check 'no object' says 400 bad-json pub POST /v1/token -d '["user"]'
check 'two objects' says 400 bad-json pub POST /v1/token -d '{}{}'
check 'key twice' says 400 bad-json pub POST /v1/token -d '{"user":"alice","user":"bob","password":"x","room":"demo"}'
deep=$(printf '[%.0s' {1..40})$(printf ']%.0s' {1..40})
check 'too deep' says 400 bad-json pub POST /v1/token -d "{\"user\":$deep}"
check 'field missing' says 400 bad-field pub POST /v1/token -d '{"user":"alice","room":"demo"}'
check 'field of another type' says 400 bad-field pub POST /v1/token \
	-d '{"user":"alice","password":["x"],"room":"demo"}'
check 'device with a plus' says 400 bad-field pub POST /v1/token \
	-d '{"user":"a","password":"x","room":"demo","device":"a+b"}'
check 'name that turns the text round' says 400 bad-field pub POST /v1/token \
	-d '{"user":"a","password":"x","room":"demo","name":"a\u202eb"}'
check 'unknown fields are passed over' is 200 pub POST /v1/token \
	-d '{"user":"alice","password":"correct horse","room":"demo","new":{}}'
check 'wrong method' says 405 unknown-message pub GET /v1/token
check 'and which would be right' grep -qi '^allow: POST' "$RUN/head"
check 'no such path' says 404 not-found pub GET /v2/token
check 'path with a NUL' says 404 not-found pub GET '/healthz%00/x'
check 'name with a NUL' says 404 not-found adm PATCH '/v1/users/alice%00x' -d '{"disabled":true}'
check 'query with a NUL' says 400 bad-field adm GET '/v1/tokens?room=demo%00x'
check 'path that climbs' says 404 not-found pub GET /v1/../../etc/passwd --path-as-is
for path in /v1/users /v1/rooms /v1/rooms/demo /v1/tokens /v1/participants /v1/reflectors; do
	check "$path is not public" says 404 not-found pub GET "$path"
done
check 'revoking is not public' says 404 not-found pub DELETE /v1/tokens/aaaaaaaa
check 'health' is 200 pub GET /healthz

# raw TEXT: bytes to the admin socket, and the first line that comes back.
raw()
{
	printf '%b' "$1" | node -e '
		const s = require("net").connect(process.argv[1]);
		process.stdin.on("data", (d) => s.write(d));
		s.setTimeout(30000, () => s.destroy());
		s.on("data", (d) => { console.log(String(d).split("\r\n")[0]); s.destroy(); });
		s.on("error", () => {});
		s.on("close", () => process.exit(0));' "$SOCKET"
}
two_lengths()
{
	raw 'POST /v1/rooms HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x' | grep -q ' 400 '
}
check 'two lengths of one body' two_lengths
both_lengths()
{
	raw 'POST /v1/rooms HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n' |
		grep -q ' 400 '
}
check 'length and chunks' both_lengths

tls12()
{
	! curl -sS --max-time 60 --tls-max 1.2 --cacert "$RUN/ca.crt" "$AUTHD_URL/healthz" >"$RUN/body" 2>"$RUN/curl.err" &&
		curl -sS --max-time 60 --tlsv1.3 --cacert "$RUN/ca.crt" "$AUTHD_URL/healthz" >/dev/null
}
check 'TLS 1.2 is refused' tls12
plain() { ! curl -sS --max-time 60 "http://127.0.0.1:$AUTHD_PORT/healthz" >"$RUN/body" 2>"$RUN/curl.err"; }
check 'HTTP without TLS is refused' plain

# ---------------------------------------------------------------- what the administrator sees of it

room_live()
{
	adm GET /v1/rooms || return 1
	[ "$(body '.rooms[] | select(.name == "demo") | "\(.live) \(.reflector) \(.participants) \(.streams)"')" = \
		'true r1 1 2' ] &&
		[ "$(body '.rooms[] | select(.name == "quiet") | .live')" = false ] && [ "$(body .partial)" = false ]
}
check 'rooms, live and not' room_live
room_shown()
{
	adm GET /v1/rooms/demo && [ "$(body '.participants_list[0].id')" = alice ] && [ "$(body .live)" = true ]
}
check 'one room' room_shown
people()
{
	adm GET '/v1/participants?room=demo' && [ "$(body '.participants | length')" -eq 1 ] && [ "$(body .partial)" = false ]
}
check 'participants' people
check 'participants of a bad name' says 400 bad-field adm GET '/v1/participants?room=a%20b'
reflectors()
{
	adm GET /v1/reflectors && [ "$(body '.reflectors[0] | "\(.name) \(.state) \(.workers | length)"')" = 'r1 up 2' ]
}
check 'reflectors' reflectors

jti=$(adm GET /v1/tokens && body '.tokens[0].jti')
check 'revoked by a prefix' is 204 adm DELETE "/v1/tokens/${jti:0:8}"
check 'revoked twice' is 204 adm DELETE "/v1/tokens/$jti"
check 'no such token' says 404 not-found adm DELETE /v1/tokens/AAAAAAAAAA
told() { grep -q "\"type\":\"revoke\".*$jti" "$RUN/r1.log"; }
check 'the reflector is told' wait_for 5 told
disabling()
{
	local live
	live=$(adm GET '/v1/tokens?user=alice' && body '.tokens | length')
	[ "$live" -gt 1 ] && is 200 adm PATCH /v1/users/alice -d '{"disabled":true}' &&
		adm GET '/v1/tokens?user=alice' && [ "$(body '.tokens | length')" -eq 0 ] &&
		says 401 login-failed login alice 'correct horse' demo &&
		is 200 adm PATCH /v1/users/alice -d '{"disabled":false}' && is 200 login alice 'correct horse' demo
}
check 'disabling revokes, enabling lets in again' disabling
new_password()
{
	is 200 adm PATCH /v1/users/alice -d '{"password":"battery staple"}' &&
		says 401 login-failed login alice 'correct horse' demo && is 200 login alice 'battery staple' demo
}
check 'a new password' new_password

# ---------------------------------------------------------------- reload

reload_certificate()
{
	local before after count
	before=$(served_certificate)
	count=$(log_count authd reload)
	pki_issue authd authd.test localhost 127.0.0.1 ::1
	kill -HUP "${PID[authd]}"
	reloaded() { [ "$(log_count authd reload)" -gt "$count" ]; }
	wait_for 5 reloaded || return 1
	after=$(served_certificate)
	[ -n "$before" ] && [ -n "$after" ] && [ "$before" != "$after" ] && is 200 pub GET /healthz
}
check 'SIGHUP takes a new certificate' reload_certificate
reload_bad()
{
	local before count
	before=$(served_certificate)
	count=$(log_count authd reload-failed)
	cp "$RUN/authd.crt" "$RUN/authd.crt.good"
	cp "$RUN/r1.crt" "$RUN/authd.crt" # a good certificate, but not of this key
	kill -HUP "${PID[authd]}"
	refused() { [ "$(log_count authd reload-failed)" -gt "$count" ]; }
	wait_for 5 refused || return 1
	mv "$RUN/authd.crt.good" "$RUN/authd.crt"
	[ "$(served_certificate)" = "$before" ] && grep -q 'does not belong' "$RUN/authd.log"
}
check 'SIGHUP with a bad pair keeps the old one' reload_bad
reload_settings()
{
	local count
	count=$(log_count authd reload-failed)
	cp "$RUN/authd.conf" "$RUN/authd.conf.good"
	echo 'nonsense = 1' >>"$RUN/authd.conf"
	kill -HUP "${PID[authd]}"
	refused() { [ "$(log_count authd reload-failed)" -gt "$count" ]; }
	wait_for 5 refused && mv "$RUN/authd.conf.good" "$RUN/authd.conf" &&
		grep -q nonsense "$RUN/authd.log" && is 200 pub GET /healthz
}
check 'SIGHUP with a bad file keeps the old settings' reload_settings
reload_life()
{
	local count
	count=$(log_count authd reload)
	sed -i '1i token-life = 1h' "$RUN/authd.conf"
	kill -HUP "${PID[authd]}"
	reloaded() { [ "$(log_count authd reload)" -gt "$count" ]; }
	wait_for 5 reloaded && is 200 login alice 'battery staple' demo &&
		[ $(($(body .expires_at) - $(date +%s))) -le 3600 ] && [ "$(log_count authd link-down)" -eq 0 ]
}
check 'SIGHUP changes settings, and no link falls' reload_life

# ---------------------------------------------------------------- end and new start

wait "$drip_pid" "$silence_pid"
check 'half a ClientHello is cut at its deadline' cut silence
check 'a dripping handshake is cut' cut drip
kid=$(jq -r '.keys[0].kid' "$RUN/jwks.json")
check 'SIGTERM ends it with 0' daemon_stop authd
check 'the socket is gone' test ! -e "$SOCKET"
check 'the lock does not outlive it' authd_start
check 'ready again' daemon_wait authd ready
ready_twice() { [ "$(log_count authd ready)" -eq 2 ] && [ "$(log_count authd link-up)" -eq 2 ]; }
check 'linked again' wait_for 10 ready_twice
same_kid() { pub GET /.well-known/jwks.json && [ "$(body '.keys[0].kid')" = "$kid" ]; }
check 'the key is the same' same_kid
check 'users and rooms are still there' is 200 login alice 'battery staple' demo
resent() { [ "$(grep -c "\"type\":\"revoke\".*$jti" "$RUN/r1.log")" -ge 2 ]; }
check 'revocations are sent again' wait_for 5 resent
second_daemon()
{
	sed "s/:$AUTHD_PORT\"/:$((AUTHD_PORT - 2))\"/" "$RUN/authd.conf" >"$RUN/second.conf"
	! timeout 60 "$AUTHD_BIN" --settings "$RUN/second.conf" >"$RUN/second.out" 2>&1 &&
		grep -q 'another helio-authd' "$RUN/second.out"
}
check 'a second daemon on the same state is refused' second_daemon
crash()
{
	local ready
	ready=$(log_count authd ready)
	daemon_kill authd
	authd_start
	again() { [ "$(log_count authd ready)" -gt "$ready" ]; }
	wait_for 10 again && is 200 adm GET /v1/users
}
check 'after kill -9 it starts again, over the old socket' crash

# ---------------------------------------------------------------- failed logins in numbers

limited()
{
	local i
	for i in {1..60}; do
		login stranger 'wrong wrong' demo
		[ "$STATUS" = 401 ] || break
	done
	[ "$STATUS" = 429 ] && [ "$(body .code)" = rate ] && grep -qiE '^retry-after: [1-9]' "$RUN/head"
}
check 'too many failures: wait' limited
secrets() { ! grep -qE 'correct horse|battery staple|wrong wrong|eyJ|argon2|PRIVATE' "$RUN/authd.log"; }
check 'no secret in the log' secrets
forged_line()
{
	says 400 bad-field login $'a\n<3>event=forged' x demo && ! grep -q '^<3>event=forged' "$RUN/authd.log"
}
check 'no line is forged in the log' forged_line

# ---------------------------------------------------------------- starts that must fail

# refuses WORD TEXT: settings with this text are refused, and the reason has the word.
refuses()
{
	printf '%s\n' "$2" >"$RUN/bad.conf"
	timeout 60 "$AUTHD_BIN" --settings "$RUN/bad.conf" >"$RUN/bad.out" 2>&1
	[ $? -eq 3 ] && grep -q "bad.conf" "$RUN/bad.out" && grep -qF "$1" "$RUN/bad.out" && return 0
	cat "$RUN/bad.out" >&2
	return 1
}
check 'empty settings' refuses 'listen is missing' ''
check 'unknown key names file and line' refuses 'bad.conf:2:' $'cluster = "x"\nnonsense = 1'
judged() { "$AUTHD_BIN" --settings "$RUN/authd.conf" --check | grep -q good; }
check '--check' judged
version() { "$AUTHD_BIN" --version | grep -q '^helio-authd [0-9]'; }
check '--version' version
usage() { "$AUTHD_BIN" --nonsense >"$RUN/bad.out" 2>&1; [ $? -eq 2 ]; }
check 'unknown option' usage
open_key()
{
	mkdir -m 700 "$RUN/state2" "$RUN/state2/keys"
	cp "$RUN"/state/keys/*.pem "$RUN/state2/keys/"
	chmod 640 "$RUN"/state2/keys/*.pem
	sed "s|$RUN/state|$RUN/state2|; s|$SOCKET|$SOCKET.2|; s/:$AUTHD_PORT\"/:$((AUTHD_PORT - 2))\"/" \
		"$RUN/authd.conf" >"$RUN/open.conf"
	! timeout 60 "$AUTHD_BIN" --settings "$RUN/open.conf" >"$RUN/open.out" 2>&1 && grep -q 'chmod 600' "$RUN/open.out"
}
check 'a key that others can read is refused' open_key
e2e_end
