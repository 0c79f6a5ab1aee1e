/*
 * call_roster: who is in the room and what they send, with counters. It owns its entries; pointers
 * stay valid until the participant or stream leaves.
 */
#ifndef CALL_ROSTER_H
#define CALL_ROSTER_H

#include <stdint.h>

#include <helio.h>

struct call_person {
	uint16_t number;
	char *id, *name; /* made safe to print */
	unsigned level; /* of the latest audio, -dBov */
	int64_t level_ns; /* when that came */
	uint64_t audio_frames, video_frames;
};

struct call_stream {
	uint16_t id;
	enum helio_kind kind;
	char codec[33], label[65];
	struct call_person *person;
	uint64_t frames, bytes, samples; /* samples: of audio */
	struct helio_playout *playout; /* owned; NULL where nothing is mixed */
	struct call_track *track; /* the recording, owned by it; NULL: none */
	int track_failed; /* it could not be opened: not tried again */
};

struct call_roster {
	struct call_person **persons;
	unsigned person_count, person_room;
	struct call_stream **streams;
	unsigned stream_count, stream_room;
	struct call_stream **by_id; /* 65,536 pointers */
};

int call_roster_init(struct call_roster *r); /* 0, or HELIO_ERR_NOMEM */
void call_roster_finish(struct call_roster *r);

/* NULL without memory. One that is known already is given back. */
struct call_person *call_roster_add_person(
	struct call_roster *r, const struct helio_participant *p);
struct call_person *call_roster_person(const struct call_roster *r, uint16_t number);
/* His streams must have been removed. */
void call_roster_remove_person(struct call_roster *r, struct call_person *person);

struct call_stream *call_roster_add_stream(
	struct call_roster *r, const struct helio_stream *s, struct call_person *person);
struct call_stream *call_roster_stream(const struct call_roster *r, uint16_t id);
void call_roster_remove_stream(struct call_roster *r, struct call_stream *stream);

#endif
