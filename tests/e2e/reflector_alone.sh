#!/bin/bash
# The reflector with a small authd of the test's own: over IPv4, and over IPv6 where there is ::1.
cd "${srcdir:-$(dirname "$0")/../..}/tests/e2e" || exit 1
command -v node >/dev/null || { echo 'SKIP: there is no node'; exit 77; }
command -v certtool >/dev/null || { echo 'SKIP: there is no certtool (gnutls-bin)'; exit 77; }
program=${HELIO_REFLECTOR:-${BUILD:?names the folder of the build}/reflector/helio-reflector}

# The program has a watchdog of its own; timeout is for a node that does not even come to that.
timeout 620 node reflector_alone.mjs --reflector "$program" --address 127.0.0.1 || exit 1
grep -q '^0\{31\}1 ' /proc/net/if_inet6 2>/dev/null || { echo 'SKIP: this machine has no ::1'; exit 77; }
timeout 620 node reflector_alone.mjs --reflector "$program" --address ::1
