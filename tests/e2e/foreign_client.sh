#!/bin/bash
# A client written from doc/protocol.md alone, in JavaScript with another TLS library, in a call with helio-call:
# not a frame may be missing in either direction. See foreign_client.mjs.
. "${srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

# shellcheck disable=SC2034 # read by scripts/lib.sh
AUTHD_EXTRA='hash-memory = 8M'
node_needed
e2e_begin foreign 120
cluster_start
user_add alice 'correct horse'
user_add bob 'battery staple'
room_add demo
echo 'battery staple' >"$RUN/password"
mkdir "$RUN/record"

# 4 s of a voice-like sound: two gliding tones, 48 kHz, 16 bit, mono.
node -e '
	const n = 4 * 48000;
	const wav = Buffer.alloc(44 + 2 * n);
	wav.write("RIFF", 0); wav.writeUInt32LE(36 + 2 * n, 4); wav.write("WAVEfmt ", 8);
	wav.writeUInt32LE(16, 16); wav.writeUInt16LE(1, 20); wav.writeUInt16LE(1, 22);
	wav.writeUInt32LE(48000, 24); wav.writeUInt32LE(96000, 28); wav.writeUInt16LE(2, 32);
	wav.writeUInt16LE(16, 34); wav.write("data", 36); wav.writeUInt32LE(2 * n, 40);
	for (let i = 0; i < n; i++) {
		const t = i / 48000;
		const s = Math.sin(6.28 * t * (200 + 40 * t)) + Math.sin(6.28 * t * (700 - 90 * t));
		wav.writeInt16LE(Math.round(8000 * s), 44 + 2 * i);
	}
	require("fs").writeFileSync(process.argv[1], wav);' "$RUN/say.wav"

node "$E2E/foreign_client.mjs" --authd "$AUTHD_URL" --ca "$RUN/ca.crt" --user alice \
	--password 'correct horse' --room demo --other bob --say 'hello from helio-call' \
	--answer 'hello from afar' --text "$TOP/doc/protocol.md" --hashes "$RUN/hashes" >"$RUN/foreign.out" 2>&1 &
foreign=$!
E2E_JOBS+=("$foreign")
foreign_ready() { grep -q '^ready' "$RUN/foreign.out" || pid_ended "$foreign"; }
wait_for 20 foreign_ready

timeout 300 "$HELIO_CALL_BIN" --authd "$AUTHD_URL" --authd-ca "$RUN/ca.crt" --ca "$RUN/ca.crt" --user bob \
	--password-file "$RUN/password" --room demo --wait-for 1 --send-audio "$RUN/say.wav" \
	--chat 'hello from helio-call' --until-idle=3 --json --record "$RUN/record" --trace "$RUN/trace" \
	</dev/null >"$RUN/call.json" 2>"$RUN/call.log"
status=$?
wait "$foreign"
foreign_status=$?
cat "$RUN/foreign.out"
check 'helio-call ended with 0' test "$status" -eq 0
check 'the foreign client is content' test "$foreign_status" -eq 0

# helio-call's own account of what left it and what came to it, against what the foreign client saw.
frames() { jq -r "select(.dir == \"$1\" and .kind == \"audio\" and .error == null) | .hash" "$RUN/trace"; }
frames tx >"$RUN/tx"
frames rx >"$RUN/rx"
check "helio-call sent the whole file: $(wc -l <"$RUN/tx") frames" test "$(wc -l <"$RUN/tx")" -ge 200
check 'the foreign client got each of them, unchanged and in order' cmp "$RUN/tx" "$RUN/hashes"
check 'helio-call got each of them back, unchanged and in order' cmp "$RUN/tx" "$RUN/rx"
check 'helio-call showed the chat to the room' grep -q 'hello from afar' "$RUN/call.json"
check 'helio-call showed the chat to it alone' grep -q 'for you alone' "$RUN/call.json"
check 'helio-call recorded the foreign stream' test -n "$(find "$RUN/record" -name 'alice+foreign-*.opus' -size +4k)"
e2e_end
