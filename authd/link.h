/*
 * link: the control link to one reflector, dialled again for as long as the link lives: connect,
 * TLS with certificates on both sides, hello, welcome; then keys and revocations go out, reports
 * and answers come in. Runs on the loop of the link thread; all calls and callbacks are made there.
 */
#ifndef AUTHD_LINK_H
#define AUTHD_LINK_H

#include <ev.h>
#include <gnutls/gnutls.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "authd/fleet.h"
#include "authd/keyring.h"
#include "authd/store.h"
#include "proto/tls_peer.h"

#define LINK_WORKERS_MAX 256u
#define LINK_ID_MAX 0x7fffffff

/* What a worker said of itself last. */
struct link_worker {
	uint16_t port;
	int64_t rooms, participants, streams;
	int64_t frames_in, frames_out, bytes_in, bytes_out, dropped;
	int64_t queue_ms, events_dropped;
	int64_t pid, uptime_s;
	uint64_t report_ms; /* monotonic, of its last report; 0: none since it is up */
};

/* What is known of a reflector. */
struct link_view {
	struct fleet_reflector conf;
	uint64_t state_ms; /* monotonic, since when conf.state is what it is */
	bool up;
	bool was_up; /* since this process began; pin and workers are from then */
	int64_t since; /* seconds since the epoch of the last change of up */
	uint64_t since_ms; /* the same, monotonic */
	int err; /* why it is not up */
	char detail[128]; /* the same for a person */
	char pin[TLS_PEER_PIN_SIZE];
	struct link_worker workers[LINK_WORKERS_MAX]; /* those of the welcome inside conf's ports */
	size_t worker_count;
	int64_t max_participants; /* the most it lets into one room; 0: not said */
	int64_t cert_until; /* when its link certificate ends; 0: not known */
	/* One that answers at its address and is not what was enrolled: */
	char alarm[128]; /* what is wrong; "" when the last link was good */
	int64_t alarm_at;
	uint64_t alarms; /* how often so far */
};

/* What all links share; outlives them. */
struct link_env {
	struct ev_loop *loop;
	const char *issuer, *cluster;
	struct keyring *keyring;
	struct store *store;
};

struct link;

struct link_events {
	/* up, err, pin, workers or their numbers changed. */
	void (*on_change)(struct link *link, void *user);
	/* items belong to link; done: the reflector has nothing more to say to this id. */
	void (*on_answer)(
		struct link *link, int64_t id, const json_t *items, bool done, void *user);
	/* A worker did what "moderate" of this id asks for, or says why not. code is a name of
	 * errcode.h, "" when done. */
	void (*on_moderated)(struct link *link, int64_t id, const char *code, void *user);
	/* An "event" of a worker; msg is borrowed and as it came: not judged. */
	void (*on_event)(struct link *link, const json_t *msg, void *user);
	/* view.alarm is new. */
	void (*on_alarm)(struct link *link, void *user);
};

/* creds are borrowed for as long as link_uses() says so. Dials at once. */
int link_create(struct link **out, const struct link_env *env, const struct fleet_reflector *conf,
	gnutls_certificate_credentials_t creds, const struct link_events *events,
	void *user) MUST_CHECK;
void link_destroy(struct link *link);

/* From the next dial on. */
void link_set_creds(struct link *link, gnutls_certificate_credentials_t creds);
bool link_uses(const struct link *link, gnutls_certificate_credentials_t creds);

/* Sends what is new since the last time, when the link is up: revocations, policies of rooms, keys.
 */
void link_send_news(struct link *link);

/* Weight, state and code of conf from now on; the rest must be the same (fleet_same_link()). */
void link_set_conf(struct link *link, const struct fleet_reflector *conf);

/* ERR_STATE when the link is not up, ERR_FULL. room may be NULL. */
int link_send_query(struct link *link, int64_t id, const char *what, const char *room) MUST_CHECK;

/* msg is a whole "moderate" message, with its id. ERR_STATE when the link is not up, ERR_FULL. */
int link_send_moderate(struct link *link, const json_t *msg) MUST_CHECK;

const struct link_view *link_view(const struct link *link);

#endif
