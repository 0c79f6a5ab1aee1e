/*
 * client: HTTP requests to authd, over its admin Unix socket or over HTTPS. Blocking, with a
 * deadline; one request at a time. curl's codes stay in client.c.
 */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

#include "proto/errcode.h"

struct client;

/* Where authd is. All strings are borrowed for the client's life. */
struct client_target {
	const char *socket; /* the Unix socket; NULL: url */
	const char *url; /* "https://authd.example:8444", without a path */
	const char *ca; /* PEM file; NULL: the system's */
	const char *key; /* admin key; NULL: none */
	const char *certificate, *certificate_key; /* PEM files; NULL: none */
};

/* ERR_NOMEM. */
int client_create(
	struct client **out, const struct client_target *target, unsigned timeout_ms) MUST_CHECK;
void client_destroy(struct client *client);

/*
 * While a request runs, wake(arg) is called whenever fd is readable; when it returns true the
 * request is given up with ERR_CLOSED. fd -1: nobody is waited for.
 */
void client_set_wake(struct client *client, int fd, bool (*wake)(void *arg), void *arg);

/*
 * One request; body may be NULL. 0 for an answer of 2xx: *answer is then the caller's (NULL when it
 * was empty). ERR_CONNECT, ERR_DENIED, ERR_TIMEOUT, ERR_LOST, ERR_DNS, ERR_TLS, ERR_TLS_CERT when
 * authd was not reached or did not answer; ERR_HTTP for an answer that makes no sense; else the
 * code authd named.
 */
int client_request(struct client *client, const char *method, const char *path, const json_t *body,
	json_t **answer) MUST_CHECK;

/* A sentence about the last failure, for people; may hold any UTF-8, so escape it. Never NULL. */
const char *client_why(const struct client *client);
/* Seconds after which to try again, as the last answer said; 0: it did not. */
long client_retry_after(const struct client *client);
/* The last answer's Date header, seconds since the epoch; 0: none. */
long long client_date(const struct client *client);
/* What was asked: the path of the socket, or the URL. */
const char *client_where(const struct client *client);
bool client_is_remote(const struct client *client);

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
