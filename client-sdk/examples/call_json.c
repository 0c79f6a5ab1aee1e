/*
 * call_json: the view for scripts: one JSON object per line on stdout. Strings of others pass
 * call_text_json() and nothing else.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client-sdk/examples/call.h"
#include "client-sdk/examples/call_clock.h"
#include "client-sdk/examples/call_text.h"

#define TEXT_SIZE 25000u /* a chat line of 4,096 bytes, each as \u0000 */

static void put_string(const char *key, const char *text, size_t length)
{
	char *out = malloc(TEXT_SIZE);

	if (out != NULL) {
		call_text_json(out, TEXT_SIZE, text, length);
		printf(",\"%s\":\"%s\"", key, out);
		free(out);
	}
}

static void put_text(const char *key, const char *text)
{
	put_string(key, text != NULL ? text : "", text != NULL ? strlen(text) : 0);
}

static void begin(const char *event)
{
	printf("{\"event\":\"%s\"", event);
}

static void end(void)
{
	puts("}");
	fflush(stdout);
}

static const char *kind_name(enum helio_kind kind)
{
	static const char *const names[] = { "", "audio", "video", "screen", "data" };
	return (unsigned)kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "";
}

static void json_joined(struct call *c, const struct helio_participant *self)
{
	struct helio_stats stats = { .size = sizeof(stats) };

	helio_get_stats(c->helio, &stats);
	begin("joined");
	put_text("participant", self->id);
	put_text("name", self->name);
	printf(",\"num\":%u", self->number);
	put_text("room", c->options.room);
	put_text("address", stats.endpoint_address);
	printf(",\"port\":%u", stats.endpoint_port);
	end();
}

static void json_person(struct call *c, const struct call_person *person, bool here, int error)
{
	begin("participant");
	printf(",\"action\":\"%s\"", here ? "joined" : "left");
	put_text("participant", person->id);
	put_text("name", person->name);
	printf(",\"num\":%u,\"present\":%u", person->number,
		c->roster.person_count - (here ? 0 : 1));
	if (!here) {
		put_text("reason", error == HELIO_OK ? "bye" : helio_error_name(error));
	}
	end();
}

static void json_stream(struct call *c, const struct call_stream *stream, bool there)
{
	(void)c;
	begin("stream");
	printf(",\"action\":\"%s\",\"stream\":%u,\"kind\":\"%s\"", there ? "added" : "removed",
		stream->id, kind_name(stream->kind));
	put_text("participant", stream->person->id);
	put_text("codec", stream->codec);
	put_text("label", stream->label);
	if (!there) {
		printf(",\"frames\":%" PRIu64 ",\"bytes\":%" PRIu64, stream->frames, stream->bytes);
	}
	end();
}

static void json_chat(struct call *c, const struct helio_chat *chat)
{
	(void)c;
	begin("chat");
	put_text("participant", chat->from_id);
	put_text("name", chat->from_name);
	printf(",\"num\":%u,\"number\":%" PRIu32 ",\"private\":%s", chat->from, chat->number,
		chat->is_private ? "true" : "false");
	put_string("text", chat->text, chat->length);
	end();
}

static void json_chat_sent(struct call *c, const char *text, size_t length)
{
	(void)c;
	begin("chat-sent");
	put_string("text", text, length);
	end();
}

static void json_notice(
	struct call *c, const char *what, const struct helio_participant *who, const char *text)
{
	(void)c;
	begin(what);
	if (who != NULL) {
		put_text("participant", who->id);
		put_text("name", who->name);
		printf(",\"num\":%u", who->number);
	}
	put_text("text", text);
	end();
}

static void json_problem(struct call *c, const char *what, int error, const char *text)
{
	(void)c;
	begin("error");
	put_text("code", helio_error_name(error));
	put_text("what", what);
	put_text("text", text != NULL ? text : helio_error_text(error));
	end();
}

static void put_counts(const struct call *c)
{
	const struct call_send_counts *sent = call_send_counts(c->send);
	const struct call_counts *n = &c->counts;

	printf(",\"audio\":{\"sent\":%" PRIu64 ",\"sent_s\":%.3f,\"received\":%" PRIu64
	       ",\"received_s\":%.3f}",
		sent->audio_frames, (double)sent->audio_samples / 48000.0, n->audio_received,
		(double)n->audio_samples / 48000.0);
	printf(",\"video\":{\"sent\":%" PRIu64 ",\"received\":%" PRIu64 "}", sent->video_frames,
		n->video_received);
	printf(",\"chat\":{\"sent\":%" PRIu64 ",\"delivered\":%" PRIu64 ",\"failed\":%" PRIu64
	       ",\"received\":%" PRIu64 "}",
		n->chat_sent, n->chat_delivered, n->chat_failed, n->chat_received);
	printf(",\"bytes_received\":%" PRIu64 ",\"dropped\":%" PRIu64 ",\"refused\":%" PRIu64,
		n->bytes_received, n->dropped, sent->refused);
}

static void json_tick(struct call *c, int64_t now_ns)
{
	struct helio_stats stats = { .size = sizeof(stats) };

	if (!c->joined) {
		return;
	}
	helio_get_stats(c->helio, &stats);
	begin("stats");
	printf(",\"t\":%.3f,\"participants\":%u,\"rtt_ms\":%u,\"buffered_ms\":%u",
		(double)(now_ns - c->joined_ns) / 1e9, c->roster.person_count, stats.rtt_ms,
		helio_buffered_ms(c->helio));
	put_counts(c);
	end();
}

static void json_summary(struct call *c, int exit_code)
{
	begin("summary");
	printf(",\"ok\":%s,\"exit\":%d", exit_code == CALL_EXIT_OK ? "true" : "false", exit_code);
	put_text("participant", c->self_id);
	put_text("room", c->options.room);
	printf(",\"seconds\":%.3f",
		c->joined ? (double)(call_clock_now() - c->joined_ns) / 1e9 : 0.0);
	put_counts(c);
	end();
}

const struct call_view call_view_json = {
	.joined = json_joined,
	.person = json_person,
	.stream = json_stream,
	.chat = json_chat,
	.chat_sent = json_chat_sent,
	.notice = json_notice,
	.problem = json_problem,
	.tick = json_tick,
	.summary = json_summary,
	.period_ns = CALL_SECOND,
};
