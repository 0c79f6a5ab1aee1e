/*
 * call_roster: two small arrays, and a table by stream id for the path of media frames. Names are
 * made safe here, once, for all that print them.
 */
#include "client-sdk/examples/call_roster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client-sdk/examples/call_text.h"

#define STREAM_IDS 65536u
#define NAME_SIZE 512u

int call_roster_init(struct call_roster *r)
{
	memset(r, 0, sizeof(*r));
	r->by_id = calloc(STREAM_IDS, sizeof(*r->by_id));
	return r->by_id != NULL ? HELIO_OK : HELIO_ERR_NOMEM;
}

static void free_person(struct call_person *p)
{
	if (p != NULL) {
		free(p->id);
		free(p->name);
		free(p);
	}
}

void call_roster_finish(struct call_roster *r)
{
	while (r->stream_count > 0) {
		call_roster_remove_stream(r, r->streams[0]);
	}
	while (r->person_count > 0) {
		call_roster_remove_person(r, r->persons[0]);
	}
	free(r->streams);
	free(r->persons);
	free(r->by_id);
	memset(r, 0, sizeof(*r));
}

/* Makes room for one more pointer in an array. */
static int grow(void ***array, unsigned count, unsigned *room)
{
	if (count < *room) {
		return 1;
	}
	unsigned more = *room != 0 ? *room * 2 : 16;
	void **bigger = realloc(*array, more * sizeof(*bigger));
	if (bigger == NULL) {
		return 0;
	}
	*array = bigger;
	*room = more;
	return 1;
}

static char *clean_copy(const char *text)
{
	char safe[NAME_SIZE];

	call_text_clean(
		safe, sizeof(safe), text != NULL ? text : "", text != NULL ? strlen(text) : 0);
	return strdup(safe);
}

struct call_person *call_roster_person(const struct call_roster *r, uint16_t number)
{
	for (unsigned i = 0; i < r->person_count; i++) {
		if (r->persons[i]->number == number) {
			return r->persons[i];
		}
	}
	return NULL;
}

struct call_person *call_roster_add_person(struct call_roster *r, const struct helio_participant *p)
{
	struct call_person *person = call_roster_person(r, p->number);

	if (person != NULL) {
		return person;
	}
	person = calloc(1, sizeof(*person));
	if (person == NULL) {
		return NULL;
	}
	person->number = p->number;
	person->level = 127;
	person->id = clean_copy(p->id);
	person->name = clean_copy(p->name != NULL && p->name[0] != '\0' ? p->name : p->id);
	if (person->id == NULL || person->name == NULL ||
		!grow((void ***)(void *)&r->persons, r->person_count, &r->person_room)) {
		free_person(person);
		return NULL;
	}
	r->persons[r->person_count++] = person;
	return person;
}

void call_roster_remove_person(struct call_roster *r, struct call_person *person)
{
	for (unsigned i = 0; i < r->person_count; i++) {
		if (r->persons[i] == person) {
			memmove(&r->persons[i], &r->persons[i + 1],
				(r->person_count - i - 1) * sizeof(*r->persons));
			r->person_count--;
			free_person(person);
			return;
		}
	}
}

struct call_stream *call_roster_add_stream(
	struct call_roster *r, const struct helio_stream *s, struct call_person *person)
{
	struct call_stream *stream = r->by_id[s->id];

	if (stream != NULL) {
		return stream;
	}
	stream = calloc(1, sizeof(*stream));
	if (stream == NULL ||
		!grow((void ***)(void *)&r->streams, r->stream_count, &r->stream_room)) {
		free(stream);
		return NULL;
	}
	stream->id = s->id;
	stream->kind = s->kind;
	stream->person = person;
	if (s->codec != NULL) {
		call_text_clean(stream->codec, sizeof(stream->codec), s->codec, strlen(s->codec));
	}
	if (s->label != NULL) {
		call_text_clean(stream->label, sizeof(stream->label), s->label, strlen(s->label));
	}
	r->streams[r->stream_count++] = stream;
	r->by_id[s->id] = stream;
	return stream;
}

struct call_stream *call_roster_stream(const struct call_roster *r, uint16_t id)
{
	return r->by_id[id];
}

void call_roster_remove_stream(struct call_roster *r, struct call_stream *stream)
{
	for (unsigned i = 0; i < r->stream_count; i++) {
		if (r->streams[i] == stream) {
			memmove(&r->streams[i], &r->streams[i + 1],
				(r->stream_count - i - 1) * sizeof(*r->streams));
			r->stream_count--;
			r->by_id[stream->id] = NULL;
			helio_playout_destroy(stream->playout);
			free(stream);
			return;
		}
	}
}
