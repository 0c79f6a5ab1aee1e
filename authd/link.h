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

#include "authd/settings.h"
#include "authd/store.h"
#include "proto/tls_io.h"

#define LINK_WORKERS_MAX 256u
#define LINK_ID_MAX 0x7fffffff

/* What a worker said of itself last. */
struct link_worker {
	uint16_t port;
	int64_t rooms, participants, streams;
	int64_t frames_in, frames_out, bytes_in, bytes_out, dropped;
	int64_t pid, uptime_s;
};

/* What is known of a reflector. */
struct link_view {
	struct authd_reflector conf;
	bool up;
	bool was_up; /* since this process began; pin and workers are from then */
	int64_t since; /* seconds since the epoch of the last change of up */
	uint64_t since_ms; /* the same, monotonic */
	int err; /* why it is not up */
	char detail[128]; /* the same for a person */
	char pin[TLS_IO_PIN_SIZE];
	struct link_worker workers[LINK_WORKERS_MAX]; /* those of the welcome inside conf's ports */
	size_t worker_count;
	uint64_t report_ms; /* monotonic, of the last report; 0: none since it is up */
};

/* What all links share; outlives them. */
struct link_env {
	struct ev_loop *loop;
	const char *issuer, *cluster;
	const json_t *jwks;
	struct store *store;
};

struct link;

struct link_events {
	/* up, err, pin, workers or their numbers changed. */
	void (*on_change)(struct link *link, void *user);
	/* items belong to link; done: the reflector has nothing more to say to this id. */
	void (*on_answer)(
		struct link *link, int64_t id, const json_t *items, bool done, void *user);
};

/* creds are borrowed for as long as link_uses() says so. Dials at once. */
int link_create(struct link **out, const struct link_env *env, const struct authd_reflector *conf,
	gnutls_certificate_credentials_t creds, const struct link_events *events,
	void *user) MUST_CHECK;
void link_destroy(struct link *link);

/* From the next dial on. */
void link_set_creds(struct link *link, gnutls_certificate_credentials_t creds);
bool link_uses(const struct link *link, gnutls_certificate_credentials_t creds);

/* Sends what was revoked since the last time, when the link is up. */
void link_send_revocations(struct link *link);

/* ERR_STATE when the link is not up, ERR_FULL. room may be NULL. */
int link_send_query(struct link *link, int64_t id, const char *what, const char *room) MUST_CHECK;

const struct link_view *link_view(const struct link *link);

#endif
