#!/bin/bash
# helio-call's own part of a call: options, files it cannot use, servers it cannot reach. Each must end by itself, with
# the exit code that the manual states and an error in three parts. Needs no daemons.
# shellcheck source=scripts/lib.sh
. "${srcdir:-$(dirname "$0")/../..}/scripts/lib.sh"
run_begin helio-call

failed=0
number=0

# expect STATUS PATTERN ARGUMENT...: helio-call ends with STATUS within 100 s and says PATTERN (ERE).
expect()
{
	local want=$1 pattern=$2 status=0
	shift 2
	number=$((number + 1))
	timeout -k 5 100 "$HELIO_CALL_BIN" "$@" >"$RUN/out" 2>&1 </dev/null || status=$?
	if [ "$status" -ne "$want" ] || ! grep -qE -- "$pattern" "$RUN/out"; then
		failed=$((failed + 1))
		printf 'not ok: helio-call %s\n  status %s, expected %s and /%s/:\n' "$*" "$status" "$want" "$pattern"
		sed 's/^/  /' "$RUN/out"
	elif [ "$want" -ge 1 ] && [ -z "${JSON:-}" ] && ! grep -qE '^helio-call: [^:]+.*: .+\. .+[.?]$' "$RUN/out"; then
		failed=$((failed + 1))
		printf 'not ok: helio-call %s: its error has no three parts\n' "$*"
		sed 's/^/  /' "$RUN/out"
	fi
}

printf 'secret\n' >"$RUN/password"
: >"$RUN/empty"
printf '\nsecond line\n' >"$RUN/blank"
printf 'no audio at all' >"$RUN/bad.wav"
printf 'no audio at all' >"$RUN/bad.opus"
printf 'DKIF' >"$RUN/short.ivf"
# A header alone: VP8, 320x240, 30/1, no pictures; then one of another codec.
printf 'DKIF\0\0\040\0VP80\100\001\360\0\036\0\0\0\001\0\0\0\0\0\0\0\0\0\0\0' >"$RUN/none.ivf"
printf 'DKIF\0\0\040\0H264\100\001\360\0\036\0\0\0\001\0\0\0\0\0\0\0\0\0\0\0' >"$RUN/h264.ivf"
# A picture whose length says 4 GiB.
{ cat "$RUN/none.ivf"; printf '\377\377\377\377\0\0\0\0\0\0\0\0x'; } >"$RUN/huge.ivf"

ports_pick # reserved for us, and nobody listens
base=(--authd "https://127.0.0.1:$PORT" --user alice --room demo)
full=("${base[@]}" --password-file "$RUN/password")

# usage
expect 0 '^usage: helio-call' --help
expect 0 'Exit codes: 0 ok, 1 failed, 2 usage' --help
expect 0 '^helio-call [0-9.]+ \(libhelio [0-9.]+\)$' --version
expect 2 '--authd is missing'
expect 2 '--user is missing' --authd https://127.0.0.1
expect 2 '--room is missing' --authd https://127.0.0.1 --user alice
link=https://127.0.0.1:1/join#eyJh.eyJi.c2ln
expect 2 '--name is missing' --invite "$link"
expect 2 'stands for user' --invite "$link" --name Gina --user alice
expect 2 'stands for user' --invite "$link" --name Gina --room demo
expect 2 'is no link' --invite eyJh.eyJi.c2ln --name Gina
expect 2 'belongs to --invite' "${full[@]}" --passcode 1234
expect 3 'could not be joined' --invite "$link" --name Gina
expect 2 'must begin with https' --authd http://127.0.0.1 --user alice --room demo
expect 2 'no such option' --authd https://127.0.0.1 --nonsense
expect 2 'its value is missing' --authd
expect 2 '--room is empty' "${base[@]}" --room ''
expect 2 'takes options only' "${full[@]}" stray
expect 2 'audio-ms' "${full[@]}" --audio-ms 30
expect 2 'audio-ms' "${full[@]}" --audio-ms -20
expect 2 'whole number' "${full[@]}" --bitrate fast
expect 2 'whole number' "${full[@]}" --bitrate 5999
expect 2 'whole number' "${full[@]}" --wait-for 99999999999999999999
expect 2 'seconds' "${full[@]}" --duration 0
expect 2 'seconds' "${full[@]}" --duration nan
expect 2 'seconds' "${full[@]}" --until-idle=soon
expect 2 '1 to 4096 bytes' "${full[@]}" --chat "$(printf '%4097s' x)"
expect 2 'there is no password' "${base[@]}"
expect 2 'written out' "${base[@]}" --password secret
grep -q secret "$RUN/out" && { echo "not ok: a password from the command line is shown"; failed=$((failed + 1)); }
expect 2 '.' "${full[@]}" --device 'a b'

# files
expect 1 'cannot be read' "${base[@]}" --password-file "$RUN/missing"
expect 1 'holds no password' "${base[@]}" --password-file "$RUN/empty"
expect 1 'holds no password' "${base[@]}" --password-file "$RUN/blank"
expect 1 'missing.pem cannot be read' "${full[@]}" --authd-ca "$RUN/missing.pem"
expect 1 'missing.pem cannot be read' "${full[@]}" --ca "$RUN/missing.pem"
expect 1 'cannot be read' "${full[@]}" --send-audio "$RUN/missing.wav"
expect 1 'cannot be read' "${full[@]}" --send-audio "$RUN/bad.wav"
expect 1 'cannot be read' "${full[@]}" --send-audio "$RUN/bad.opus"
expect 1 'cannot be sent' "${full[@]}" --send-video "$RUN/missing.ivf"
expect 1 'no IVF file' "${full[@]}" --send-video "$RUN/short.ivf"
expect 1 'no pictures' "${full[@]}" --send-video "$RUN/none.ivf"
expect 1 'neither VP8 nor VP9' "${full[@]}" --send-video "$RUN/h264.ivf"
expect 1 'cut off or broken' "${full[@]}" --send-video "$RUN/huge.ivf"
expect 1 'cannot be made' "${full[@]}" --record "$RUN/missing/dir"
expect 1 'cannot be made' "${full[@]}" --record "$RUN/password"
expect 1 'cannot be written' "${full[@]}" --trace "$RUN/missing/trace"

# servers
expect 3 'could not be joined' "${full[@]}"
expect 3 'could not be joined' "${full[@]}" --send-audio tone --duration 5
HELIO_PASSWORD=secret expect 3 'could not be joined' "${base[@]}"
JSON=1 expect 3 '"event":"error","code":"connect"' "${full[@]}" --json
JSON=1 expect 3 '"event":"summary","ok":false,"exit":3' "${full[@]}" --json
expect 3 'could not be joined' --authd https://host.invalid:1 --user alice --room demo --password-file "$RUN/password"

[ "$failed" -eq 0 ] || fail "$failed of $number cases failed"
echo "$number cases passed"
