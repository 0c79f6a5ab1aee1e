/*
 * room_policy: what authd tells a reflector about a room, in the token ("policy") and over the
 * control link. doc/protocol.md ("Token") lists the fields.
 */
#ifndef PROTO_ROOM_POLICY_H
#define PROTO_ROOM_POLICY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/errcode.h"

struct room_policy {
	int64_t rev; /* the highest counts; 0: never set */
	unsigned capacity; /* participants; 0: the reflector's own limit */
	bool lobby;
	bool locked;
	bool e2ee;
	unsigned kinds; /* enum token_publish, or-ed: what may be published at all */
	unsigned loudest; /* speakers that are forwarded at once; 0: all */
	int64_t epoch; /* of the media key */
	int64_t expires_at; /* seconds since the epoch; 0: never */
};

/* Audio, video and screen; nothing else is set. */
#define ROOM_POLICY_INIT                                                                           \
	{                                                                                          \
		.kinds = 7u, .epoch = 1                                                            \
	}

/* Absent fields get the values of ROOM_POLICY_INIT, unknown ones are ignored; ERR_BAD_FIELD. */
int room_policy_parse(struct room_policy *policy, const json_t *object) MUST_CHECK;
/* A new reference; NULL when out of memory. */
json_t *room_policy_build(const struct room_policy *policy);

#endif
