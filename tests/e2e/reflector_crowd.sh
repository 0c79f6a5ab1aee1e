#!/bin/bash
# Many who each keep to the rules must not cost anybody else a frame, a session or a place: see reflector_crowd.mjs.
cd "${srcdir:-$(dirname "$0")/../..}/tests/e2e" || exit 1
command -v node >/dev/null || { echo 'SKIP: there is no node'; exit 77; }
command -v certtool >/dev/null || { echo 'SKIP: there is no certtool (gnutls-bin)'; exit 77; }
exec timeout 620 node reflector_crowd.mjs --reflector "${HELIO_REFLECTOR:-${BUILD:?names the folder of the build}/reflector/helio-reflector}"
