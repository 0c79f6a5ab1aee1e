/*
 * link_news: what a reflector has been told of revocations and policies, and the next message of
 * what it has not. The store is the truth: a wake-up may be lost or come twice.
 */
#ifndef AUTHD_LINK_NEWS_H
#define AUTHD_LINK_NEWS_H

#include <jansson.h>
#include <stdint.h>

#include "authd/store.h"

struct link_news {
	int64_t revoked_seq; /* the last revocation that was sent */
	int64_t policy_rev; /* the last change of a room that was looked at */
};

/* A new link was told nothing. */
void link_news_init(struct link_news *news);

/*
 * The next page: revocations first, then policies of the rooms that live, or have an alternate, at
 * this reflector. 0: nothing is left behind *msg (NULL: it is all told); ERR_FULL: ask again behind
 * it. *msg is the caller's. Else ERR_STORE, ERR_NOMEM, and nothing has changed.
 */
int link_news_next(struct link_news *news, struct store *store, const char *reflector,
	json_t **msg) MUST_CHECK;

#endif
