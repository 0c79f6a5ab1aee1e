/*
 * fuzz_frame: bytes of a peer before it is anybody: frame headers, and the JSON of control frames.
 * What parses must write back to the same bytes, and dump to text that parses again.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/frame_hdr.h"
#include "proto/limits.h"
#include "proto/msg.h"
#include "tests/fuzz/fuzz.h"

static void check_message(const uint8_t *bytes, size_t len)
{
	json_t *msg = NULL;
	json_t *again = NULL;
	const char *type = NULL;
	size_t dump_len = 0;

	if (msg_parse(bytes, len, &msg, &type) != 0) {
		return;
	}
	if (type[0] == '\0') {
		abort();
	}
	(void)msg_is_name(type);
	(void)msg_is_participant_id(type);
	(void)msg_is_display_name(type);
	char *text = msg_dump(msg, &dump_len);
	if (text == NULL) {
		abort();
	}
	/* escapes may make the text longer than the limit */
	int err = msg_parse_object(text, dump_len, &again);
	if (err != 0 && err != ERR_TOO_LARGE) {
		abort();
	}
	json_decref(again);
	json_decref(msg);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t at = 0;

	check_message(data, size);
	for (;;) {
		struct frame_hdr hdr;
		uint8_t back[FRAME_HDR_LEN];
		int err = 0;

		if (frame_hdr_parse(&hdr, data + at, size - at, LIMIT_PAYLOAD_DEFAULT, &err) !=
			PARSE_DONE) {
			return 0;
		}
		frame_hdr_write(&hdr, back);
		if (memcmp(back, data + at, FRAME_HDR_LEN) != 0) {
			abort();
		}
		at += FRAME_HDR_LEN;
		if (hdr.length > size - at) {
			return 0;
		}
		if (hdr.kind == FRAME_CONTROL) {
			check_message(data + at, hdr.length);
		}
		at += hdr.length;
	}
}
