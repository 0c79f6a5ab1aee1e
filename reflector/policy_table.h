/*
 * policy_table: what authd said of rooms, live or not; the highest rev counts. Bounded: when it is
 * full the room nobody asked for or changed for the longest time gives way.
 */
#ifndef REFLECTOR_POLICY_TABLE_H
#define REFLECTOR_POLICY_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/list.h"
#include "proto/errcode.h"
#include "proto/limits.h"
#include "proto/room_policy.h"

#define POLICY_TABLE_MAX 16384u
#define POLICY_TABLE_PAGE 100u /* rooms in one policies message */

struct policy_entry;

struct policy_table {
	struct policy_entry **buckets;
	struct list used; /* all, the one that gives way first at the front */
	size_t count, max;
};

int policy_table_init(struct policy_table *table, size_t max) MUST_CHECK;
void policy_table_finish(struct policy_table *table);

/* Remembers the policy if it is newer than what is known. ERR_FULL: done, but another room had to
 * give way; ERR_NOMEM: not done. */
int policy_table_learn(
	struct policy_table *table, const char *room, const struct room_policy *policy) MUST_CHECK;
/* NULL when nothing is known. Good until the next change of the table. */
const struct room_policy *policy_table_find(struct policy_table *table, const char *room);

/* One item of a policies message; *room borrows. ERR_BAD_FIELD. */
int policy_table_read(const json_t *item, const char **room, struct room_policy *policy) MUST_CHECK;
/* The list of a policies message, each item seen to be good. ERR_BAD_FIELD. */
int policy_table_check_message(const json_t *msg, const json_t **rooms) MUST_CHECK;
/* Calls send with one policies message per page of all; stops at its first failure. */
int policy_table_each_page(const struct policy_table *table,
	int (*send)(const json_t *msg, void *user), void *user) MUST_CHECK;

#endif
