/*
 * worker_fixture: a real worker in a child process, and around it a supervisor, a gate and clients
 * that only say what a test tells them to. Whatever must not be fails the test, with the worker's
 * own log lines.
 */
#ifndef TESTS_UNIT_WORKER_FIXTURE_H
#define TESTS_UNIT_WORKER_FIXTURE_H

#include <gnutls/abstract.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "proto/frame_hdr.h"
#include "reflector/settings.h"
#include "tests/unit/tls_fixture.h"

#define WORLD_WAIT_MS 5000 /* for anything that must come */
#define WORLD_WAIT_STARVED_MS 100 /* where nothing needs to come */
#define WORLD_CLIENTS 3

struct client {
	struct world *world;
	int fd; /* -1: there is none */
	struct tls_io tls;
	bool up, closed;
	uint16_t stream; /* the last one published */
	char log[16384]; /* what came since it said something last */
	size_t log_len;
	uint8_t in[32768];
	size_t in_len;
};

struct world {
	struct tls_ca ca;
	struct tls_identity id;
	gnutls_certificate_credentials_t creds; /* of clients: none */
	gnutls_privkey_t signer;
	char *credentials, *settings, *keys;
	struct reflector_settings conf;

	int supervisor, gate, listener; /* our ends */
	uint16_t port;
	pid_t pid;
	int pidfd;
	FILE *log; /* the worker's stderr */
	unsigned queries;
	struct client clients[WORLD_CLIENTS];
};

void world_init(struct world *w);
void world_finish(struct world *w);
/* A new worker, that has been told nothing yet. */
void world_start(struct world *w);
bool world_has_ended(const struct world *w);
bool world_log_has(struct world *w, const char *text);
void world_complain(struct world *w, const char *what, const char *who);
/* A message to the worker, over the supervisor's socket or the gate's. */
void world_say(int fd, const char *text);

/* True when it is in the room of its token. */
bool client_join(struct client *c, const char *who);
/* True when it waits in the lobby. */
bool client_wait(struct client *c, const char *who);
/* This token opens nothing, whatever fails meanwhile. */
void client_refused_forged(struct client *c);
void client_refused_revoked(struct client *c, const char *who);
/* Forgets what came so far, and says something. */
void client_say(struct client *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
void client_send(struct client *c, struct frame_hdr hdr, const char *payload);
void client_forget(struct client *c);
void client_drop(struct client *c);
/*
 * True when the client was told this. False when it was told of an error or was closed, or the one
 * who was to cause it was: that is allowed where an allocation failed; to be told nothing is not.
 */
bool client_told(struct client *c, const struct client *by, const char *what);

#endif
