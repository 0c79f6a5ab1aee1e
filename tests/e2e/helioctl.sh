#!/bin/bash
# helioctl with the real authd and reflector: every command, --json, and each exit status with its message.
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

# shellcheck disable=SC2034 # read by scripts/lib.sh
AUTHD_EXTRA='hash-memory = 8M'
command -v jq >/dev/null || skip 'there is no jq'

# run STATUS COMMAND...: helioctl ends so; what it says is in $RUN/out and $RUN/err.
run()
{
	local want=$1 got=0
	shift
	ctl "$@" >"$RUN/out" 2>"$RUN/err" </dev/null || got=$?
	[ "$got" -eq "$want" ] || { printf 'status %s, not %s\n' "$got" "$want"; cat "$RUN/out" "$RUN/err"; return 1; }
}
# says STATUS TEXT COMMAND...: likewise, and the text is in what it says; a failure has its three parts.
says()
{
	local status=$1 text=$2
	shift 2
	run "$status" "$@" || return 1
	grep -qF -- "$text" "$RUN/out" "$RUN/err" || { cat "$RUN/out" "$RUN/err"; return 1; }
	case $status in
	0) ;;
	2) [ ! -s "$RUN/out" ] && grep -q 'what to do\|usage:' "$RUN/err" ;;
	*) grep -q 'why: ' "$RUN/err" && grep -q 'what to do: ' "$RUN/err" ;;
	esac
}
# holds FILTER COMMAND...: the JSON answer passes the jq filter.
holds()
{
	local filter=$1
	shift
	run 0 "$@" --json && jq -e "$filter" "$RUN/out" >/dev/null || { cat "$RUN/out"; return 1; }
}
piped() { local text=$1; shift; printf '%s\n' "$text" | ctl "$@" >"$RUN/out" 2>"$RUN/err"; }

e2e_begin helioctl 120

# ---------------------------------------------------------------- without authd

check 'no authd: 3' says 3 'authd does not answer' room list
check 'a path that is too long for a socket: 3' says 3 'cannot be the path' room list \
	--socket "/$(printf 'a%.0s' {1..200})"
check 'no command: 2' says 2 'no command'
check 'unknown noun: 2, did you mean' says 2 'did you mean "room"' rom list
check 'unknown verb: 2, did you mean' says 2 'did you mean "room list"' room lsit
check 'noun alone: 2' says 2 'needs a verb' room
check 'unknown option: 2, did you mean' says 2 'did you mean --json' room list --jsn
check 'option of another command: 2' says 2 'takes no option --room' user list --room demo
check 'operand missing: 2' says 2 'needs NAME' room show
check 'operand too many: 2' says 2 'one argument too many' room show a b
check 'operand empty: 2' says 2 '1 to 128 bytes' room show ''
check 'bad timeout: 2' says 2 'number of seconds' room list --timeout never
no_terminal() { setsid --wait "$HELIOCTL_BIN" user add x </dev/null 2>"$RUN/err"; [ $? -eq 2 ] && grep -q 'no terminal' "$RUN/err"; }
check 'no password and no terminal: 2' no_terminal
check '--help' says 0 'usage: helioctl NOUN VERB' --help
check '--version' says 0 'helioctl ' --version
check 'help of a command' says 0 '--password-file' user add --help
check 'completion is a shell script' bash -n <(ctl completion bash)
# The manual has a paragraph for each command, with its operands and each of its own options.
every_command_is_in_the_manual()
{
	local noun verb rest page=$TOP/doc/man/helioctl.1.scd line option bad=0
	while read -r noun verb rest; do
		case $noun in help | completion | top | events | doctor | status) verb='' ;; esac
		line=$(grep -E "^\\*$noun${verb:+ $verb}\\*" "$page") || { echo "not there: $noun $verb"; bad=1; continue; }
		# shellcheck disable=SC2086 # the verb may be none
		for option in $(ctl "$noun" $verb --help | sed -n '/^Options:/,$s/^  \(-., \)*\(--[a-z-]*\).*/\2/p'); do
			case $option in --socket | --context | --timeout | --quiet | --help | --version | --json | --wide) continue ;; esac
			[[ $line == *"*$option*"* ]] || { echo "not in its line: $noun $verb $option"; bad=1; }
		done
	done < <(ctl help | sed -n '/^Commands:/,/^$/s/^  \([a-z]\)/\1/p')
	return "$bad"
}
check 'the manual has every command' every_command_is_in_the_manual

# Somebody who accepts and never answers; somebody who talks nonsense.
node -e '
	const net = require("net");
	net.createServer(() => {}).listen(process.argv[1] + "/deaf.sock");
	net.createServer((s) => s.end("nonsense\r\n\r\n")).listen(process.argv[1] + "/mad.sock");
	setTimeout(() => process.exit(0), 600000);' "$RUN" &
E2E_JOBS+=($!)
wait_for 10 test -S "$RUN/mad.sock"
check 'authd that never answers: 3 in time' says 3 'did not answer within 0.3 s' room list --timeout 0.3 \
	--socket "$RUN/deaf.sock"
check 'a socket that is not authd: failed' says 3 'broke' room list --socket "$RUN/mad.sock"

# ---------------------------------------------------------------- users, rooms, tokens

pki_make
pki_issue boss boss
pki_issue other other
ports_pick
REMOTE=$((PORT + 13))
AUTHD_EXTRA="$AUTHD_EXTRA
admin-listen = {\"127.0.0.1:$REMOTE\"}
admin-ca = \"$RUN/ca.crt\"
admin-names = {\"boss\"}"
reflector_settings r1 "$PORT" 2 $((PORT + 14))
authd_settings $((PORT + 15))
cluster_up || fail 'the daemons did not come up' "$(last_error)"
check 'add a user' piped 'correct horse' user add alice --password-file -
check 'the same again: exists' says 1 'exists' user add alice --password-file <(echo 'correct horse')
check 'a short password' says 1 'password' user add bob --password-file <(echo short)
check 'an empty password' says 1 'empty' user add bob --password-file /dev/null
check 'no password file' says 1 'No such file' user add bob --password-file "$RUN/none"
check 'a bad name' says 1 'bad-field' user add 'b b' --password-file <(echo 'correct horse')
check 'a password is never an argument' says 2 'not of the form KEY=VALUE' user add bob 'correct horse'
check 'users' holds '.users | map(.name) == ["alice"] and .[0].disabled == false
	and (.[0].created_at_rfc3339 | test("^20..-..-..T..:..:..Z$"))' user list
check 'create a room' says 0 'room demo created' room create demo
check 'the same again' says 1 'exists' room create demo
check 'a name with a slash' says 1 'bad-field' room create ../users
check 'quiet says nothing' run 0 room create other -q
check 'it said nothing' test ! -s "$RUN/out"
check 'names only' says 0 'other' room list -q
check 'the lines are the names' test "$(tr '\n' ' ' <"$RUN/out")" = 'demo other '
check 'rooms' holds '.partial == false and (.rooms | map([.name, .live]) == [["demo", false], ["other", false]])' room list
check 'unknown room: 5' says 5 'not-found' room show nosuch
check 'unknown user: 5' says 5 'not-found' user disable nosuch --yes
check 'unknown token: 5' says 5 'not-found' token revoke --yes -- "-nosuchtoken"
check 'a token prefix that is too short' says 1 '8 characters' token revoke abc --yes
check 'reflectors' holds '.reflectors | length == 1 and .[0].state == "up" and (.[0].workers | length == 2)' \
	reflector list
check 'the table' says 0 'REFLECTOR' reflector list
no_escapes() { ! grep -q $'\033' "$RUN/out"; }
check 'no colours outside a terminal' no_escapes
# A terminal to try it on; not there where /dev/pts is not mounted.
if script -qc true /dev/null </dev/null >/dev/null 2>&1; then
	on_terminal() { env -u NO_COLOR "$@" TERM=xterm script -qec "$HELIOCTL_BIN reflector list" /dev/null </dev/null; }
	colours() { [[ $(on_terminal env) == *$'\033[1m'* ]]; }
	no_colours() { local text; text=$(on_terminal env NO_COLOR=1); [[ $text == *REFLECTOR* && $text != *$'\033[1m'* ]]; }
	check 'colours on a terminal' colours
	check 'none with NO_COLOR' no_colours
	asked() { [[ $(printf 'n\n' | script -qc "$HELIOCTL_BIN token revoke abcdefghij" /dev/null) == *'nothing was changed'* ]]; }
	check 'on a terminal it asks, and no means no' asked
else
	echo 'left out: there is no pseudo terminal here, so colours and questions were not tried'
fi

# A token, as a client gets it.
token()
{
	curl -sS --cacert "$RUN/ca.crt" -H 'Content-Type: application/json' --data-binary \
		'{"user":"alice","password":"correct horse","room":"demo","device":"laptop"}' "$AUTHD_URL/v1/token" >"$RUN/token"
	jq -e .token "$RUN/token" >/dev/null || { cat "$RUN/token"; return 1; }
}
check 'get a token' token
check 'tokens' holds '.tokens | length == 1 and .[0].participant == "alice+laptop"' token list
jti=$(jq -r '.tokens[0].jti' "$RUN/out")
check 'filtered away' holds '.tokens == []' token list --user bob
check 'filtered in' holds '.tokens | length == 1' token list --user alice --room demo
check 'revoke by a prefix' says 0 'revoked' token revoke "${jti:0:10}" --yes
check 'gone from the list' holds '.tokens == []' token list
check 'still there with --all' holds '.tokens | length == 1 and .[0].revoked_at > 0' token list --all
check 'get another' token
check 'disable the user' says 0 'disabled' user disable alice --yes
check 'the tokens are revoked' holds '.tokens == []' token list
no_token() { ! token >/dev/null; }
check 'no token any more' no_token
check 'enable again' says 0 'enabled' user enable alice
check 'another password' piped 'battery staple' user password alice --password-file -
check 'the old one opens nothing' no_token

# ---------------------------------------------------------------- who is in the room

check 'the first password again' piped 'correct horse' user password alice --password-file -
E2E_NODE_ARGS=(--authd "$AUTHD_URL" --ca "$RUN/ca.crt" --password 'correct horse')
hold_start one alice demo --device one --name $'Zo\u00eb'
in_room() { holds '.live == true and .participants == 1 and .participants_list[0].id == "alice+one"' room show demo; }
check 'room show names who is in it' wait_for 10 in_room
check 'participants' holds '.participants | length == 1 and .[0].room == "demo" and .[0].joined_at > 0' participant list
check 'none in the other room' holds '.participants == []' participant list --room other
check 'the table shows it' says 0 'alice+one' room show demo
check 'mute' says 0 'is muted' participant mute demo alice+one
check 'unmute' says 0 'may speak again' participant unmute demo alice+one
check 'somebody who is not there: 5' says 5 'did you mean alice+one?' participant kick demo alice+oen --yes
check 'what closing would meet' holds '.tokens >= 1 and .sessions == 1' room close demo --dry-run
check 'revoking by helioctl' piped '' token revoke "$(ctl token list --json | jq -r '.tokens[0].jti')" --yes
room_empty() { holds '.participants == []' participant list; }
check 'ends the session' wait_for 10 room_empty

# ---------------------------------------------------------------- policies, keys, invites, the record

check 'a user with a policy' piped 'correct horse' user add carol --password-file - chat=no session=1h
check 'is stored' holds '.policy == {"chat": false, "session_s": 3600}' user show carol
check 'and changed' run 0 user policy carol chat=default 'hours=mon-sun 00:00-24:00' zone=Europe/Vienna
check 'and shown as it is typed' says 0 'session=1h' user policy carol
check 'a zone that is none' says 1 'zone' user policy carol zone=Nowhere/Land
# shellcheck disable=SC2016 # a hash
hash='$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/'
check 'a hash is imported' run 0 user add dave --hash <(printf '%s\n' "$hash")
check 'what is no hash is not' says 1 'bad-field' user add erin --hash <(echo nonsense)
check 'what deleting would meet' says 0 'would revoke 0 tokens' user delete dave --dry-run
check 'delete' says 0 'deleted' user delete dave --yes
check 'gone' says 5 'not-found' user show dave
check 'did you mean' says 5 'did you mean carol?' user show carl
check 'a room with a policy' run 0 room create board users=alice,team-\* capacity=5 lobby=yes --expires 7d
check 'is stored' holds '.policy.capacity == 5 and .policy.lobby and .expires_at > 0' room show board
check 'locked' run 0 room lock board
check 'it is' holds '.locked == true' room show board
check 'and not' run 0 room unlock board
check 'a new key' run 0 room rekey board
check 'is a new epoch' holds '.epoch == 2' room show board
check 'closed' run 0 room close board --yes --reason late
check 'deleted' run 0 room delete board --yes
check 'gone' says 5 'not-found' room show board
check 'the defaults' run 0 policy set grants.session=8h room.capacity=40
check 'are stored' holds '.grants.session_s == 28800 and .room.capacity == 40' policy show
check 'and taken back' run 0 policy set grants.session=default room.capacity=default
check 'an API key' run 0 apikey create backend rooms=demo
key=$(cat "$RUN/out")
check 'looks like one' test "${key#hk_}" != "$key"
check 'is listed without its secret' holds '.apikeys[0].name == "backend" and (.apikeys[0] | has("key") | not)' apikey list
token_by_key()
{
	curl -sS --cacert "$RUN/ca.crt" -H "Authorization: Bearer $key" -H 'Content-Type: application/json' --data-binary \
		'{"user":"zoe","room":"demo"}' "$AUTHD_URL/v1/token" | jq -e .token >/dev/null
}
check 'it opens its room' token_by_key
check 'its tokens' holds '.tokens | length == 1 and .[0].user == "zoe"' token list --apikey backend
check 'what revoking would meet' says 0 'would revoke 1 token' apikey revoke backend --dry-run
check 'revoke it' says 0 'revoked' apikey revoke backend --yes
check 'its tokens are gone' holds '.tokens == []' token list --user zoe
no_token_by_key() { ! token_by_key; }
check 'and it opens nothing' no_token_by_key
check 'an invite' run 0 invite create demo --label Gina --uses 3 --expires 1h --passcode-file <(echo 1234)
is_link() { grep -qE '^https://[^ ]*/join#eyJ' "$RUN/out" && [ "$(wc -l <"$RUN/out")" -eq 1 ]; }
check 'is a link, alone on stdout' is_link
check 'is listed' holds '.invites | length == 1 and .[0].label == "Gina" and .[0].uses_max == 3 and .[0].passcode == true' invite list
invite=$(jq -r '.invites[0].id' "$RUN/out")
check 'and shown' says 0 'Gina' invite show -- "$invite"
check 'no such room' says 5 'not-found' invite create nosuch
check 'what revoking would meet' says 0 'would revoke 0 tokens' invite revoke --dry-run -- "$invite"
check 'revoke it' says 0 'revoked' invite revoke --yes -- "$invite"
check 'it is' holds '.invites[0].revoked_at > 0' invite list
check 'the record' holds '.action | test("invite")' audit tail --lines 1
check 'is whole' says 0 'is whole' audit verify
check 'an export' run 0 audit export -o "$RUN/audit.jsonl"
same_head() { [ "$(tail -n 1 "$RUN/audit.jsonl" | jq -r .head)" = "$(ctl audit verify --json | jq -r .head)" ]; }
check 'ends with the head' same_head
check 'status' holds '.database.ok and .links.up == 1' status
check 'status for people' run 0 status
check 'its times are in words' grep -qE '^started_at +20[0-9-]+T[0-9:]+Z$' "$RUN/out"
check 'a time of 0 is none' holds '.keys[0].retired_at == 0 and (.keys[0] | has("retired_at_rfc3339") | not)
	and (.keys[0] | has("created_at_rfc3339"))' status
check 'doctor is content' says 0 '0 failed' doctor
judged() { jq -e --arg check "$1" --arg what "$2" '.findings | any(.check == $check and (.what | test($what)))' "$RUN/out" >/dev/null; }
check 'in JSON too' holds '.ok and .failures == 0' doctor
check 'it looked at the listener' judged ports 'of authd .* can be reached'
check 'the ports of reflectors' judged ports 'of the reflector r1 .* can be reached'
check 'the key that signs' judged keys 'signs, active since'
check 'the certificate of HTTPS' judged certificate '^certificate https expires'
check 'of control links' judged certificate '^certificate control expires'
check 'of the own CA' judged certificate '^certificate ca expires'
check 'of reflectors' judged certificate '^certificate of the reflector r1 expires'
check 'the limit on files' judged limits 'may open'
check 'the clock' judged clock 'of authd'
check 'the database' judged database 'sqlite'
check 'top' holds '.reflectors | length == 2' top --interval 0.2
check 'events' run 0 events
check 'have the names of the record' grep -q ' user.add .*object=' "$RUN/out"
check 'and those of links' grep -q ' link-up reflector=' "$RUN/out"

# ---------------------------------------------------------------- bans, keys, reflectors

check 'a ban' says 0 'banned' ban add 10m --user alice --room demo --reason rude --yes
check 'is listed' holds '.revocations | map(select(.ban and .id == "alice" and .room == "demo")) | length == 1' ban list
ban=$(jq -r '.revocations | map(select(.ban))[0].seq' "$RUN/out")
check 'and lifted' says 0 'lifted' ban lift "$ban"
check 'no such ban' says 5 'not-found' ban lift 999999
check 'all tokens of a user' says 0 'revoked' token revoke --user alice --yes
check 'the keys' holds '.keys | map(select(.signs)) | length == 1' key list
check 'a new key' run 0 key rotate --yes
check 'both are published' holds '.keys | length == 2' key list
check 'one of the settings file cannot be drained here' says 4 'settings file' reflector drain r1
check 'enrol' says 0 'helio-reflector --enrol' reflector enrol r7 --control 127.0.0.1:1 --address 127.0.0.1 --ports 49152
check 'is listed' holds '.reflectors | map(.name) == ["r1", "r7"]' reflector list
check 'shown' says 0 '49152' reflector show r7
check 'and removed' says 0 'removed' reflector remove r7 --yes
check 'gone' holds '.reflectors | map(.name) == ["r1"]' reflector list

# ---------------------------------------------------------------- from elsewhere

export XDG_CONFIG_HOME=$RUN/xdg
context_add() { printf '%s\n' "$1" | ctl context add "${@:2}" "https://127.0.0.1:$REMOTE" --ca "$RUN/ca.crt" --key-file - >"$RUN/out" 2>"$RUN/err"; }
check 'an admin key' run 0 apikey create root --admin -q
admin_key=$(cat "$RUN/out")
check 'a context with it' context_add "$admin_key" remote
remote() { local HELIO_SOCKET=; export HELIO_SOCKET; "$@"; }
check 'works from elsewhere' remote says 0 'carol' user list --context remote
check 'and changes things' remote run 0 room create far --context remote
check 'in the record stands who' holds '.actor | test("apikey")' audit tail --lines 1
check 'a key that is no admin' run 0 apikey create weak -q
check 'a context with that' context_add "$(cat "$RUN/out")" weak
check 'may not: 4' remote run 4 user list --context weak
check 'a certificate that may' run 0 context add cert "https://127.0.0.1:$REMOTE" --ca "$RUN/ca.crt" \
	--certificate "$RUN/boss.crt" --certificate-key "$RUN/boss.key"
check 'does' remote says 0 'carol' user list --context cert
check 'a certificate of another name' run 0 context add other "https://127.0.0.1:$REMOTE" --ca "$RUN/ca.crt" \
	--certificate "$RUN/other.crt" --certificate-key "$RUN/other.key"
check 'does not: 4' remote run 4 user list --context other
check 'revoke the key' run 0 apikey revoke root --yes
check 'and nothing is open any more: 4' remote run 4 user list --context remote

# ---------------------------------------------------------------- a reflector that is away

kill -STOP "${PID[r1]}"
check 'the workers answer while the supervisor stands still' run 0 room list
kill -CONT "${PID[r1]}"
check 'the reflector ends in order' daemon_stop r1
down() { holds '.reflectors[0].state == "down"' reflector list; }
check 'a reflector that ended is down' wait_for 10 down
check 'lists are partial: 6' says 6 'r1' participant list
check 'and say so in JSON' grep -q 'partial": true' <(ctl participant list --json 2>/dev/null)
check 'authd ends in order' daemon_stop authd
check 'authd ended: 3' says 3 'does not answer' room list
e2e_end
