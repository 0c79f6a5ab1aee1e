#!/bin/bash
# What administrators and moderators do to people who are in a call with helio-call: muted, sent away, banned, moved,
# admitted, locked out, closed; and what authd keeps of it.
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$TOP/tests/e2e/authd_lib.sh"

# shellcheck disable=SC2034 # read by scripts/lib.sh
AUTHD_EXTRA='hash-memory = 8M
hash-passes = 1'
e2e_begin moderate-admin 150
cluster_start -n 2 -w 1
for name in alice bob carol dave; do user_add "$name" 'correct horse'; done
is 201 adm POST /v1/users -d '{"name":"mod","password":"correct horse","policy":{"moderate":true}}' || fail 'no moderator' "$(cat "$RUN/body")"
for name in demo other; do room_add "$name"; done

# call NAME USER ROOM [OPTION...]: helio-call in the background; tell NAME LINE types into it.
# --foreground: else timeout passes a signal on twice, and a SIGCONT behind it that takes back the SIGSTOP with which
# LeakSanitizer begins, which then waits for ever.
declare -A JOB=() TYPE=()
export HELIO_PASSWORD='correct horse'
call()
{
	local fd
	rm -f "$RUN/$1.in"
	mkfifo "$RUN/$1.in"
	exec {fd}<>"$RUN/$1.in"
	TYPE[$1]=$fd
	timeout --foreground 600 "$HELIO_CALL_BIN" --authd "$AUTHD_URL" --authd-ca "$RUN/ca.crt" --json --user "$2" --room "$3" "${@:4}" \
		<"$RUN/$1.in" >"$RUN/$1.out" 2>"$RUN/$1.err" &
	JOB[$1]=$!
	E2E_JOBS+=($!)
}
tell() { echo "$2" >&"${TYPE[$1]}"; }
# heard NAME FILTER: a line of its output passes the jq filter by now; hears waits for it.
heard() { jq -e -s "any(.[]; $2)" "$RUN/$1.out" >/dev/null 2>&1; }
hears() { wait_for 10 heard "$1" "$2" || { cat "$RUN/$1.out" "$RUN/$1.err" >&2; return 1; }; }
joins() { hears "$1" '.event == "joined"'; }
ends()
{
	local status=0
	wait_for 10 pid_ended "${JOB[$1]}" || { echo 'still there' >&2; return 1; }
	wait "${JOB[$1]}" || status=$?
	[ "$status" = "$2" ] || { echo "status $status" >&2; cat "$RUN/$1.out" >&2; return 1; }
}
says_why() { grep -qF -- "$2" "$RUN/$1.out" "$RUN/$1.err"; }
leaves() { kill -INT "${JOB[$1]}" 2>/dev/null; ends "$1" 0; }
num() { jq -s -r "map(select(.participant == \"$2\" and .num)) | last | .num" "$RUN/$1.out"; }
# quiet COMMAND...: helioctl without its words.
quiet() { ctl "$@" >"$RUN/ctl.out" 2>&1 || { cat "$RUN/ctl.out" >&2; return 1; }; }
fails() { ! ctl "$@" >"$RUN/ctl.out" 2>&1; }
people() { ctl participant list --room "$1" --json | jq -r '.participants[].id' | sort | tr '\n' ' '; }
there() { [ "$(people "$1")" = "$2" ]; }
bans() { ctl ban list --json | jq -r ".revocations[] | select(.ban and .id == \"$1\") | .seq"; }

# ---------------------------------------------------------------- mute

call alice alice demo --send-audio tone
call bob bob demo
check 'alice comes' joins alice
check 'bob hears her' hears bob '.event == "stream" and .action == "added" and .participant == "alice"'
check 'mute' quiet participant mute demo alice
check 'she is told' hears alice '.event == "muted"'
check 'so is bob' hears bob '.event == "muted"'
muted() { ctl participant list --room demo --json | jq -e '.participants[] | select(.id == "alice") | .muted | index("audio") != null' >/dev/null; }
check 'it is shown' wait_for 5 muted
frames() { ctl participant list --room demo --json | jq -r '.participants[] | select(.id == "bob") | .frames_out'; }
silent() { local a b; a=$(frames); sleep 0.5; b=$(frames); [ "$((b - a))" -le 5 ]; }
check 'bob gets nothing of it' silent
recorded()
{
	ctl audit tail --action participant --json |
		jq -es '[.. | objects | select(.action == "participant.mute" and .object == "alice")] | length == 1' >/dev/null
}
check 'and recorded' recorded
check 'unmute' quiet participant unmute demo alice
more() { [ "$(frames)" -gt "$1" ]; }
check 'and he hears her again' wait_for 5 more "$(($(frames) + 10))"

# ---------------------------------------------------------------- kick, ban, lift

epoch() { ctl room show demo --json | jq -r .epoch; }
held() { ctl token list --room demo --user bob --json | jq -r '.tokens[].jti'; }
epoch_is() { [ "$(epoch)" = "$1" ] || { epoch >&2; return 1; }; }
FIRST=$(epoch)
check 'bob has a token' test -n "$(held)"
check 'kick' quiet participant kick demo bob --reason 'take a break' --yes
check 'his token has ended with it' test -z "$(held)"
check 'and the media key that he had' epoch_is $((FIRST + 1))
check 'alice is told of the next' hears alice '.event == "rekey"'
check 'he is sent away' ends bob 4
check 'with the reason' says_why bob 'take a break'
call bob bob demo
check 'and may come back' joins bob
check 'kick with a ban' quiet participant kick demo bob --ban 1h --reason enough --yes
check 'he is sent away again' ends bob 4
call bob2 bob demo
check 'and may not come back' ends bob2 4
check 'since he is banned' says_why bob2 denied
check 'which is listed, once' [ "$(bans bob | wc -l)" -eq 1 ]
call bob3 bob other
check 'into another room he may' joins bob3
check 'and leaves it' leaves bob3
check 'ban lift' quiet ban lift "$(bans bob)"
call bob4 bob demo
check 'lets him in again' joins bob4
BANNED=$SECONDS
check 'a short ban' quiet participant kick demo bob --ban 3s --yes
check 'sends him away' ends bob4 4
back() { call bob5 bob demo && joins_soon bob5; }
joins_soon() { wait_for 3 answered "$1" && heard "$1" '.event == "joined"'; }
answered() { heard "$1" '.event == "joined"' || pid_ended "${JOB[$1]}"; }
check 'until it ends' wait_for 10 back
waited() { [ $((SECONDS - BANNED)) -ge 2 ]; }
check 'and not before' waited
check 'nobody of that name: refused' fails participant kick demo nobody --yes
leaves bob5 || bad 'bob leaves'

# ---------------------------------------------------------------- a moderator

call mod mod demo
check 'a moderator comes' joins mod
call bob0 bob demo
check 'bob is there' joins bob0
check 'she sees him' hears mod '.participant == "bob"'
BEFORE=$(epoch)
is 200 login bob 'correct horse' demo || bad 'a second token'
SECOND=$(body .token)
tell mod "/kick $(num mod bob)"
check 'she sends him away' ends bob0 4
next_epoch() { [ "$(epoch)" -eq $((BEFORE + 1)) ] && [ -z "$(held)" ]; }
check 'authd ends all tokens he holds for the room, and the media key' wait_for 5 next_epoch
check 'one that he has kept gets no later key' is 401 pub POST /v1/media-key -H "Authorization: Bearer $SECOND" -d '{}'
call bob6 bob demo --device phone
call bob7 bob demo --device laptop
check 'bob with two devices' joins bob6
joins bob7 || bad 'bob7'
check 'she sees him' hears mod '.participant == "bob+phone"'
tell mod "/kick $(num mod bob+phone) 600 rules"
check 'she sends him away' ends bob6 4
check 'with all his devices' ends bob7 4
recorded() { [ "$(bans bob | wc -l)" -eq 1 ]; }
check 'authd keeps the ban' wait_for 5 recorded
call bob8 bob demo
check 'and gives him no token' ends bob8 4
check 'for that' says_why bob8 denied
check 'it is one record for two devices' recorded
# by_mod ACTION: how many records of it name her, as the reflector said.
by_mod()
{
	adm GET "/v1/audit?action=$1&limit=100" &&
		body '[.records[] | select((.actor | startswith("reflector:")) and .detail.moderator == "mod")] | length'
}
check 'with her name, as the kick before' test "$(by_mod revocation.add)" -eq 2
check 'and with the new keys' test "$(by_mod room.rekey)" -eq 2
nobody() { adm GET '/v1/audit?action=revocation.add&limit=100' && [ "$(body '[.records[] | select(.actor == "admin:root" and .detail.moderator)] | length')" -eq 0 ]; }
check 'an administrator has done nothing by way of her' nobody
check 'lifted' quiet ban lift "$(bans bob)"
tell mod /lock
locked() { ctl room show demo --json | jq -e ".locked == $1" >/dev/null; }
check 'she locks the room: authd keeps it' wait_for 5 locked true
call bob9 bob demo
check 'nobody else comes in' ends bob9 4
check 'helioctl opens it' quiet room unlock demo
check 'she is told' hears mod '.event == "unlocked"'
call bob10 bob demo
check 'and he comes' joins bob10
check 'helioctl locks it' quiet room lock demo
check 'all are told' hears bob10 '.event == "locked"'
call carol carol demo
check 'carol stays outside' ends carol 4
tell mod /unlock
check 'the moderator opens it: authd keeps that' wait_for 5 locked false
call carol2 carol demo
check 'carol comes' joins carol2
audited() { adm GET '/v1/audit?object=demo&action=room.set&limit=100' && [ "$(body '[.records[] | select(.actor | startswith("reflector:"))] | length')" -eq 2 ]; }
check 'two locks of hers are in the audit record' audited
check 'under her name' test "$(by_mod room.set)" -eq 2

# ---------------------------------------------------------------- move

check 'move' quiet participant move demo bob other
check 'he is told' hears bob10 '.event == "moved"'
moved() { there other 'bob ' && there demo 'alice carol mod '; }
check 'and is in the other room, and no longer in this one' wait_for 10 moved
tell bob10 'hello from here'
call dave dave other
check 'where others meet him' hears dave '.event == "participant" and .participant == "bob"'
check 'a room that there is not: refused' fails participant move other bob nowhere
check 'and he stays' there other 'bob dave '
leaves dave || bad 'dave leaves'
leaves bob10 || bad 'bob leaves'

# ---------------------------------------------------------------- lobby, by policy

check 'a lobby' quiet room policy demo lobby=true
call bob11 bob demo
check 'bob waits' hears bob11 '.event == "lobby"'
check 'the moderator is told' hears mod '.event == "waiting"'
waits() { ctl participant list --room demo --json | jq -e '.participants[] | select(.id == "bob") | .waiting' >/dev/null; }
check 'and helioctl' waits
check 'admit' quiet participant admit demo bob
check 'he is in' joins bob11
call dave2 dave demo
check 'dave waits' hears dave2 '.event == "lobby"'
check 'deny' quiet participant deny demo dave
check 'he is sent away' ends dave2 4
davids() { ctl token list --room demo --user dave --json | jq -r '.tokens | length'; }
check 'and his token has ended' test "$(davids)" -eq 0
call dave3 dave demo
check 'he knocks again' hears dave3 '.event == "lobby"'
check 'with a token' test "$(davids)" -eq 1
BEFORE=$(epoch)
waiting() { jq -s -r 'map(select(.event == "waiting")) | last | .num' "$RUN/mod.out"; }
sees_dave() { jq -e -s 'map(select(.event == "waiting")) | last | .participant == "dave"' "$RUN/mod.out" >/dev/null; }
check 'the moderator is told again' wait_for 5 sees_dave
tell mod "/deny $(waiting)"
check 'and denies' ends dave3 4
denied() { [ "$(davids)" -eq 0 ] && epoch_is $((BEFORE + 1)); }
check 'authd ends that token, and the media key' wait_for 5 denied
check 'admit somebody who does not wait: refused' fails participant admit demo alice
check 'no lobby' quiet room policy demo lobby=false

# ---------------------------------------------------------------- close

check 'close' quiet room close demo --reason 'the building closes' --yes
for name in alice bob11 carol2 mod; do
	check "$name is sent away" ends "$name" 4
	check "$name: that is why" says_why "$name" room-closed
done
check 'nobody is there' wait_for 5 there demo ''
call alice2 alice demo
check 'with new tokens the room works again' joins alice2
leaves alice2 || bad 'alice leaves'
whole() { adm GET /v1/audit/verify && [ "$(body .ok)" = true ]; }
check 'the record is whole' whole
e2e_end
