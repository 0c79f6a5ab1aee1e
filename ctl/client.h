/*
 * client: HTTP requests to authd over its admin Unix socket. Blocking, with a deadline; one request
 * at a time. curl's codes stay in client.c.
 */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

#include "proto/errcode.h"

struct client;

/* socket is borrowed for the client's life. ERR_NOMEM. */
int client_create(struct client **out, const char *socket, unsigned timeout_ms) MUST_CHECK;
void client_destroy(struct client *client);

/*
 * One request; body may be NULL. 0 for an answer of 2xx: *answer is then the caller's (NULL when it
 * was empty). ERR_CONNECT, ERR_DENIED, ERR_TIMEOUT, ERR_LOST when authd was not reached or did not
 * answer; ERR_HTTP for an answer that makes no sense; else the code authd named.
 */
int client_request(struct client *client, const char *method, const char *path, const json_t *body,
	json_t **answer) MUST_CHECK;

/* A sentence about the last failure, for people; may hold any UTF-8, so escape it. Never NULL. */
const char *client_why(const struct client *client);

/* A request path that is put together piece by piece; names are percent-encoded. What does not fit
 * is cut off: the longest name that authd takes fits several times. */
#define CLIENT_PATH_MAX 1024
struct client_path {
	char text[CLIENT_PATH_MAX];
	bool has_query;
};

void client_path_init(struct client_path *path, const char *base);
/* Adds "/NAME". */
void client_path_segment(struct client_path *path, const char *name);
/* Adds "?KEY=VALUE" or "&KEY=VALUE"; a value of NULL adds nothing. */
void client_path_query(struct client_path *path, const char *key, const char *value);

#endif
