#!/bin/bash
# Lobby, mute, kick, lock, what administrators do, and revocations of every kind, with clients that lie.
cd "${srcdir:-$(dirname "$0")/../..}/tests/e2e" || exit 1
command -v node >/dev/null || { echo 'SKIP: there is no node'; exit 77; }
command -v certtool >/dev/null || { echo 'SKIP: there is no certtool (gnutls-bin)'; exit 77; }
program=${HELIO_REFLECTOR:-${BUILD:?names the folder of the build}/reflector/helio-reflector}
exec timeout 620 node moderation.mjs --reflector "$program"
