/*
 * policy_field: reads single values of the JSON that grants and rooms' policies are written in. All
 * give 0, or ERR_BAD_FIELD with a sentence in why (POLICY_WHY bytes) that names the field.
 */
#ifndef AUTHD_POLICY_FIELD_H
#define AUTHD_POLICY_FIELD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "authd/policy_hours.h"
#include "proto/errcode.h"

/* One field that an object may have; take() reads its value into out. */
struct policy_field {
	const char *name;
	int (*take)(char *why, const char *name, const json_t *value, void *out);
};

/* Reads each member of object by the field of its name; one that has none is refused. */
int policy_fields_take(char *why, const struct policy_field *fields, size_t count,
	const json_t *object, void *out) MUST_CHECK;

int policy_field_bool(char *why, const char *name, const json_t *value, bool *out) MUST_CHECK;
int policy_field_int(char *why, const char *name, const json_t *value, int64_t min, int64_t max,
	int64_t *out) MUST_CHECK;
/* A list of audio, video, screen, data: enum token_publish, or-ed. */
int policy_field_kinds(char *why, const char *name, const json_t *value, unsigned *out) MUST_CHECK;
/* A list of patterns, borrowed. */
int policy_field_patterns(
	char *why, const char *name, const json_t *value, const json_t **out) MUST_CHECK;
int policy_field_hours(
	char *why, const char *name, const json_t *value, struct policy_hours *hours) MUST_CHECK;
int policy_field_zone(
	char *why, const char *name, const json_t *value, struct policy_hours *hours) MUST_CHECK;

int policy_field_refuse(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* where: what name stands in, "hours[0].", or "". */
int policy_field_unknown(char *why, const char *where, const char *name);

#endif
