/*
 * room_load: many participants of one room in one process, on libhelio alone. Talkers send numbered
 * frames; each receiver checks that it got each of them exactly once, in order and unchanged.
 */
#ifndef ROOM_LOAD_H
#define ROOM_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "helio.h"

#define LOAD_AUDIO_BYTES 160u
#define LOAD_AUDIO_MS 20u
#define LOAD_VIDEO_BYTES 40000u /* several fragments */
#define LOAD_VIDEO_MS 40u
#define LOAD_VIDEO_GROUP 25u /* pictures from keyframe to keyframe */
#define LOAD_MAX 2000u

enum load_media { LOAD_AUDIO, LOAD_VIDEO, LOAD_MEDIA };

struct load_options {
	const char *authd, *authd_ca, *ca, *user, *password, *room;
	unsigned participants, talkers, seconds;
	unsigned join_s; /* how long joining may take in all */
	bool video; /* talkers send video too */
};

/* Latency in steps of 10 us up to 1 s; the last bucket holds all above. */
#define LOAD_BUCKETS 100001u
struct load_latency {
	uint64_t count;
	uint32_t bucket[LOAD_BUCKETS];
};

/* What all receivers saw of one kind of media. */
struct load_counts {
	uint64_t sent, expected, received;
	uint64_t missing, again, wrong; /* gaps; twice or late; other content */
	struct load_latency latency;
};

struct load_room;

/* One participant. next[t][m]: number of the frame expected from talker t of media m. */
struct load_peer {
	struct load_room *room;
	struct helio *h;
	unsigned index;
	bool started, joined, closed;
	int error; /* why it closed */
	int publication[LOAD_MEDIA];
	bool published[LOAD_MEDIA];
	uint32_t sent[LOAD_MEDIA];
	unsigned streams_seen; /* of talkers, by STREAM_ADDED */
	uint32_t (*next)[LOAD_MEDIA];
};

struct load_room {
	const struct load_options *options;
	struct load_peer *peers;
	struct load_counts counts[LOAD_MEDIA];
	unsigned refused; /* helio_send() said no */
	unsigned failures; /* sessions that ended by themselves */
};

int64_t load_now_us(void);

/* 0, or an error of helio_create(). The peer is owned by the room. */
int load_peer_init(struct load_peer *p, struct load_room *room, unsigned index);
void load_peer_finish(struct load_peer *p);
/* Publishes what a talker sends. */
int load_peer_publish(struct load_peer *p);
bool load_peer_is_ready(const struct load_peer *p);
/* Sends what is due us microseconds after the start. */
void load_peer_talk(struct load_peer *p, int64_t us);

/* Milliseconds below which permille of all frames came; 0 when there are none. */
double load_latency_ms(const struct load_latency *l, unsigned permille);

#endif
