/*
 * moderate_inbox: what an administrator asks for by way of authd and the gate. Each order is
 * answered with a code, "" when it was done.
 */
#include "reflector/moderate_inbox.h"

#include <string.h>

#include "common/log.h"
#include "proto/limits.h"
#include "proto/msg.h"
#include "proto/token_claims.h"
#include "reflector/lobby.h"
#include "reflector/moderate.h"
#include "reflector/room.h"
#include "reflector/room_rules.h"
#include "reflector/session.h"
#include "reflector/worker.h"

struct order {
	const char *what, *room, *participant, *reason;
	unsigned kinds;
	const json_t *answer;
};

static int read_order(struct order *order, const json_t *msg)
{
	*order = (struct order){ .participant = "", .kinds = ~0u };
	if (msg_get_string(msg, "what", LIMIT_NAME, &order->what) != 0 ||
		msg_get_string(msg, "room", LIMIT_NAME, &order->room) != 0 ||
		msg_opt_string(msg, "participant", LIMIT_PARTICIPANT_ID, &order->participant) !=
			0 ||
		msg_opt_string(msg, "reason", LIMIT_DISPLAY_NAME, &order->reason) != 0) {
		return ERR_BAD_FIELD;
	}
	order->kinds = TOKEN_PUBLISH_AUDIO | TOKEN_PUBLISH_VIDEO | TOKEN_PUBLISH_SCREEN |
		TOKEN_PUBLISH_DATA;
	if (json_object_get(msg, "kinds") != NULL &&
		(token_publish_parse(msg, "kinds", &order->kinds) != 0 || order->kinds == 0)) {
		return ERR_BAD_FIELD;
	}
	order->answer = json_object_get(msg, "answer");
	return strcmp(order->what, "move") != 0 || json_is_object(order->answer) ? 0
										 : ERR_BAD_FIELD;
}

static int do_mute(struct session *target, const struct order *order)
{
	moderate_mute(target, order->kinds, true, NULL);
	return 0;
}

static int do_unmute(struct session *target, const struct order *order)
{
	moderate_mute(target, order->kinds, false, NULL);
	return 0;
}

static int do_kick(struct session *target, const struct order *order)
{
	return moderate_kick(target, 0, order->reason, NULL);
}

static int do_move(struct session *target, const struct order *order)
{
	return moderate_move(target, order->answer);
}

static int do_admit(struct session *target, const struct order *order)
{
	(void)order;
	return lobby_admit(target);
}

static int do_deny(struct session *target, const struct order *order)
{
	(void)order;
	lobby_deny(target, NULL);
	return 0;
}

static const struct {
	const char *what;
	int (*run)(struct session *target, const struct order *order);
	bool of_members, of_waiting;
} orders[] = {
	{ "mute", do_mute, true, false },
	{ "unmute", do_unmute, true, false },
	{ "kick", do_kick, true, true },
	{ "move", do_move, true, false },
	{ "admit", do_admit, false, true },
	{ "deny", do_deny, false, true },
};

/* With duplicates allowed several sessions have one id: it is meant for all. Each order may take
 * the session, and others, off the list: those who are meant are marked by their number first. */
static int run_on(struct list *sessions, const struct order *order,
	int (*run)(struct session *target, const struct order *order), bool *found)
{
	int err = 0;
	unsigned last = 0;

	for (bool more = true; more && err == 0;) {
		struct session *next = NULL;
		for (LIST_EACH(node, sessions)) {
			struct session *session = LIST_ENTRY(node, struct session, member);
			if (session->num > last && strcmp(session->id, order->participant) == 0 &&
				(next == NULL || session->num < next->num)) {
				next = session;
			}
		}
		more = next != NULL;
		if (more) {
			*found = true;
			last = next->num;
			err = run(next, order);
		}
	}
	return err;
}

static int run_order(struct worker *worker, const json_t *msg)
{
	struct order order;
	bool found = false;

	int err = read_order(&order, msg);
	if (err != 0) {
		return err;
	}
	struct room *room = room_table_find(&worker->rooms, order.room);
	if (room == NULL || room->member_count + room->waiting_count == 0) {
		return ERR_NOT_FOUND;
	}
	if (strcmp(order.what, "close") == 0) {
		room_rules_close(room, ERR_ROOM_CLOSED);
		return 0;
	}
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		if (strcmp(orders[i].what, order.what) != 0) {
			continue;
		}
		if (orders[i].of_members) {
			err = run_on(&room->members, &order, orders[i].run, &found);
		}
		if (orders[i].of_waiting && err == 0) {
			err = run_on(&room->waiting, &order, orders[i].run, &found);
		}
		return err == 0 && !found ? ERR_NOT_FOUND : err;
	}
	return ERR_UNKNOWN_MESSAGE;
}

void moderate_inbox_handle(struct worker *worker, const json_t *msg)
{
	int64_t id;

	if (msg_get_int(msg, "id", 0, INT64_MAX, &id) != 0) {
		log_event(LOG_LEVEL_ERROR, "message-failed", LOG_STR("type", "moderate"),
			LOG_ERR(ERR_BAD_FIELD), LOG_INT("port", worker->port));
		return;
	}
	int err = run_order(worker, msg);
	json_t *answer =
		json_pack("{s:s, s:I, s:i, s:s}", "type", "moderated", "id", (json_int_t)id, "port",
			(int)worker->port, "code", err == 0 ? "" : errcode_name(err));
	/* Without it the gate says that this port did not answer. */
	if (answer == NULL || chan_send(worker->gate, answer) != 0) {
		log_event(LOG_LEVEL_ERROR, "message-failed", LOG_STR("type", "moderated"),
			LOG_ERR(ERR_NOMEM), LOG_INT("port", worker->port));
	}
	json_decref(answer);
}
