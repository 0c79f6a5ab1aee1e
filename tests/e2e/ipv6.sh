#!/bin/bash
# A call over IPv6 and one over IPv4 in the same room. Skipped (loudly) where the machine has no ::1.
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

# shellcheck disable=SC2034 # read by scripts/lib.sh
AUTHD_EXTRA='hash-memory = 8M'
node_needed
grep -q '^0\{31\}1 ' /proc/net/if_inet6 2>/dev/null || skip 'this machine has no ::1'
e2e_begin ipv6 90
cluster_start -w 1
user_add alice 'correct horse'
room_add demo
E2E_NODE_ARGS=(--authd "$AUTHD_URL" --ca "$RUN/ca.crt" --password 'correct horse')

check 'join over ::1' probe_try alice demo --address ::1
check 'join over 127.0.0.1' probe_try alice demo --address 127.0.0.1
pair_start six alice demo --address ::1 --tag six --seconds 2
pair_start four alice demo --address 127.0.0.1 --tag four --seconds 2
check 'no frame is lost over ::1' pair_wait six
check 'no frame is lost over 127.0.0.1' pair_wait four
e2e_end
