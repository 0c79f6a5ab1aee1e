#!/bin/bash
# From a revocation to the closed session: 100 sessions on two reflectors, revoked one by one with helioctl, and all at
# once by user, room and key; p99 within 200 ms; and nobody comes back until the ban ends. It is measured while no other
# test runs (Makefile.inc). A machine may have other work all the same: of three rounds one must be within the limit.
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$TOP/tests/e2e/authd_lib.sh"

# shellcheck disable=SC2034 # read by scripts/lib.sh
AUTHD_EXTRA='hash-memory = 8M
hash-passes = 1
rate-address = 1000000'
node_needed
e2e_begin revoke 300
cluster_start -n 2 -w 1
SESSIONS=100
LIMIT_MS=${REVOKE_LIMIT_MS:-200}
is 201 adm POST /v1/apikeys -d '{"name":"shop","rooms":["*"]}' || fail 'an API key cannot be made' "$(cat "$RUN/body")"
KEY=$(body .key)
KEY_ID=$(body .id)
for room in even odd; do is 201 adm POST /v1/rooms -d "{\"name\":\"$room\"}" || fail 'a room cannot be made'; done
mkdir "$RUN/answers"
now_ms() { date +%s%3N; }

# answers USER: tokens for all sessions; USER "each": another user for each.
answers()
{
	local i user room
	for ((i = 0; i < SESSIONS; i++)); do
		room=even
		[ $((i % 2)) -eq 0 ] || room=odd
		user=$1
		[ "$1" != each ] || user=u$i
		printf '{"user":"%s","room":"%s","device":"d%s"}' "$user" "$room" "$i" >"$RUN/ask.$i"
		printf 'url = "%s/v1/token"\ndata = "@%s"\noutput = "%s"\n' "$AUTHD_URL" "$RUN/ask.$i" "$RUN/answers/$i.json"
		printf 'header = "Authorization: Bearer %s"\nheader = "Content-Type: application/json"\ncacert = "%s"\n' "$KEY" "$RUN/ca.crt"
		[ "$i" -eq $((SESSIONS - 1)) ] || echo next
	done >"$RUN/answers.curl"
	curl -sS -K "$RUN/answers.curl" && [ "$(grep -l '"token"' "$RUN"/answers/*.json | wc -l)" -eq "$SESSIONS" ]
}

sessions_start()
{
	rm -f "$RUN/held.stdin"
	background_node held "$RUN/held.out" "$E2E/revoke.mjs" --ca "$RUN/ca.crt" --answers "$RUN/answers" --count "$SESSIONS"
	wait_for 30 grep -q joined "$RUN/held.out"
}
closed() { [ "$(grep -c '"at"' "$RUN/held.out")" -ge "$1" ]; }

# figures NAME [LIMIT]: of milliseconds on stdin; 1 when p99 is over the limit. One process of this test hears
# 100 sessions end at once: that has more time, which only tells it from never.
figures()
{
	sort -n | awk -v name="$1" -v limit="${2:-$LIMIT_MS}" '{ v[NR] = $1 } END {
		p99 = v[int((NR * 99 + 99) / 100)]
		printf "     %s: n %d p50 %d p99 %d max %d ms\n", name, NR, v[int((NR + 1) / 2)], p99, v[NR]
		exit !(NR > 0 && p99 <= limit) }'
}

spread() { [ "$(jq -r '.endpoints[0].port' "$RUN"/answers/*.json | sort -u | wc -l)" -eq 2 ]; }
check 'tokens for 100 sessions' answers each
check 'on two reflectors' spread
alternates() { [ "$(jq -r '.endpoints | length' "$RUN"/answers/*.json | sort -u)" = 2 ]; }
check 'each with an alternate' alternates
check 'they join' sessions_start

# One by one: from the start of helioctl to the bye.
one_by_one()
{
	local i jti
	DONE=''
	: >"$RUN/begun"
	for ((i = 0; i < SESSIONS; i++)); do
		jti=$(jti_of "$RUN/answers/$i.json")
		echo "$i $(now_ms)" >>"$RUN/begun"
		ctl token revoke "$jti" --yes >/dev/null || return 1
	done
	wait_for 5 closed "$SESSIONS" || return 1
	DONE=yes
}
check 'helioctl token revoke, 100 times' one_by_one
took() { jq -r 'select(.at) | "\(.i) \(.at)"' <(grep '"at"' "$RUN/held.out") | sort >"$RUN/ended"; join <(sort "$RUN/begun") "$RUN/ended" | awk '{ print $3 - $2 }'; }
one_figures() { [ -n "$DONE" ] && took | figures 'token by helioctl'; }
one_round()
{
	node_end held
	answers each && sessions_start && one_by_one && one_figures
}
fast_enough() { one_figures || one_round || one_round; }
check "closed within $LIMIT_MS ms (p99)" fast_enough
reason() { [ "$(grep '"at"' "$RUN/held.out" | jq -r '.bye // .error' | sort -u)" = "$1" ]; }
check 'with the reason' reason token-revoked
node_end held

# All at once.
at_once()
{
	local name=$1 user=$2 entry=$3 begin
	answers "$user" && sessions_start || return 1
	begin=$(now_ms)
	is 201 adm POST /v1/revocations -d "$entry" || return 1
	SEQ=$(body .seq)
	wait_for 5 closed "$SESSIONS" || { node_end held; return 1; }
	node_end held
	grep '"at"' "$RUN/held.out" | jq -r ".at - $begin" | figures "$name" $((20 * LIMIT_MS))
}
again() { pub POST /v1/token -H "Authorization: Bearer $KEY" -d '{"user":"mallory","room":"even"}'; }
check 'a user, 100 sessions at once' at_once 'user at once' mallory '{"kind":"user","id":"mallory","ban_s":600}'
back_refused() { again; [ "$STATUS" != 200 ]; }
check 'cannot come back: no token' back_refused
old_refused() { ! timeout 150 node "$E2E/probe.mjs" try --ca "$RUN/ca.crt" --answer "$RUN/answers/0.json" --authd x --user x --password x --room x >"$RUN/try.json" 2>&1 || ! grep -q '"ok":true' "$RUN/try.json"; }
check 'nor with the token it has' old_refused
check 'the ban is lifted' is 204 adm DELETE "/v1/revocations/$SEQ"
check 'and a new token opens again' is 200 again
# Half of the sessions are in that room.
by_room()
{
	local begin
	answers each && sessions_start || return 1
	begin=$(now_ms)
	is 201 adm POST /v1/revocations -d '{"kind":"room","id":"odd"}' || return 1
	wait_for 5 closed $((SESSIONS / 2)) &&
		grep '"at"' "$RUN/held.out" | jq -r ".at - $begin" | figures 'room at once' $((20 * LIMIT_MS))
}
# enters FILE: with that answer of authd.
enters()
{
	timeout 150 node "$E2E/probe.mjs" try --ca "$RUN/ca.crt" --answer "$1" --authd x --user x --password x --room x \
		>"$RUN/try.json" 2>&1 && grep -q '"ok":true' "$RUN/try.json"
}
odd_old_refused() { ! enters "$RUN/answers/1.json"; }
even_still() { enters "$RUN/answers/0.json"; }
only_odd() { [ "$(grep '"at"' "$RUN/held.out" | jq -r '.i % 2' | sort | uniq -c | awk '{ print $1, $2 }')" = "$((SESSIONS / 2)) 1" ]; }
odd_again() { is 200 pub POST /v1/token -H "Authorization: Bearer $KEY" -d '{"user":"u1","room":"odd"}' && cp "$RUN/body" "$RUN/again.json" && enters "$RUN/again.json"; }
check 'a room, 50 sessions at once' by_room
check 'with the reason' reason room-closed
check 'its tokens open nothing any more' odd_old_refused
check 'new ones do' odd_again
check 'the other room was not concerned' only_odd
check 'nor its tokens' even_still
node_end held
check 'an API key, 100 sessions at once' at_once 'key at once' each "{\"kind\":\"apikey\",\"id\":\"$KEY_ID\"}"
e2e_end
