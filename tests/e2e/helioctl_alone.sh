#!/bin/bash
# helioctl against an authd of our own making (fake_authd.mjs): what each command sends, pages, contexts over
# HTTPS, dry runs and questions, the terminal (colours, QR codes, top), and servers that lie, stall or break off.
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

PTY_RUN=$BUILD/tests/tools/pty_run
command -v jq >/dev/null || skip 'there is no jq'
node_needed
e2e_begin ctlalone 240
export XDG_CONFIG_HOME=$RUN/xdg
unset HELIOCTL_CONTEXT NO_COLOR COLORFGBG

pki_make
pki_issue web 127.0.0.1
pki_issue named other.example
node "$E2E/fake_authd.mjs" "$RUN" "$RUN/web.crt" "$RUN/web.key" "$RUN/ca.crt" >"$RUN/fake.log" 2>&1 &
E2E_JOBS+=($!)
wait_for 20 test -e "$RUN/ready"
URL=https://127.0.0.1:$(cat "$RUN/port")
export HELIO_SOCKET=$RUN/good.sock

# run STATUS COMMAND...: helioctl ends so; what it says is in $RUN/out and $RUN/err.
run()
{
	local want=$1 got=0
	shift
	ctl "$@" >"$RUN/out" 2>"$RUN/err" </dev/null || got=$?
	[ "$got" -eq "$want" ] || { printf 'status %s, not %s\n' "$got" "$want"; head -c 2000 "$RUN/out" "$RUN/err"; return 1; }
}
says()
{
	local status=$1 text=$2
	shift 2
	run "$status" "$@" || return 1
	grep -qF -- "$text" "$RUN/out" "$RUN/err" || { head -c 2000 "$RUN/out" "$RUN/err"; return 1; }
	[ "$status" -eq 0 ] || [ "$status" -eq 6 ] || grep -q 'what to do: ' "$RUN/err" || { cat "$RUN/err"; return 1; }
}
holds()
{
	local filter=$1
	shift
	run 0 "$@" --json && jq -e "$filter" "$RUN/out" >/dev/null || { head -c 2000 "$RUN/out"; return 1; }
}
# passes FILTER: what was printed last passes the jq filter.
passes() { jq -e "$1" "$RUN/out" >/dev/null; }
# sends 'METHOD PATH BODY' COMMAND...: the last request of the command was this one.
sends()
{
	local want=$1 got
	shift
	: >"$RUN/requests"
	run 0 "$@" --yes >/dev/null || run 0 "$@" || return 1
	got=$(tail -n 1 "$RUN/requests")
	[ "$got" = "$want " ] || [ "$got" = "$want" ] || { printf 'sent: %s\nwant: %s\n' "$got" "$want"; return 1; }
}

# ---------------------------------------------------------------- what is sent

check 'room create' sends 'POST /v1/rooms {"name":"new","policy":{"capacity":5,"lobby":true}}' room create new capacity=5 lobby=yes
check 'room policy keeps what was there' sends 'PATCH /v1/rooms/new {"policy":{"capacity":5,"lobby":true,"users":["alice","team-*"]}}' \
	room policy new users=alice,team-\*
check 'room policy takes a key away' sends 'PATCH /v1/rooms/new {"policy":{"lobby":true,"users":[]}}' room policy new capacity=default users=
hours='{"policy":{"lobby":true,"users":[],"hours":[{"days":["sat","sun","mon"],"from":"08:00","to":"24:00"}]}}'
check 'hours over the weekend' sends "PATCH /v1/rooms/new $hours" room policy new 'hours=sat-mon 08:00-24:00'
echo '{"guests":false}' >"$RUN/policy.json"
check 'room policy from a file' sends 'PATCH /v1/rooms/new {"policy":{"guests":false,"e2ee":true}}' \
	room policy new --file "$RUN/policy.json" e2ee=on
check 'room lock' sends 'PATCH /v1/rooms/new {"locked":true}' room lock new
check 'room unlock' sends 'PATCH /v1/rooms/new {"locked":false}' room unlock new
check 'room close' sends 'POST /v1/rooms/new/close {"reason":"late"}' room close new --reason late
check 'room rekey' sends 'POST /v1/rooms/new/rekey' room rekey new
check 'room delete' sends 'DELETE /v1/rooms/new' room delete new
people=/v1/rooms/demo/participants
check 'mute' sends "POST $people/alice/mute {\"kinds\":[\"audio\"]}" participant mute demo alice
check 'unmute' sends "POST $people/alice/unmute {\"kinds\":[\"video\",\"screen\"]}" participant unmute demo alice --kinds video,screen
check 'kick and ban' sends "POST $people/bob/kick {\"reason\":\"rude\",\"ban_s\":3600}" participant kick demo bob --ban 1h --reason rude
check 'move' sends "POST $people/bob/move {\"to\":\"other\"}" participant move demo bob other
check 'admit' sends "POST $people/bob/admit {}" participant admit demo bob
check 'deny' sends "POST $people/bob/deny {}" participant deny demo bob
check 'revoke a token' sends 'DELETE /v1/tokens/jti-alice' token revoke jti-alice
check 'revoke by user' sends 'POST /v1/revocations {"kind":"user","id":"alice"}' token revoke --user alice
check 'revoke by user in a room' sends 'POST /v1/revocations {"kind":"user","id":"alice","room":"demo"}' token revoke --user alice --room demo
check 'revoke by key, by its id' sends 'POST /v1/revocations {"kind":"apikey","id":"abcdefghijkl"}' token revoke --apikey app
check 'ban' sends 'POST /v1/revocations {"kind":"room","id":"demo","reason":"x","ban_s":1800}' ban add 30m --room demo --reason x
check 'lift' sends 'DELETE /v1/revocations/7' ban lift 7
# shellcheck disable=SC2016 # a hash
check 'user add with a hash' sends 'POST /v1/users {"name":"dora","policy":{"chat":false},"hash":"$6$abc$def"}' \
	user add dora chat=no --hash <(echo '$6$abc$def')
check 'user policy' sends 'PATCH /v1/users/alice {"policy":{"bitrate":{"video":4000000},"session_s":14400}}' \
	user policy alice bitrate.video=4M session=4h
check 'user delete' sends 'DELETE /v1/users/dora' user delete dora
check 'apikey create' sends 'POST /v1/apikeys {"name":"backend","rooms":["team-*"],"grants":{"publish":["audio"]},"admin":true}' \
	apikey create backend rooms=team-\* publish=audio --admin
check 'the key is alone on stdout' test "$(cat "$RUN/out")" = hk_abc_secret
check 'apikey revoke' sends 'DELETE /v1/apikeys/app' apikey revoke app
check 'invite create' sends 'POST /v1/invites {"room":"demo","grants":{"moderate":false},"label":"Gina","expires_at":1800000000,"uses":3,"passcode":"1234"}' \
	invite create demo moderate=no --label Gina --expires @1800000000 --uses 3 --passcode-file <(echo 1234)
check 'invite revoke' sends 'DELETE /v1/invites/inv1' invite revoke inv1
check 'enrol' sends 'POST /v1/reflectors {"name":"r9","control":"192.0.2.9:49200","address":"192.0.2.9","ports":"49152-49153","weight":50}' \
	reflector enrol r9 --control 192.0.2.9:49200 --address 192.0.2.9 --ports 49152-49153 --weight 50
check 'the one command to run there' grep -qF 'helio-reflector --enrol ABCDE-FGHIJ' "$RUN/out"
check 'drain' sends 'PATCH /v1/reflectors/r1 {"state":"drain"}' reflector drain r1
check 'undrain' sends 'PATCH /v1/reflectors/r1 {"state":"up"}' reflector undrain r1
check 'weight' sends 'PATCH /v1/reflectors/r1 {"weight":7}' reflector weight r1 7
check 'remove' sends 'DELETE /v1/reflectors/r1' reflector remove r1
check 'key rotate' sends 'POST /v1/keys/rotate' key rotate
check 'policy set' sends 'PATCH /v1/policy {"grants":{"publish":["audio"],"chat":false},"room":{"capacity":20}}' \
	policy set grants.chat=no room.capacity=20

check 'a key that is unknown: did you mean' says 2 'did you mean capacity?' room policy demo capasity=5
check 'a value of another kind' says 2 'capacity is a whole number' room policy demo capacity=many
check 'hours that are none' says 2 'hours is such as' room policy demo hours='mon 25:00-26:00'
check 'a list with a hole' says 2 'a list such as' room policy demo users=a,,b
check 'no expiry' says 2 'it is no time' room policy demo --expires 2026-02-31
check 'kinds that are none' says 2 'no kind of stream' participant mute demo alice --kinds smell
check 'revoke what?' says 2 'not said which' token revoke --yes
check 'revoke which now?' says 2 'a token was named' token revoke abc --user alice --yes
check 'ban whom?' says 2 'not said whom' ban add 1h --yes
check 'a ban of no duration' says 2 'no duration' ban add tomorrow --user a --yes
check 'enrol where?' says 2 '--control and --address' reflector enrol r9
check 'names by the server: did you mean' says 5 'did you mean alice?' user show alcie
check 'and for people in a room' says 5 'did you mean bob?' participant kick demo bpb --yes

# ---------------------------------------------------------------- lists and pages

check 'all pages are read' test "$(ctl room list -q | wc -l)" -eq 2504
check 'and none is left in JSON' holds '(.rooms | length) == 2504 and (has("next") | not)' room list
check 'people' holds '.participants | length == 3' participant list
check 'bans' holds '.revocations[0].until_rfc3339 | test("^20")' ban list
for noun in user apikey invite reflector key; do
	check "$noun list" run 0 "$noun" list
	check "$noun list as JSON" holds 'keys | length > 0' "$noun" list
	check "$noun names" run 0 "$noun" list -q
done
check 'a policy with a list' run 0 room policy demo users=alice,bob
check 'is shown as it is typed' says 0 'users=alice,bob' room policy demo
check 'the audit log' says 0 'room.create' audit tail --lines 3
check 'three lines' test "$(wc -l <"$RUN/out")" -eq 3
check 'verify' says 0 'whole: 2500 records' audit verify
check 'export' run 0 audit export --output "$RUN/audit.jsonl"
check 'every record, and the head' test "$(wc -l <"$RUN/audit.jsonl")" -eq 2501
check 'each line is JSON' test "$(jq -s '.[0].seq == 1 and .[-1].records == 2500 and (.[-1].head | length == 64)' "$RUN/audit.jsonl")" = true
check 'a failed export leaves what was there' says 1 'HTTP status 502' audit export --output "$RUN/audit.jsonl" --socket "$RUN/html.sock"
check 'as it was' test "$(wc -l <"$RUN/audit.jsonl")" -eq 2501
no_rest() { ! compgen -G "$RUN/audit.jsonl.*" >/dev/null; }
check 'and nothing beside it' no_rest
check 'events' says 0 'why="wrong pin"' events
check 'status' says 0 'database.kind' status
check 'doctor finds what is wrong: 1' run 1 doctor --json
check 'and says it' passes '.ok == false and (.findings | map(select(.check == "link" and .state == "failed")) | length == 1)
	and (.findings | map(select(.check == "certificate") | .state) == ["ok", "ok", "warning", "warning", "failed"])
	and (.findings | map(select(.check == "keys") | .state) == ["warning"])
	and (.findings | all(.state == "ok" or (.why != "" and .todo != "")))'
check 'doctor without authd: 1' run 1 doctor --socket "$RUN/none.sock"
check 'top once' says 0 'DROPS/S' top --once --interval 0.3
# A busy machine may come to its second sample late; then once more.
check 'top as JSON: rates from two samples' wait_for 10 holds '.totals.in_bps > 4e6 and .totals.in_bps < 8e6 and .totals.queue_ms == 200
	and .participants[0].name != "" and (.reflectors | length == 3)' top --interval 0.5
check 'top sorts and filters' holds '.rooms == [] and (.participants | map(.name) == ["bob"])' top --filter bob --interval 0.2
check 'top without a terminal: 2' says 2 'no terminal' top
check 'a column that is none' says 2 'no such column' top --once --sort smell

# ---------------------------------------------------------------- before something is destroyed

: >"$RUN/requests"
check 'no terminal and no --yes: 2' says 2 'no terminal to ask' user delete alice
check 'nothing was sent' test ! -s "$RUN/requests"
check '--dry-run counts' says 0 'would revoke 1 token and end 1 session' user disable alice --dry-run
check 'and as JSON' holds '.dry_run and .tokens == 3 and .sessions == 3' room close demo --dry-run
no_changes() { ! grep -qE '^(POST|PATCH|DELETE)' "$RUN/requests"; }
check 'a dry run reads only' no_changes

# ---------------------------------------------------------------- contexts

run_key() { printf '%s\n' "$1" | ctl context add "${@:2}" --key-file - >"$RUN/out" 2>"$RUN/err"; }
unset HELIO_SOCKET
check 'add a context' run_key hk_good prod "$URL" --ca "$RUN/ca.crt"
check 'the file is ours alone' test "$(stat -c %a "$XDG_CONFIG_HOME/helioctl/config")" = 600
check 'the list has no key in it' says 0 'prod' context list
no_key() { ! grep -q hk_good "$RUN/out"; }
check 'really not' no_key
check 'over HTTPS with a key' says 0 'alice' user list --context prod
check 'by the environment' env HELIOCTL_CONTEXT=prod "$HELIOCTL_BIN" user list -q
check 'use it' run 0 context use prod
check 'from now on' says 0 'alice' user list
check 'another key: 4' run_key hk_bad wrong "$URL" --ca "$RUN/ca.crt"
check 'is told so' says 4 'this key may not' user list --context wrong
check 'and what to do' grep -qF 'made with --admin' "$RUN/err"
check 'a client certificate' run 0 context add cert "$URL" --ca "$RUN/ca.crt" --certificate "$RUN/web.crt" --certificate-key "$RUN/web.key"
check 'opens it too' says 0 'alice' user list --context cert
check 'no CA' run_key hk_good noca "$URL"
check 'is not trusted: 3' says 3 'is not trusted' user list --context noca
check 'another name' run_key hk_good name "https://localhost:$(cat "$RUN/port")" --ca "$RUN/ca.crt"
check 'names another host: 3' says 3 'names another host' user list --context name
check 'nobody there' run_key hk_good gone https://127.0.0.1:1 --ca "$RUN/ca.crt"
check 'does not answer: 3' says 3 'does not answer at https://127.0.0.1:1' user list --context gone
check 'http is refused' says 2 'https://' context add plain http://127.0.0.1:1
check 'a path is refused' says 2 'more than https://HOST' context add path https://127.0.0.1/x
check 'what is no key is refused' says 1 'no API key' context add x "$URL" --key-file <(echo 'secret!')
check 'unknown context: did you mean' says 2 'did you mean prod?' user list --context prdo
check 'remove' run 0 context remove wrong
check 'gone' says 5 'no such context' context use wrong
chmod 644 "$XDG_CONFIG_HOME/helioctl/config"
check 'a file that others can read is not used' says 1 'others can read it' user list
chmod 600 "$XDG_CONFIG_HOME/helioctl/config"
echo '{"contexts": 3}' >"$XDG_CONFIG_HOME/helioctl/config"
check 'nor one that makes no sense' says 1 'it is not of the form' user list
rm "$XDG_CONFIG_HOME/helioctl/config"
export HELIO_SOCKET=$RUN/good.sock

# ---------------------------------------------------------------- servers that lie, stall or break off

at() { local mode=$1; shift; "$@" --socket "$RUN/$mode.sock"; }
check '429 says the seconds' at rate says 1 'try again in 17 s' room list
check '503 says the seconds' at full says 1 'try again in 5 s' room create x
check '401: 4' at denied says 4 'this key may not' room list
check 'HTML' at html says 1 'HTTP status 502' room list
check 'a redirect is not followed' at redirect says 1 'HTTP status 302' room list
check 'half an answer: 3' at truncated says 3 'broke' room list
check 'half a JSON text' at halfjson says 1 'not a JSON object' room list
check 'a key twice' at twice says 1 'not a JSON object' room list
check 'too deep' at deep says 1 'not a JSON object' room list
check 'no UTF-8' at notutf8 says 1 'not a JSON object' room list
check 'a NUL' at nul says 1 'not a JSON object' room list
check 'an array' at array says 1 'not a JSON object' room list
check 'larger than can be' at huge says 1 'larger than 64 MiB' room list
check 'drop by drop: 3 in time' at drip says 3 'did not answer within 0.5 s' room list --timeout 0.5
check 'deaf: 3 in time' at deaf says 3 'did not answer within 0.3 s' room list --timeout 0.3
check 'pages without end' at loop says 1 'make no sense' room list
check 'pages without items' at climb says 1 'make no sense' room list
check 'no list' at nolist says 1 'no such list' room list
check 'an unknown code' at odd says 1 'short and stout' room list

# No byte that steers a terminal, in whatever is printed; no crash, whatever is answered.
harmless()
{
	local mode=$1 status=0
	shift
	ctl "$@" --socket "$RUN/$mode.sock" >"$RUN/out" 2>"$RUN/err" </dev/null || status=$?
	[ "$status" -le 6 ] || { printf '%s %s: status %s\n' "$mode" "$*" "$status"; tail -n 20 "$RUN/err"; return 1; }
	if LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]' "$RUN/out" "$RUN/err" ||
		grep -q '^forged line' "$RUN/out" "$RUN/err"; then
		printf '%s %s printed:\n' "$mode" "$*"
		cat -v "$RUN/out" "$RUN/err" | head -n 20
		return 1
	fi
}
all_harmless()
{
	local bad=0 command
	while read -r command; do
		# shellcheck disable=SC2086 # words
		harmless "$1" $command --timeout 2 || bad=1
	done <<-END
		room list
		room list --json
		room list -q
		room show demo
		room policy demo
		room policy demo capacity=5
		room close demo --dry-run
		participant list
		participant kick demo x --yes
		token list --apikey app
		token revoke --user alice --yes
		ban list
		ban add 1h --user alice --yes
		user list
		user show alice
		apikey list
		apikey show app
		apikey create app
		invite list
		invite show x
		invite create demo
		reflector list
		reflector show r1
		reflector enrol r9 --control 192.0.2.1:1 --address 192.0.2.1
		reflector remove r1 --yes
		key list
		policy show
		policy set grants.chat=no
		audit tail
		audit tail --json
		audit verify
		audit export
		events
		events --json
		status
		status --json
		doctor
		doctor --json
		top --once --interval 0.2
		top --json --interval 0.2
	END
	return "$bad"
}
for mode in types escapes nolist array evilproblem odd loop halfjson notutf8; do
	check "every command survives: $mode" all_harmless "$mode"
done
check 'in JSON they are escaped' at escapes run 6 room list --json
check 'so that nothing is lost' passes '.rooms[0].name | contains("\u001b]0;pwned\u0007") and contains("\u202e") and contains("\u009b")'

# ---------------------------------------------------------------- completion

for shell in bash zsh fish; do
	check "completion for $shell" run 0 completion "$shell"
	cp "$RUN/out" "$RUN/completion.$shell"
done
check 'bash takes it' bash -n "$RUN/completion.bash"
if command -v zsh >/dev/null; then check 'zsh takes it' zsh -n "$RUN/completion.zsh"; fi
if command -v fish >/dev/null; then check 'fish takes it' fish -n "$RUN/completion.fish"; fi
# completes WANT WORD...: the last word is completed to WANT (words, in order).
completes()
{
	local want=$1 got
	shift
	got=$(PATH=$(dirname "$HELIOCTL_BIN"):$PATH bash -c '
		. "$1"; shift
		COMP_WORDS=(helioctl "$@"); COMP_CWORD=$#
		_helioctl
		echo "${COMPREPLY[*]}"' - "$RUN/completion.bash" "$@")
	[ "$got" = "$want" ] || { printf 'got: %s\n' "$got"; return 1; }
}
check 'nouns' completes 'reflector' ref
check 'verbs' completes 'lock' room lo
check 'options' completes '--dry-run' room close demo --dr
check 'names from the server' completes 'room-0007' room show room-0007
check 'the second operand' completes 'bob' participant kick demo bo
check 'the value of an option' completes 'alice' token list --user al
check 'words of an option' completes 'participants' top --view pa
evil_completes() { HELIO_SOCKET=$RUN/escapes.sock completes '' user show zzz; }
check 'a hostile name is only text' evil_completes

# help_fits: the help of everything fits a terminal of 80 columns.
help_fits()
{
	local noun verb
	ctl help >"$RUN/help" || return 1
	while read -r noun verb; do
		ctl help "$noun" >>"$RUN/help" && ctl help "$noun" $verb >>"$RUN/help" || return 1
	done < <(ctl help | sed -n '/^Commands/,/^Options/s/^  \([a-z]\+\)\( [a-z]\+\)\?\( .*\)\?$/\1\2/p')
	[ "$(grep -c '^usage' "$RUN/help")" -gt 100 ] && ! grep -E '^.{81}' "$RUN/help"
}
check 'help fits 80 columns' help_fits

# ---------------------------------------------------------------- the terminal

if ! "$PTY_RUN" 24x80 exit:0 -- true >/dev/null 2>&1; then
	echo 'left out: there is no pseudo terminal here, so colours, questions, QR codes and top were not tried'
	e2e_end
fi
# pty SIZE STEP... -- COMMAND...: see tests/tools/pty_run.c; what was printed is in $RUN/out.
pty() { TERM=xterm "$PTY_RUN" "$@" >"$RUN/out" 2>"$RUN/err" || { cat "$RUN/err"; cat -v "$RUN/out" | tail -n 5 | head -c 3000; return 1; }; }
has() { grep -qF -- "$1" "$RUN/out"; }
hasnt() { ! grep -qF -- "$1" "$RUN/out"; }
ESC=$'\033'
check 'a table on a terminal' pty 24x80 exit:0 -- "$HELIOCTL_BIN" reflector list
check 'has colours' has "${ESC}[1m"
# fits COLUMNS: no line that was printed is wider on the screen, without colours.
fits() { sed "s/${ESC}\[[0-9;]*m//g; s/\r//" "$RUN/out" | LC_ALL=C.UTF-8 wc -L | awk -v most="$1" '{ exit !($1 <= most) }' || { cat "$RUN/out"; return 1; }; }
for noun in room participant token ban user apikey invite reflector key; do
	for columns in 80 60; do
		check "$noun list on a terminal of $columns columns" pty "24x$columns" exit:0 -- "$HELIOCTL_BIN" "$noun" list
		check 'fits' fits "$columns"
	done
done
check 'a table that is cut' pty 24x60 exit:0 -- "$HELIOCTL_BIN" token list
check 'says so' has '--wide shows all'
check 'token list --wide' pty 24x80 exit:0 -- "$HELIOCTL_BIN" token list --wide
check 'has all columns' has 'SOURCE'
check 'and is not cut' hasnt 'cut to'
check 'in a pipe nothing is cut' run 0 token list
check 'all columns are there' has 'SOURCE'
check 'with NO_COLOR' pty 24x80 exit:0 -- env NO_COLOR=1 "$HELIOCTL_BIN" reflector list
check 'it has none' hasnt "$ESC"
: >"$RUN/requests"
check 'a question, and no means no' pty 24x80 'expect:[y/N]' 'send:n\n' 'expect:nothing was changed' exit:1 -- "$HELIOCTL_BIN" user delete alice
check 'nothing was sent' test ! -s "$RUN/requests"
check 'yes means yes' pty 24x80 'expect:[y/N]' 'send:y\n' 'expect:closed' exit:0 -- "$HELIOCTL_BIN" room close demo
check 'it was sent' grep -q 'POST /v1/rooms/demo/close' "$RUN/requests"
check 'an invite on a wide terminal' pty 50x100 exit:0 -- "$HELIOCTL_BIN" invite create demo
check 'has its QR code, black on white' has "${ESC}[30;107m"
check 'on a narrow one' pty 24x60 exit:0 -- "$HELIOCTL_BIN" invite create demo
check 'it says what to do' has '--qr-svg'
check 'without' pty 50x100 exit:0 -- "$HELIOCTL_BIN" invite create demo --no-qr
check 'there is none' hasnt "$ESC"
check 'a picture' run 0 invite create demo --qr-svg "$RUN/qr.svg"
check 'is SVG' grep -q '^<svg xmlns' "$RUN/qr.svg"
check 'a password that is typed' pty 24x80 'expect:password for x: ' 'send:correct horse\n' 'expect:again: ' 'send:correct horse\n' \
	'expect:added' exit:0 -- "$HELIOCTL_BIN" user add x
check 'is not shown' hasnt 'correct horse'
check 'Ctrl-C while it is asked for' pty 24x80 'expect:password for y: ' 'send:\x03' exit:1 -- "$HELIOCTL_BIN" user add y

ENTER="${ESC}[?1049h" LEAVE="${ESC}[?1049l"
top_pty() { local size=$1; shift; pty "$size" "expect:$ENTER" "$@" -- "$HELIOCTL_BIN" top --interval 0.3; }
check 'top: views, sort, filter, help, the end' top_pty 24x80 expect:ROOM expect:demo send:p expect:PARTICIPANT expect:bob send:w \
	expect:REFLECTOR send:s send:S 'send:/' 'send:r2\n' 'expect:filter: r2' send:h 'expect:Ctrl-C' send:h send:q "expect:$LEAVE" exit:0
check 'top: Ctrl-C' top_pty 24x80 expect:demo 'send:\x03' "expect:$LEAVE" exit:0
check 'top: SIGTERM' top_pty 24x80 expect:demo signal:15 "expect:$LEAVE" exit:143
check 'top: SIGHUP' top_pty 24x80 expect:demo signal:1 "expect:$LEAVE" exit:129
check 'top: a new size' top_pty 24x80 expect:demo resize:10x40 "expect:${ESC}[H" expect:demo send:q "expect:$LEAVE" exit:0
for size in 1x1 2x5 3x10 4x20 5x30; do
	check "top: $size" top_pty "$size" "expect:${ESC}[J" send:p send:q "expect:$LEAVE" exit:0
done
deaf_top() { pty 24x80 exit:3 -- "$HELIOCTL_BIN" top --timeout 0.3 --socket "$RUN/deaf.sock"; }
check 'top: nobody answers: 3 and no screen' deaf_top
check 'really none' hasnt "$ENTER"
check 'top: hostile names' pty 24x80 "expect:$ENTER" 'expect:pwned' send:q exit:0 -- "$HELIOCTL_BIN" top --socket "$RUN/escapes.sock"
check 'steer nothing' hasnt "${ESC}]0;"
e2e_end
