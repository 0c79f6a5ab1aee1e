/*
 * room_rules: the policy of a room, enforced. A change takes effect at once; nobody is sent away
 * for a capacity that has become smaller.
 */
#include "reflector/room_rules.h"

#include <string.h>

#include "common/log.h"
#include "reflector/control.h"
#include "reflector/lobby.h"
#include "reflector/moderate.h"
#include "reflector/room.h"
#include "reflector/session.h"
#include "reflector/stream.h"
#include "reflector/worker.h"

/* Every member fetches each epoch it is told of from authd: those that begin within this time are
 * told of as one, the newest. Nobody who was sent away gets a later key meanwhile. */
#define REKEY_MS 1000u

/* Takes msg over. Who cannot be told is closed. */
static void tell_all(struct room *room, json_t *msg)
{
	struct frame *frame = control_frame(room->worker, msg);

	json_decref(msg);
	room_broadcast(room, frame, NULL);
	frame_unref(frame);
}

static void unpublish(struct room *room, struct stream *stream)
{
	json_t *msg = json_pack("{s:s, s:i, s:i}", "type", "unpublished", "stream", (int)stream->id,
		"num", (int)stream->publisher->num);

	stream_destroy(stream);
	tell_all(room, msg);
}

static void unpublish_forbidden(struct room *room)
{
	struct stream_ids *ids = &room->streams;
	struct stream *stream = stream_ids_next(ids, 1);

	while (stream != NULL) {
		unsigned next = stream->id + 1u;
		if ((room->policy.kinds & 1u << stream->kind_index) == 0) {
			unpublish(room, stream);
		}
		stream = stream_ids_next(ids, next);
	}
}

static void end_those_without_e2ee(struct list *sessions)
{
	for (LIST_EACH(node, sessions)) {
		struct session *session = LIST_ENTRY(node, struct session, member);
		if (!session->knows_e2ee) {
			session_doom(session, ERR_E2EE_REQUIRED);
		}
	}
}

static bool rekey_waits(const struct room *room)
{
	return room->policy.epoch > room->epoch_told && room->rekeyed_ms != 0 &&
		room->worker->now_ms - room->rekeyed_ms < REKEY_MS;
}

static void tell_policy(struct room *room)
{
	tell_all(room,
		json_pack("{s:s, s:o}", "type", "policy", "policy",
			room_policy_build(&room->policy)));
}

static void tell_epoch(struct room *room)
{
	if (room->policy.epoch > room->epoch_told && !rekey_waits(room)) {
		room->epoch_told = room->policy.epoch;
		room->rekeyed_ms = room->worker->now_ms;
		tell_all(room,
			json_pack("{s:s, s:I}", "type", "rekey", "epoch",
				(json_int_t)room->policy.epoch));
	}
}

static bool same_but_epoch(const struct room_policy *a, const struct room_policy *b)
{
	return a->capacity == b->capacity && a->lobby == b->lobby && a->kinds == b->kinds &&
		a->loudest == b->loudest && a->e2ee == b->e2ee && a->locked == b->locked &&
		a->expires_at == b->expires_at;
}

static void apply(struct room *room, const struct room_policy *policy)
{
	struct room_policy old = room->policy;

	room->policy = *policy;
	if (same_but_epoch(&old, policy) && rekey_waits(room)) {
		return; /* the tick tells it */
	}
	tell_policy(room);
	unpublish_forbidden(room);
	if (policy->e2ee && !old.e2ee) {
		end_those_without_e2ee(&room->members);
		end_those_without_e2ee(&room->waiting);
	}
	/* A lock of a moderator stays until authd says something about locking. */
	if (policy->locked != old.locked) {
		moderate_lock(room, policy->locked, NULL);
	}
	tell_epoch(room);
	if (!policy->lobby && old.lobby) {
		lobby_admit_all(room);
	}
}

int room_rules_learn(struct worker *worker, const char *name, const struct room_policy *policy)
{
	struct room *room = room_table_find(&worker->rooms, name);

	if (policy->rev == 0) {
		return 0; /* was never set */
	}
	int err = policy_table_learn(&worker->policies, name, policy);
	if (err == ERR_FULL) {
		if (bucket_take(&worker->log_refusals, worker->now_ms)) {
			log_event(LOG_LEVEL_WARN, "policies-full", LOG_INT("port", worker->port),
				LOG_INT("max", POLICY_TABLE_MAX));
		}
		err = 0;
	}
	if (err == 0 && room != NULL && policy->rev > room->policy.rev) {
		apply(room, policy);
	}
	return err;
}

void room_rules_begin(struct room *room, const struct room_policy *shown)
{
	const struct room_policy *known = policy_table_find(&room->worker->policies, room->name);

	room->policy = known != NULL && known->rev >= shown->rev ? *known : *shown;
	room->locked = room->policy.locked;
	room->epoch_told = room->policy.epoch;
}

static bool has_place(const struct room *room, unsigned leaving)
{
	unsigned capacity = room->policy.capacity;

	return capacity == 0 || room->member_count - room->hidden_count - leaving < capacity;
}

bool room_rules_has_place(const struct room *room)
{
	return has_place(room, 0);
}

static unsigned count_id(const struct list *sessions, const char *id)
{
	unsigned count = 0;

	for (LIST_EACH(node, sessions)) {
		count += strcmp(LIST_ENTRY(node, struct session, member)->id, id) == 0 ? 1 : 0;
	}
	return count;
}

static bool over(const struct worker *worker, const struct room_policy *policy)
{
	return policy->expires_at != 0 && worker->day_s >= policy->expires_at;
}

/* Also when nobody is there. A room that would be full but for the older session of the same
 * participant has a place. */
static int check_space(
	struct worker *worker, const struct room *room, const struct token_claims *claims)
{
	unsigned same = count_id(&room->members, claims->participant);
	unsigned leaving = claims->duplicate == TOKEN_DUP_REPLACE ? same : 0;

	if (room->member_count - leaving >= worker->limits.max_participants) {
		return ERR_LIMIT;
	}
	/* a hidden older session has taken no place */
	leaving = leaving < room->member_count - room->hidden_count
		? leaving
		: room->member_count - room->hidden_count;
	if (!claims->moderate && !claims->hidden && !has_place(room, leaving)) {
		return ERR_LIMIT;
	}
	if (claims->duplicate == TOKEN_DUP_REJECT &&
		same + count_id(&room->waiting, claims->participant) > 0) {
		return ERR_DUPLICATE;
	}
	return 0;
}

int room_rules_check(struct worker *worker, const struct room *room,
	const struct token_claims *claims, bool knows_e2ee)
{
	/* What is newer than this token's own is in the table, and a room has it. */
	const struct room_policy *policy =
		room != NULL ? &room->policy : policy_table_find(&worker->policies, claims->room);

	if (policy == NULL) {
		policy = &claims->policy;
	}
	if (over(worker, policy)) {
		return ERR_ROOM_CLOSED;
	}
	if (policy->e2ee && !knows_e2ee) {
		return ERR_E2EE_REQUIRED;
	}
	if ((room != NULL ? room->locked : policy->locked) && !claims->moderate) {
		return ERR_ROOM_LOCKED;
	}
	return room != NULL ? check_space(worker, room, claims) : 0;
}

static struct session *find_waiting_id(const struct room *room, const char *id)
{
	for (LIST_EACH(node, &room->waiting)) {
		struct session *session = LIST_ENTRY(node, struct session, member);
		if (strcmp(session->id, id) == 0) {
			return session;
		}
	}
	return NULL;
}

void room_rules_replace(struct room *room, const char *id)
{
	struct session *older;

	while ((older = room_find_id(room, id)) != NULL ||
		(older = find_waiting_id(room, id)) != NULL) {
		session_bye(older, ERR_REPLACED);
	}
}

void room_rules_close(struct room *room, int err)
{
	while (!list_empty(&room->waiting)) {
		session_bye(LIST_ENTRY(room->waiting.next, struct session, member), err);
	}
	while (!list_empty(&room->members)) {
		session_bye(LIST_ENTRY(room->members.next, struct session, member), err);
	}
}

static void tick_room(struct room *room, void *user)
{
	(void)user;
	if (over(room->worker, &room->policy)) {
		room_rules_close(room, ERR_ROOM_CLOSED);
	} else if (room->policy.epoch > room->epoch_told && !rekey_waits(room)) {
		tell_policy(room);
		tell_epoch(room);
	}
}

void room_rules_tick(struct worker *worker)
{
	room_table_each(&worker->rooms, tick_room, NULL);
}
