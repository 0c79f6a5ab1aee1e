/*
 * callcheck_trace: reads the traces that helio-call writes, and follows frames from one to another.
 */
#include "tests/tools/callcheck.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool name_index(struct trace *t, const char *name, unsigned *index)
{
	for (unsigned i = 0; i < t->name_count; i++) {
		if (strcmp(t->names[i], name) == 0) {
			*index = i;
			return true;
		}
	}
	char **bigger = realloc(t->names, (t->name_count + 1) * sizeof(*bigger));
	if (bigger == NULL) {
		return false;
	}
	t->names = bigger;
	t->names[t->name_count] = strdup(name);
	if (t->names[t->name_count] == NULL) {
		return false;
	}
	*index = t->name_count++;
	return true;
}

static bool kind_read(const char *name, enum trace_kind *kind)
{
	static const char *const names[] = { "audio", "video", "chat" };

	for (unsigned i = 0; i < 3; i++) {
		if (strcmp(name, names[i]) == 0) {
			*kind = (enum trace_kind)i;
			return true;
		}
	}
	return false;
}

/* A frame of a kind that is not followed (data) is left out: that is no error. */
static bool read_frame(struct trace *t, json_t *o, size_t *room)
{
	const char *dir, *kind, *participant, *hash;
	json_int_t stream, ts, t_ns, samples = 0;
	struct trace_frame f = { 0 };

	if (json_unpack(o, "{s:s, s:s, s:s, s:I, s:I, s:I, s:s, s?I}", "dir", &dir, "kind", &kind,
		    "participant", &participant, "stream", &stream, "ts", &ts, "t_ns", &t_ns,
		    "hash", &hash, "samples", &samples) != 0) {
		return false;
	}
	if (!kind_read(kind, &f.kind)) {
		return true;
	}
	f.sent = strcmp(dir, "tx") == 0;
	f.stream = (unsigned)stream;
	f.ts = (uint64_t)ts;
	f.t_ns = (uint64_t)t_ns;
	f.samples = (unsigned)samples;
	f.hash = strtoull(hash, NULL, 16);
	f.order = t->count;
	if (t->count == *room) {
		size_t more = *room != 0 ? *room * 2 : 1024;
		struct trace_frame *bigger = realloc(t->frames, more * sizeof(*bigger));
		if (bigger == NULL) {
			return false;
		}
		t->frames = bigger;
		*room = more;
	}
	if (!name_index(t, participant, &f.participant)) {
		return false;
	}
	t->frames[t->count++] = f;
	return true;
}

static bool read_line(struct trace *t, const char *line, size_t *room)
{
	json_t *o = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	const char *dir = json_string_value(json_object_get(o, "dir"));
	const char *participant = json_string_value(json_object_get(o, "participant"));
	bool ok = dir != NULL && participant != NULL;

	if (ok && strcmp(dir, "self") == 0) {
		free(t->self);
		t->self = strdup(participant);
		ok = t->self != NULL;
	} else if (ok) {
		ok = read_frame(t, o, room);
	}
	json_decref(o);
	return ok;
}

bool trace_load(struct trace *t, const char *path)
{
	size_t room = 0, number = 0, size = 0;
	char *line = NULL;
	bool ok = true;

	memset(t, 0, sizeof(*t));
	FILE *f = fopen(path, "re");
	if (f == NULL) {
		fprintf(stderr, "callcheck: %s cannot be read: %s\n", path, strerror(errno));
		return false;
	}
	while (ok && getline(&line, &size, f) > 0) {
		number++;
		ok = read_line(t, line, &room);
	}
	fclose(f);
	free(line);
	if (!ok || t->self == NULL) {
		fprintf(stderr, "callcheck: %s line %zu is no trace of helio-call%s\n", path,
			number, ok ? ": nobody joined" : "");
		trace_finish(t);
		return false;
	}
	return true;
}

void trace_finish(struct trace *t)
{
	for (unsigned i = 0; i < t->name_count; i++) {
		free(t->names[i]);
	}
	free(t->names);
	free(t->frames);
	free(t->self);
	memset(t, 0, sizeof(*t));
}

/* ---------------------------------------------------------------- following */

/* The frames of a kind that `who` sent, as this trace saw them leave (sent) or come. */
static bool select_frames(const struct trace *t, enum trace_kind kind, bool sent, const char *who,
	struct trace_frame **out, size_t *count)
{
	*count = 0;
	*out = calloc(t->count + 1, sizeof(**out));
	if (*out == NULL) {
		return false;
	}
	for (size_t i = 0; i < t->count; i++) {
		const struct trace_frame *f = &t->frames[i];
		if (f->kind == kind && f->sent == sent &&
			strcmp(t->names[f->participant], who) == 0) {
			(*out)[(*count)++] = *f;
		}
	}
	return true;
}

/* Chat has no number that both sides know: its n-th line of a sender is the n-th for all. */
static void number_chat(struct trace_frame *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		list[i].stream = 0;
		list[i].ts = i;
	}
}

static int compare_frames(const void *a, const void *b)
{
	const struct trace_frame *x = a, *y = b;

	if (x->stream != y->stream) {
		return x->stream < y->stream ? -1 : 1;
	}
	if (x->ts != y->ts) {
		return x->ts < y->ts ? -1 : 1;
	}
	return x->order < y->order ? -1 : x->order > y->order;
}

static bool same_frame(const struct trace_frame *a, const struct trace_frame *b)
{
	return a->stream == b->stream && a->ts == b->ts;
}

static int compare_numbers(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

/* How often a frame came behind one of its stream with a later media time; list is as it came. */
static size_t count_disorder(const struct trace_frame *list, size_t count)
{
	size_t n = 0;

	for (size_t i = 1; i < count; i++) {
		n += list[i].stream == list[i - 1].stream && list[i].ts < list[i - 1].ts;
	}
	return n;
}

/* Joins two sorted lists. late has room for sent_count numbers. */
static size_t join_frames(struct direction *d, const struct trace_frame *sent, size_t sent_count,
	const struct trace_frame *got, size_t got_count, double *late_ms)
{
	size_t g = 0, n = 0;

	for (size_t s = 0; s < sent_count; s++) {
		while (g < got_count && compare_frames(&got[g], &sent[s]) < 0 &&
			!same_frame(&got[g], &sent[s])) {
			g++;
			d->altered++; /* nobody sent that one */
		}
		if (g == got_count || !same_frame(&got[g], &sent[s])) {
			d->lost++;
			continue;
		}
		d->altered += got[g].hash != sent[s].hash;
		late_ms[n++] = ((double)got[g].t_ns - (double)sent[s].t_ns) / 1e6;
		d->received_samples += got[g].samples;
		g++;
		while (g < got_count && same_frame(&got[g], &sent[s])) {
			g++;
			d->doubled++;
		}
	}
	d->altered += got_count - g;
	return n;
}

bool trace_follow(
	struct direction *d, enum trace_kind kind, const struct trace *from, const struct trace *to)
{
	struct trace_frame *sent = NULL, *got = NULL;
	size_t sent_count, got_count;
	double *late_ms = NULL;

	memset(d, 0, sizeof(*d));
	d->kind = kind;
	d->from = from->self;
	d->to = to->self;
	bool ok = select_frames(from, kind, true, from->self, &sent, &sent_count) &&
		select_frames(to, kind, false, from->self, &got, &got_count) &&
		(late_ms = calloc(sent_count + 1, sizeof(*late_ms))) != NULL;
	if (ok) {
		if (kind == TRACE_CHAT) {
			number_chat(sent, sent_count);
			number_chat(got, got_count);
		}
		d->sent = sent_count;
		d->received = got_count;
		d->stream = sent_count > 0 ? sent[sent_count - 1].stream : 0;
		d->disordered = count_disorder(got, got_count);
		for (size_t i = 0; i < sent_count; i++) {
			d->sent_samples += sent[i].samples;
		}
		qsort(sent, sent_count, sizeof(*sent), compare_frames);
		qsort(got, got_count, sizeof(*got), compare_frames);
		size_t n = join_frames(d, sent, sent_count, got, got_count, late_ms);
		if (n > 0) {
			qsort(late_ms, n, sizeof(*late_ms), compare_numbers);
			d->p50_ms = late_ms[n / 2];
			d->p99_ms = late_ms[n * 99 / 100];
		}
	}
	free(sent);
	free(got);
	free(late_ms);
	return ok;
}
