/*
 * room_policy: JSON of a room's policy to fields and back. It enforces nothing.
 */
#include "proto/room_policy.h"

#include "proto/msg.h"
#include "proto/token_claims.h"

#define TIME_MAX INT64_C(253402300799) /* the end of the year 9999 */

int room_policy_parse(struct room_policy *policy, const json_t *object)
{
	struct room_policy p = ROOM_POLICY_INIT;
	int64_t capacity = p.capacity;
	int64_t loudest = p.loudest;

	if (!json_is_object(object) || msg_opt_int(object, "rev", 0, INT64_MAX, &p.rev) != 0 ||
		msg_opt_int(object, "capacity", 0, INT32_MAX, &capacity) != 0 ||
		msg_opt_bool(object, "lobby", &p.lobby) != 0 ||
		msg_opt_bool(object, "locked", &p.locked) != 0 ||
		msg_opt_bool(object, "e2ee", &p.e2ee) != 0 ||
		msg_opt_int(object, "loudest", 0, INT32_MAX, &loudest) != 0 ||
		msg_opt_int(object, "epoch", 0, INT64_MAX, &p.epoch) != 0 ||
		msg_opt_int(object, "exp", 0, TIME_MAX, &p.expires_at) != 0) {
		return ERR_BAD_FIELD;
	}
	if (json_object_get(object, "kinds") != NULL &&
		token_publish_parse(object, "kinds", &p.kinds) != 0) {
		return ERR_BAD_FIELD;
	}
	p.capacity = (unsigned)capacity;
	p.loudest = (unsigned)loudest;
	*policy = p;
	return 0;
}

json_t *room_policy_build(const struct room_policy *policy)
{
	/* json_pack takes an "o" reference over even when it fails, and fails on NULL */
	return json_pack("{s:I, s:I, s:b, s:o, s:I, s:b, s:b, s:I, s:I}", "rev",
		(json_int_t)policy->rev, "capacity", (json_int_t)policy->capacity, "lobby",
		(int)policy->lobby, "kinds", token_publish_build(policy->kinds), "loudest",
		(json_int_t)policy->loudest, "e2ee", (int)policy->e2ee, "locked",
		(int)policy->locked, "epoch", (json_int_t)policy->epoch, "exp",
		(json_int_t)policy->expires_at);
}
