/*
 * revocation: the token ids that open no door any more, each until the token would have ended
 * anyway. Bounded: when it is full the id with the least time left gives way.
 */
#ifndef REFLECTOR_REVOCATION_H
#define REFLECTOR_REVOCATION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/errcode.h"

#define REVOCATION_MAX 65536u
#define REVOCATION_PAGE 500u /* ids in one revoke message */

struct revocation_entry;

struct revocation_table {
	struct revocation_entry **buckets;
	size_t bucket_count;
	size_t count;
	size_t max;
};

int revocation_init(struct revocation_table *table, size_t max) MUST_CHECK;
void revocation_finish(struct revocation_table *table);

/* Adds or prolongs. An id that has ended already (until <= now) is passed over. ERR_FULL: added,
 * but another one had to give way; ERR_NOMEM: not added. */
int revocation_add(
	struct revocation_table *table, const char *jti, int64_t until, int64_t now) MUST_CHECK;
bool revocation_has(const struct revocation_table *table, const char *jti, int64_t now);
void revocation_expire(struct revocation_table *table, int64_t now);

/* Adds what a revoke message lists. ERR_BAD_FIELD: nothing was added. ERR_FULL as above. */
int revocation_add_message(
	struct revocation_table *table, const json_t *msg, int64_t now) MUST_CHECK;

/* Calls send with one revoke message per page of all entries; stops at its first failure. */
int revocation_each_page(const struct revocation_table *table,
	int (*send)(const json_t *msg, void *user), void *user) MUST_CHECK;

#endif
