/*
 * callcheck: judges a call by the traces and recordings of its participants; callcheck.h says how
 * it is used. Here: options, what must hold, and the two ways of saying it.
 */
#include "tests/tools/callcheck.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNS_MAX 16u
#define PATH_SIZE 4096u

struct run {
	const char *dir, *speech, *clip;
	bool loop;
	long chat; /* -1: not said */
	struct trace trace;
};

struct check {
	struct run runs[RUNS_MAX];
	unsigned run_count;
	double max_p99_ms, min_correlation;
	bool json;
	json_t *failed, *audio, *videos;
	size_t chat_sent, chat_received;
};

static int usage(void)
{
	fputs("usage: callcheck [--json] [--max-p99-ms MS] [--min-correlation R] RUN RUN...\n"
	      "RUN: --run DIR [--speech FILE.wav|FILE.opus] [--loop] [--clip FILE.ivf] [--chat N]\n",
		stderr);
	return 2;
}

static void fail(struct check *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void fail(struct check *c, const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	fprintf(stderr, "callcheck: %s\n", text);
	json_array_append_new(c->failed, json_string(text));
}

/* ---------------------------------------------------------------- options */

static bool take_number(const char *text, double *number)
{
	char *end;
	*number = strtod(text, &end);
	return end != text && *end == '\0' && *number >= 0;
}

/* An option of the run named last; false: there is none such, or no run yet. */
static bool take_run_option(struct check *c, const char *name, const char *value)
{
	double number = 0;

	if (c->run_count == 0 || value == NULL) {
		return false;
	}
	struct run *r = &c->runs[c->run_count - 1];
	if (strcmp(name, "--speech") == 0) {
		r->speech = value;
	} else if (strcmp(name, "--clip") == 0) {
		r->clip = value;
	} else if (strcmp(name, "--chat") == 0 && take_number(value, &number)) {
		r->chat = (long)number;
	} else {
		return false;
	}
	return true;
}

static bool parse_options(struct check *c, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
		if (strcmp(name, "--json") == 0) {
			c->json = true;
		} else if (strcmp(name, "--loop") == 0 && c->run_count > 0) {
			c->runs[c->run_count - 1].loop = true;
		} else if (value == NULL) {
			return false;
		} else if (strcmp(name, "--run") == 0 && c->run_count < RUNS_MAX) {
			c->runs[c->run_count].chat = -1;
			c->runs[c->run_count++].dir = value;
			i++;
		} else if (strcmp(name, "--max-p99-ms") == 0 &&
			take_number(value, &c->max_p99_ms)) {
			i++;
		} else if (strcmp(name, "--min-correlation") == 0 &&
			take_number(value, &c->min_correlation)) {
			i++;
		} else if (take_run_option(c, name, value)) {
			i++;
		} else {
			return false;
		}
	}
	return c->run_count >= 2;
}

/* ---------------------------------------------------------------- what must hold */

static void check_frames(struct check *c, const struct direction *d, const char *what)
{
	if (d->lost > 0) {
		fail(c, "%s %s -> %s: %zu of %zu frames are missing", what, d->from, d->to, d->lost,
			d->sent);
	}
	if (d->altered > 0) {
		fail(c, "%s %s -> %s: %zu frames are not what was sent", what, d->from, d->to,
			d->altered);
	}
	if (d->doubled > 0 || d->disordered > 0) {
		fail(c, "%s %s -> %s: %zu frames came twice, %zu out of order", what, d->from,
			d->to, d->doubled, d->disordered);
	}
	if (d->p99_ms > c->max_p99_ms) {
		fail(c, "%s %s -> %s: latency p99 is %.1f ms, over %.1f ms", what, d->from, d->to,
			d->p99_ms, c->max_p99_ms);
	}
}

/* ID-STREAM.opus as helio-call names it. */
static void recording_path(char *out, const struct run *to, const struct direction *d)
{
	static const char good[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@+-";
	int start = snprintf(out, PATH_SIZE, "%s/", to->dir);

	snprintf(out + start, PATH_SIZE - (size_t)start, "%.120s-%u.opus", d->from, d->stream);
	for (char *p = out + start; *p != '\0'; p++) {
		if (strchr(good, *p) == NULL || (p == out + start && *p == '.')) {
			*p = '_';
		}
	}
}

static json_t *round_to(double value, double step)
{
	double scaled = value / step;
	return json_real((double)(long long)(scaled + (scaled < 0 ? -0.5 : 0.5)) * step);
}

/* The correlation as JSON; null when it is not asked for. */
static json_t *check_speech(
	struct check *c, const struct run *from, const struct run *to, const struct direction *d)
{
	char path[PATH_SIZE];
	double correlation = 0;

	if (from->speech == NULL || d->sent == 0) {
		return json_null();
	}
	recording_path(path, to, d);
	if (!audio_compare(from->speech, from->loop, path, &correlation)) {
		fail(c, "audio %s -> %s: there is no recording to compare", d->from, d->to);
	} else if (correlation < c->min_correlation) {
		fail(c, "audio %s -> %s: correlation with the speech is %.3f, under %.2f", d->from,
			d->to, correlation, c->min_correlation);
	}
	return round_to(correlation, 0.0001);
}

static bool check_audio(struct check *c, const struct run *from, const struct run *to)
{
	struct direction d;

	if (!trace_follow(&d, TRACE_AUDIO, &from->trace, &to->trace)) {
		return false;
	}
	if (d.sent == 0 && d.received == 0) {
		if (from->speech != NULL) {
			fail(c, "audio %s -> %s: nothing was sent", d.from, d.to);
		}
		return true;
	}
	check_frames(c, &d, "audio");
	json_array_append_new(c->audio,
		json_pack("{s:s, s:s, s:o, s:o, s:I, s:I, s:o, s:o, s:o}", "from", d.from, "to",
			d.to, "sent_s", round_to((double)d.sent_samples / 48000.0, 0.001),
			"received_s", round_to((double)d.received_samples / 48000.0, 0.001), "lost",
			(json_int_t)d.lost, "altered", (json_int_t)d.altered, "correlation",
			check_speech(c, from, to, &d), "p50_ms", round_to(d.p50_ms, 0.001),
			"p99_ms", round_to(d.p99_ms, 0.001)));
	return true;
}

static bool check_video(struct check *c, const struct run *from, const struct run *to)
{
	struct direction d;

	if (!trace_follow(&d, TRACE_VIDEO, &from->trace, &to->trace)) {
		return false;
	}
	if (d.sent == 0 && d.received == 0) {
		if (from->clip != NULL) {
			fail(c, "video %s -> %s: nothing was sent", d.from, d.to);
		}
		return true;
	}
	check_frames(c, &d, "video");
	bool exact = d.lost == 0 && d.altered == 0 && d.doubled == 0 && d.disordered == 0;
	json_array_append_new(c->videos,
		json_pack("{s:s, s:s, s:I, s:I, s:b, s:o, s:o}", "from", d.from, "to", d.to, "sent",
			(json_int_t)d.sent, "received", (json_int_t)d.received, "bit_exact",
			exact ? 1 : 0, "p50_ms", round_to(d.p50_ms, 0.001), "p99_ms",
			round_to(d.p99_ms, 0.001)));
	return true;
}

static bool check_chat(struct check *c, const struct run *from, const struct run *to)
{
	struct direction d;

	if (!trace_follow(&d, TRACE_CHAT, &from->trace, &to->trace)) {
		return false;
	}
	c->chat_received += d.received;
	if (d.lost > 0 || d.altered > 0) {
		fail(c, "chat %s -> %s: of %zu lines %zu are missing, %zu are not what was sent",
			d.from, d.to, d.sent, d.lost, d.altered);
	}
	return true;
}

/* What one participant sent against what it was to send. */
static bool check_sender(struct check *c, const struct run *r)
{
	uint64_t *hashes = NULL;
	size_t clip_count = 0, video = 0, chat = 0, wrong = 0;

	if (r->clip != NULL && !video_load(r->clip, &hashes, &clip_count)) {
		return false;
	}
	for (size_t i = 0; i < r->trace.count; i++) {
		const struct trace_frame *f = &r->trace.frames[i];
		chat += f->sent && f->kind == TRACE_CHAT;
		if (f->sent && f->kind == TRACE_VIDEO && hashes != NULL) {
			bool within = video < clip_count || r->loop;
			wrong += !within || f->hash != hashes[video % clip_count];
			video++;
		}
	}
	free(hashes);
	if (wrong > 0 || (video < clip_count && !r->loop)) {
		fail(c, "video of %s: %zu pictures sent, %zu of them not of the clip's %zu",
			r->trace.self, video, wrong, clip_count);
	}
	if (r->chat >= 0 && chat != (size_t)r->chat) {
		fail(c, "chat of %s: it sent %zu lines, not %ld", r->trace.self, chat, r->chat);
	}
	c->chat_sent += chat * (c->run_count - 1);
	return true;
}

static bool check_all(struct check *c)
{
	for (unsigned i = 0; i < c->run_count; i++) {
		if (!check_sender(c, &c->runs[i])) {
			return false;
		}
		for (unsigned k = 0; k < c->run_count; k++) {
			const struct run *from = &c->runs[i], *to = &c->runs[k];
			if (i != k &&
				(!check_audio(c, from, to) || !check_video(c, from, to) ||
					!check_chat(c, from, to))) {
				return false;
			}
		}
	}
	return true;
}

/* ---------------------------------------------------------------- saying it */

/* The direction that is worst: not exact, else the slowest; NULL when there is no video. */
static json_t *worst_video(const struct check *c)
{
	json_t *worst = NULL, *v;
	size_t i;

	json_array_foreach(c->videos, i, v) {
		bool exact = json_is_true(json_object_get(v, "bit_exact"));
		bool worst_exact =
			worst == NULL || json_is_true(json_object_get(worst, "bit_exact"));
		if (worst == NULL || (worst_exact && !exact) ||
			(worst_exact == exact &&
				json_real_value(json_object_get(v, "p99_ms")) >
					json_real_value(json_object_get(worst, "p99_ms")))) {
			worst = v;
		}
	}
	return worst;
}

static bool print_json(struct check *c)
{
	json_t *video = worst_video(c);
	json_t *o = json_pack("{s:b, s:O, s:O, s:O, s:{s:I, s:I}}", "ok",
		json_array_size(c->failed) == 0, "failed", c->failed, "audio", c->audio, "video",
		video != NULL ? video : json_null(), "chat", "sent", (json_int_t)c->chat_sent,
		"received", (json_int_t)c->chat_received);

	if (o != NULL && json_array_size(c->videos) > 1) {
		json_object_set(o, "videos", c->videos);
	}
	char *text = o != NULL ? json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
	if (text != NULL) {
		puts(text);
	}
	free(text);
	json_decref(o);
	return text != NULL;
}

static void print_table(const struct check *c)
{
	json_t *row;
	size_t i;

	printf("%-6s %-16s %-16s %10s %10s %8s %8s  %s\n", "kind", "from", "to", "sent", "received",
		"p50 ms", "p99 ms", "likeness");
	json_array_foreach(c->audio, i, row) {
		char likeness[32] = "-";
		json_t *r = json_object_get(row, "correlation");
		if (json_is_real(r)) {
			snprintf(likeness, sizeof(likeness), "%.3f", json_real_value(r));
		}
		printf("%-6s %-16s %-16s %8.1f s %8.1f s %8.1f %8.1f  %s\n", "audio",
			json_string_value(json_object_get(row, "from")),
			json_string_value(json_object_get(row, "to")),
			json_real_value(json_object_get(row, "sent_s")),
			json_real_value(json_object_get(row, "received_s")),
			json_real_value(json_object_get(row, "p50_ms")),
			json_real_value(json_object_get(row, "p99_ms")), likeness);
	}
	json_array_foreach(c->videos, i, row) {
		printf("%-6s %-16s %-16s %10lld %10lld %8.1f %8.1f  %s\n", "video",
			json_string_value(json_object_get(row, "from")),
			json_string_value(json_object_get(row, "to")),
			(long long)json_integer_value(json_object_get(row, "sent")),
			(long long)json_integer_value(json_object_get(row, "received")),
			json_real_value(json_object_get(row, "p50_ms")),
			json_real_value(json_object_get(row, "p99_ms")),
			json_is_true(json_object_get(row, "bit_exact")) ? "bit-exact"
									: "NOT bit-exact");
	}
	printf("%-6s %-16s %-16s %10zu %10zu\n", "chat", "all", "all", c->chat_sent,
		c->chat_received);
	puts(json_array_size(c->failed) == 0 ? "ok" : "NOT ok");
}

static bool load_traces(struct check *c)
{
	for (unsigned i = 0; i < c->run_count; i++) {
		char path[PATH_SIZE];
		snprintf(path, sizeof(path), "%s/trace.jsonl", c->runs[i].dir);
		if (!trace_load(&c->runs[i].trace, path)) {
			return false;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	struct check c;
	int rc = 2;

	memset(&c, 0, sizeof(c));
	c.max_p99_ms = 20.0;
	c.min_correlation = 0.9;
	if (!parse_options(&c, argc, argv)) {
		return usage();
	}
	c.failed = json_array();
	c.audio = json_array();
	c.videos = json_array();
	if (load_traces(&c) && check_all(&c)) {
		if (json_array_size(c.audio) == 0) {
			fail(&c, "no audio was sent in any direction");
		}
		rc = json_array_size(c.failed) == 0 ? 0 : 1;
		if (!c.json) {
			print_table(&c);
		} else if (!print_json(&c)) {
			rc = 2;
		}
	}
	for (unsigned i = 0; i < c.run_count; i++) {
		trace_finish(&c.runs[i].trace);
	}
	json_decref(c.failed);
	json_decref(c.audio);
	json_decref(c.videos);
	return rc;
}
