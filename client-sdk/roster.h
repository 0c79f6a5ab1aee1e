/*
 * roster: who else is in the room and which streams there are, as the reflector told. Sorted
 * tables, bounded by the protocol's limits; it owns its entries and the reassembly state of each
 * stream.
 */
#ifndef CLIENT_SDK_ROSTER_H
#define CLIENT_SDK_ROSTER_H

#include <helio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client-sdk/recv.h"
#include "proto/errcode.h"
#include "proto/limits.h"

struct roster_participant {
	uint16_t number; /* first: the tables are sorted by it */
	unsigned streams;
	bool hidden;
	char id[LIMIT_PARTICIPANT_ID + 1];
	char name[LIMIT_DISPLAY_NAME + 1];
};

struct roster_stream {
	uint16_t id; /* first: the tables are sorted by it */
	uint16_t participant;
	enum helio_kind kind;
	char codec[LIMIT_CODEC + 1];
	char label[LIMIT_LABEL + 1];
	struct recv_stream recv;
};

struct roster_table {
	void **items;
	size_t count, cap;
};

struct roster {
	struct roster_table participants;
	struct roster_table streams;
	struct recv recv;
};

/* Empties it; the counters of recv stay. Safe on a zeroed struct. */
void roster_clear(struct roster *roster);

struct roster_participant *roster_find(const struct roster *roster, uint16_t number);
struct roster_stream *roster_find_stream(const struct roster *roster, uint16_t id);
size_t roster_count(const struct roster *roster);
struct roster_participant *roster_at(const struct roster *roster, size_t index);

/* ERR_LIMIT when the room is over its limit, ERR_BAD_FIELD when the number is taken. */
int roster_add(struct roster *roster, uint16_t number, const char *id, const char *name) MUST_CHECK;
/* ERR_LIMIT, or ERR_BAD_FIELD when the id is taken or the participant is not there. */
int roster_add_stream(struct roster *roster, const struct helio_stream *stream) MUST_CHECK;

/* Streams of a participant, from *at on; NULL at the end. */
struct roster_stream *roster_next_stream(
	const struct roster *roster, uint16_t participant, size_t *at);

/* Takes them out and frees them; a participant's streams must be gone before. */
void roster_remove(struct roster *roster, struct roster_participant *participant);
void roster_remove_stream(struct roster *roster, struct roster_stream *stream);

/* The public view of a stream; it borrows. */
struct helio_stream roster_stream_view(const struct roster_stream *stream);

#endif
