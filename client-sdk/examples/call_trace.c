/*
 * call_trace: writes the trace through a large buffer, so that measuring hardly disturbs what is
 * measured.
 */
#include "client-sdk/examples/call_trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <helio.h>

#include "client-sdk/examples/call_clock.h"
#include "client-sdk/examples/call_text.h"

#define BUFFER (1u << 20)

struct call_trace {
	FILE *file;
	char *buffer;
};

static uint64_t fnv1a(const uint8_t *bytes, size_t length)
{
	uint64_t hash = 0xcbf29ce484222325u;
	for (size_t i = 0; i < length; i++) {
		hash = (hash ^ bytes[i]) * 0x100000001b3u;
	}
	return hash;
}

struct call_trace *call_trace_open(const char *path)
{
	struct call_trace *t = calloc(1, sizeof(*t));
	if (t == NULL) {
		return NULL;
	}
	t->file = fopen(path, "we");
	if (t->file == NULL) {
		call_text_errorf("Check --trace", strerror(errno), "%s cannot be written", path);
		free(t);
		return NULL;
	}
	t->buffer = malloc(BUFFER);
	if (t->buffer != NULL) {
		setvbuf(t->file, t->buffer, _IOFBF, BUFFER);
	}
	return t;
}

bool call_trace_close(struct call_trace *t)
{
	if (t == NULL) {
		return true;
	}
	bool ok = ferror(t->file) == 0;
	ok = fclose(t->file) == 0 && ok;
	if (!ok) {
		call_text_error("the trace is not complete", strerror(errno), "Is the disk full?");
	}
	free(t->buffer);
	free(t);
	return ok;
}

void call_trace_self(struct call_trace *t, const char *participant)
{
	char id[256];

	if (t != NULL) {
		call_text_json(id, sizeof(id), participant, strlen(participant));
		fprintf(t->file, "{\"dir\":\"self\",\"participant\":\"%s\",\"t_ns\":%" PRId64 "}\n",
			id, call_clock_now());
	}
}

void call_trace_write(struct call_trace *t, const struct call_trace_line *line)
{
	char id[256];

	if (t == NULL) {
		return;
	}
	call_text_json(id, sizeof(id), line->participant, strlen(line->participant));
	fprintf(t->file,
		"{\"dir\":\"%s\",\"kind\":\"%s\",\"participant\":\"%s\",\"stream\":%u,\"ts\":%" PRIu32
		",\"t_ns\":%" PRId64 ",\"len\":%zu",
		line->sent ? "tx" : "rx", line->kind, id, line->stream, line->ts, line->t_ns,
		line->length);
	if (line->samples != 0) {
		fprintf(t->file, ",\"samples\":%u", line->samples);
	}
	if (line->error != 0) {
		fprintf(t->file, ",\"error\":\"%s\"", helio_error_name(line->error));
	}
	fprintf(t->file, ",\"hash\":\"%016" PRIx64 "\"}\n", fnv1a(line->payload, line->length));
}
