/*
 * room_load_peer: one participant of the load. It owns its handle, sends numbered frames when it is
 * a talker and judges every frame it receives. It must not know the wire: it sees helio.h alone.
 */
#include "tests/tools/room_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What a payload begins with; filled up with a pattern that depends on all of it. */
struct stamp {
	uint32_t talker, number;
	int64_t sent_us;
};

int64_t load_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static uint8_t pattern(const struct stamp *s, size_t at)
{
	return (uint8_t)(s->number * 31u + s->talker * 7u + at);
}

static void payload_fill(uint8_t *payload, size_t length, const struct stamp *s)
{
	memcpy(payload, s, sizeof(*s));
	for (size_t i = sizeof(*s); i < length; i++) {
		payload[i] = pattern(s, i);
	}
}

static bool payload_is_right(const uint8_t *payload, size_t length, const struct stamp *s)
{
	for (size_t i = sizeof(*s); i < length; i++) {
		if (payload[i] != pattern(s, i)) {
			return false;
		}
	}
	return true;
}

static void latency_add(struct load_latency *l, int64_t us)
{
	uint64_t bucket = us < 0 ? 0 : (uint64_t)us / 10;

	l->bucket[bucket < LOAD_BUCKETS ? bucket : LOAD_BUCKETS - 1]++;
	l->count++;
}

double load_latency_ms(const struct load_latency *l, unsigned permille)
{
	uint64_t want = (l->count * permille + 999) / 1000, seen = 0;

	if (l->count == 0) {
		return 0;
	}
	for (size_t i = 0; i < LOAD_BUCKETS; i++) {
		seen += l->bucket[i];
		if (seen >= want) {
			return (double)i / 100.0;
		}
	}
	return 1000.0;
}

static void peer_frame(struct helio *h, const struct helio_frame *f, void *user)
{
	(void)h;
	struct load_peer *p = user;
	enum load_media media = f->kind == HELIO_AUDIO ? LOAD_AUDIO : LOAD_VIDEO;
	struct load_counts *c = &p->room->counts[media];
	size_t length = media == LOAD_AUDIO ? LOAD_AUDIO_BYTES : LOAD_VIDEO_BYTES;
	struct stamp s = { 0 };

	if (f->length != length) {
		c->wrong++;
		return;
	}
	memcpy(&s, f->payload, sizeof(s));
	if (s.talker >= p->room->options->talkers || s.talker == p->index ||
		!payload_is_right(f->payload, f->length, &s)) {
		c->wrong++;
		return;
	}
	uint32_t *next = &p->next[s.talker][media];
	if (s.number < *next) {
		c->again++;
		return;
	}
	c->missing += s.number - *next;
	*next = s.number + 1;
	c->received++;
	latency_add(&c->latency, load_now_us() - s.sent_us);
}

static void peer_published(struct load_peer *p, int publication, bool on)
{
	for (int m = 0; m < LOAD_MEDIA; m++) {
		if (p->publication[m] == publication) {
			p->published[m] = on;
		}
	}
}

static void peer_event(struct helio *h, const struct helio_event *e, void *user)
{
	(void)h;
	struct load_peer *p = user;

	switch (e->type) {
	case HELIO_EVENT_JOINED:
		p->joined = true;
		break;
	case HELIO_EVENT_CLOSED:
		p->closed = true;
		p->error = e->error;
		break;
	case HELIO_EVENT_STREAM_ADDED:
		p->streams_seen++;
		break;
	case HELIO_EVENT_PUBLISHED:
		peer_published(p, e->publication, true);
		break;
	case HELIO_EVENT_PUBLISH_FAILED:
	case HELIO_EVENT_UNPUBLISHED:
		peer_published(p, e->publication, false);
		break;
	default:
		break;
	}
}

int load_peer_init(struct load_peer *p, struct load_room *room, unsigned index)
{
	const struct load_options *o = room->options;
	struct helio_config config = HELIO_CONFIG_INIT;
	struct helio_callbacks callbacks = HELIO_CALLBACKS_INIT;
	char device[16];

	snprintf(device, sizeof(device), "load%u", index);
	config.authd_url = o->authd;
	config.authd_ca_file = o->authd_ca;
	config.ca_file = o->ca;
	config.user = o->user;
	config.password = o->password;
	config.room = o->room;
	config.device = device;
	config.connect_timeout_ms = o->join_s * 1000;
	callbacks.on_event = peer_event;
	callbacks.on_frame = peer_frame;
	p->room = room;
	p->index = index;
	p->next = calloc(o->talkers, sizeof(*p->next));
	if (p->next == NULL) {
		return HELIO_ERR_NOMEM;
	}
	return helio_create(&p->h, &config, &callbacks, p);
}

void load_peer_finish(struct load_peer *p)
{
	helio_destroy(p->h);
	free(p->next);
}

int load_peer_publish(struct load_peer *p)
{
	struct helio_stream audio = HELIO_STREAM_INIT, video = HELIO_STREAM_INIT;

	audio.kind = HELIO_AUDIO;
	audio.codec = "opus";
	audio.label = "load";
	int error = helio_publish(p->h, &audio, &p->publication[LOAD_AUDIO]);
	if (error == HELIO_OK && p->room->options->video) {
		video.kind = HELIO_VIDEO;
		video.codec = "vp8";
		video.label = "load";
		error = helio_publish(p->h, &video, &p->publication[LOAD_VIDEO]);
	}
	return error;
}

bool load_peer_is_ready(const struct load_peer *p)
{
	const struct load_options *o = p->room->options;
	bool talks = p->index < o->talkers;
	unsigned others = talks ? o->talkers - 1 : o->talkers;

	if (p->streams_seen < others * (o->video ? 2 : 1)) {
		return false;
	}
	return !talks || (p->published[LOAD_AUDIO] && (!o->video || p->published[LOAD_VIDEO]));
}

static void peer_send(struct load_peer *p, enum load_media m, size_t length)
{
	static const unsigned clock_step[] = {
		[LOAD_AUDIO] = 48 * LOAD_AUDIO_MS, [LOAD_VIDEO] = 90 * LOAD_VIDEO_MS
	};
	uint8_t payload[LOAD_VIDEO_BYTES];
	struct stamp s = { .talker = p->index, .number = p->sent[m], .sent_us = load_now_us() };
	struct helio_frame f = HELIO_FRAME_INIT;

	payload_fill(payload, length, &s);
	f.payload = payload;
	f.length = length;
	f.timestamp = s.number * clock_step[m];
	f.level = m == LOAD_AUDIO ? 30 : 0;
	f.flags = m == LOAD_VIDEO && s.number % LOAD_VIDEO_GROUP == 0 ? HELIO_KEYFRAME : 0;
	if (helio_send(p->h, p->publication[m], &f) != HELIO_OK) {
		p->room->refused++;
	}
	p->sent[m]++;
	p->room->counts[m].sent++;
}

void load_peer_talk(struct load_peer *p, int64_t us)
{
	while ((int64_t)p->sent[LOAD_AUDIO] * LOAD_AUDIO_MS * 1000 <= us) {
		peer_send(p, LOAD_AUDIO, LOAD_AUDIO_BYTES);
	}
	while (p->room->options->video &&
		(int64_t)p->sent[LOAD_VIDEO] * LOAD_VIDEO_MS * 1000 <= us) {
		peer_send(p, LOAD_VIDEO, LOAD_VIDEO_BYTES);
	}
}
