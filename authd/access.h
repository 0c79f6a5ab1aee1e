/*
 * access: who makes a request, and what he may: the peer of the Unix socket, a client certificate
 * of admin-names, an API key, or a stranger.
 */
#ifndef AUTHD_ACCESS_H
#define AUTHD_ACCESS_H

#include <stdbool.h>

#include "authd/http_srv.h"
#include "authd/store.h"
#include "authd/store_apikeys.h"

enum access_who {
	ACCESS_STRANGER, /* nothing was shown */
	ACCESS_KEY, /* an API key that holds */
	ACCESS_ADMIN
};

struct access {
	enum access_who who;
	struct store_actor actor;
	struct store_apikey key; /* when has_key */
	bool has_key;
};

/* 0. ERR_LOGIN: something was shown that does not hold. ERR_STORE. */
int access_check(struct store *store, const struct http_request *req, int64_t now,
	struct access *out) MUST_CHECK;

#endif
