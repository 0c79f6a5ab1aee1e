#!/bin/bash
# A room of 50: one talker, 49 receivers, each of which must get every frame; helioctl names all 50 meanwhile.
# usage: room50.sh [SECONDS]   (default HELIO_ROOM50_SECONDS, or 4)
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

LENGTH=${1:-${HELIO_ROOM50_SECONDS:-4}}
# shellcheck disable=SC2034 # read by scripts/lib.sh
AUTHD_EXTRA='hash-memory = 8M'
e2e_begin room50 $((LENGTH + 150))
cluster_start
user_add alice 'correct horse'
room_add big
echo 'correct horse' >"$RUN/password"

"$ROOM_LOAD_BIN" --authd "$AUTHD_URL" --authd-ca "$RUN/ca.crt" --ca "$RUN/ca.crt" --user alice \
	--password-file "$RUN/password" --room big --participants 50 --talkers 1 --join-seconds 300 --seconds "$LENGTH" \
	>"$RUN/load.json" 2>"$RUN/load.log" &
load=$!
E2E_JOBS+=("$load")
joined() { grep -q '"joined":50' "$RUN/load.json" || ! kill -0 "$load" 2>/dev/null; }
wait_for 90 joined

# What the owner of the room says while it is live: reports go by once a second.
names_all_50()
{
	ctl room show big --json >"$RUN/show.json" 2>"$RUN/show.err" || return 1
	jq -e '[.participants_list[].id | select(startswith("alice+load"))] | unique | length == 50' \
		"$RUN/show.json" >/dev/null
}
check 'helioctl room show names all 50' wait_for "$LENGTH" names_all_50

wait "$load"
status=$?
cat "$RUN/load.json" "$RUN/load.log"
check "49 receivers got every frame of $LENGTH s" test "$status" -eq 0
check 'no worker was lost' test "$(log_count r1 worker-died)" -eq 0
e2e_end
