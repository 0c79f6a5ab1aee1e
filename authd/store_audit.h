/*
 * store_audit: reading and verifying the record of every change. Writing is store_txn.h's; here is
 * only what changes nothing in the store.
 */
#ifndef AUTHD_STORE_AUDIT_H
#define AUTHD_STORE_AUDIT_H

#include <jansson.h>

#include "authd/store.h"

#define STORE_AUDIT_HASH 64u /* SHA-256 in hex */

struct store_audit_record {
	int64_t seq, at;
	char actor[96], address[64];
	char action[32]; /* "token.issue" */
	char object[160];
	char detail[STORE_JSON_MAX + 1]; /* a JSON object */
	char hash[STORE_AUDIT_HASH + 1];
};

struct store_audit_filter {
	const char *actor, *action, *object; /* NULL: any; action "token" means "token.*" */
	int64_t since; /* 0: from the beginning */
};

struct store_audit_verdict {
	int64_t records; /* read */
	int64_t bad_seq; /* the first one that is wrong; 0: none */
	char why[160];
	char head[STORE_AUDIT_HASH + 1]; /* the hash of the last good one: note it elsewhere */
};

typedef int (*store_audit_fn)(const struct store_audit_record *row, void *arg);

/* Records with seq > after, limit at most, in the order of seq; after < 0: the last limit ones. */
int store_audit_list(struct store *st, const struct store_audit_filter *filter, int64_t after,
	unsigned limit, store_audit_fn each, void *arg) MUST_CHECK;
/* Number and hash of the last record; 0 and "" before the first. Note them elsewhere. */
int store_audit_head(struct store *st, int64_t *seq, char hash[STORE_AUDIT_HASH + 1]) MUST_CHECK;
/* Walks the whole chain, page by page. A record that was changed, removed (also at the end) or put
 * in between is found and named. */
int store_audit_verify(struct store *st, struct store_audit_verdict *verdict) MUST_CHECK;

/* A record of its own, for what is done elsewhere (in a reflector): to be written before it is.
 * detail: borrowed, an object without secrets. */
int store_audit_note(struct store *st, const struct store_actor *who, const char *action,
	const char *object, const json_t *detail) MUST_CHECK;

#endif
