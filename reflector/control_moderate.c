/*
 * control_moderate: what one who may moderate asks for. The grant is checked before anything of the
 * message is looked at.
 */
#include "proto/limits.h"
#include "proto/msg.h"
#include "reflector/control.h"
#include "reflector/lobby.h"
#include "reflector/moderate.h"
#include "reflector/room.h"
#include "reflector/session.h"

/* The member or the waiting one of the request's num. */
static int find_target(const struct control_request *request, bool waiting, struct session **target)
{
	struct session *session = request->session;
	int64_t num;

	if (!session->may_moderate) {
		return ERR_NOT_GRANTED;
	}
	int err = msg_get_int(request->msg, "num", 1, UINT16_MAX, &num);
	if (err != 0) {
		return err;
	}
	*target = waiting ? room_find_waiting(session->room, (unsigned)num)
			  : room_find_num(session->room, (unsigned)num);
	return *target != NULL ? 0 : ERR_UNKNOWN_PARTICIPANT;
}

int control_mute(const struct control_request *request)
{
	struct session *target = NULL;
	unsigned kinds = 0;
	bool muted = true;

	int err = find_target(request, false, &target);
	if (err != 0) {
		return err;
	}
	if (token_publish_parse(request->msg, "kinds", &kinds) != 0 || kinds == 0 ||
		msg_opt_bool(request->msg, "muted", &muted) != 0) {
		return ERR_BAD_FIELD;
	}
	moderate_mute(target, kinds, muted, request->session);
	control_answer(request, moderate_muted_json(target, kinds, muted, request->session));
	return 0;
}

int control_kick(const struct control_request *request)
{
	struct session *target = NULL;
	const char *text = NULL;
	int64_t ban_s = 0;

	int err = find_target(request, false, &target);
	if (err == ERR_UNKNOWN_PARTICIPANT) {
		err = find_target(request, true, &target);
	}
	if (err != 0) {
		return err;
	}
	if (msg_opt_int(request->msg, "ban_s", 0, LIMIT_BAN_S, &ban_s) != 0 ||
		msg_opt_string(request->msg, "text", LIMIT_DISPLAY_NAME, &text) != 0 ||
		(text != NULL && text[0] != '\0' && !msg_is_display_name(text)) ||
		target == request->session) {
		return ERR_BAD_FIELD;
	}
	int num = (int)target->num;
	err = moderate_kick(target, ban_s, text, request->session);
	if (err == 0) {
		control_answer(request, json_pack("{s:s, s:i}", "type", "kicked", "num", num));
	}
	return err;
}

int control_lock(const struct control_request *request)
{
	struct session *session = request->session;
	bool locked = true;

	if (!session->may_moderate) {
		return ERR_NOT_GRANTED;
	}
	int err = msg_opt_bool(request->msg, "locked", &locked);
	if (err != 0) {
		return err;
	}
	moderate_lock(session->room, locked, session);
	control_answer(request, moderate_locked_json(session->room, session));
	return 0;
}

int control_admit(const struct control_request *request)
{
	struct session *target = NULL;

	int err = find_target(request, true, &target);
	if (err != 0) {
		return err;
	}
	int num = (int)target->num;
	err = lobby_admit(target);
	if (err == 0) {
		control_answer(request, json_pack("{s:s, s:i}", "type", "admitted", "num", num));
	}
	return err;
}

int control_deny(const struct control_request *request)
{
	struct session *target = NULL;

	int err = find_target(request, true, &target);
	if (err != 0) {
		return err;
	}
	int num = (int)target->num;
	lobby_deny(target, request->session);
	control_answer(request, json_pack("{s:s, s:i}", "type", "denied", "num", num));
	return 0;
}
