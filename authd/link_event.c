/*
 * link_event: judges events of reflectors. A reflector is believed about rooms that are placed with
 * it, and about users who were given a token for them: a captured one must not be able to ban
 * whomever it likes.
 */
#include "authd/link_event.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "authd/rate.h"
#include "authd/store_revocations.h"
#include "authd/store_rooms.h"
#include "authd/store_tokens.h"
#include "common/clock.h"
#include "common/log.h"
#include "proto/limits.h"
#include "proto/msg.h"

#define BAN_MAX_S 86400
/* Of one reflector: each is a commit, and news for all of them. Leaves place in the queue. */
#define RECORDS_A_MINUTE 200u
#define LOG_PER_SECOND 5

/* What a moderator did that must hold longer than the room. */
enum deed_kind { DEED_LOCK, DEED_DENY, DEED_KICK, DEED_BAN };

struct deed {
	enum deed_kind kind;
	char reflector[LIMIT_NAME + 1], room[LIMIT_NAME + 1];
	char moderator[LIMIT_PARTICIPANT_ID + 1]; /* as the reflector says; "": an administrator */
	bool locked; /* of a lock; what follows is of the others */
	char user[LIMIT_NAME + 1], participant[LIMIT_PARTICIPANT_ID + 1], jti[LIMIT_JTI + 1];
	char reason[LIMIT_DISPLAY_NAME + 1];
	int64_t until; /* of a ban */
};

struct link_event {
	struct link_event_conf conf;
	pthread_t thread;
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t changed;
	bool stop;
	struct deed queue[LINK_EVENT_QUEUE_MAX];
	size_t first, count;
	uint64_t lost;
	struct rate *rate; /* of records, by reflector */
	int64_t logged_s; /* own thread: the second of the last refusals in the log */
	int logged;
};

static void tell(struct link_event *le, json_t *object)
{
	if (object != NULL && le->conf.on_event != NULL) {
		le->conf.on_event(le->conf.user, object);
	} else {
		json_decref(object);
	}
}

void link_event_alarm(struct link_event *le, const char *reflector, const char *why)
{
	tell(le, json_pack("{s:s,s:s,s:s}", "what", "alarm", "reflector", reflector, "why", why));
}

void link_event_state(struct link_event *le, const char *reflector, bool up, const char *why)
{
	tell(le,
		up ? json_pack("{s:s,s:s}", "what", "link-up", "reflector", reflector)
		   : json_pack("{s:s,s:s,s:s}", "what", "link-down", "reflector", reflector, "why",
			     why));
}

/* ---- recording, on the own thread ---- */

static int found(const struct store_token *row, void *arg)
{
	(void)row;
	*(bool *)arg = true;
	return 0;
}

static bool holds_room(struct link_event *le, const struct deed *deed)
{
	struct store_room room;

	return store_room_get(le->conf.store, deed->room, &room) == 0 &&
		store_room_is_at(&room, deed->reflector);
}

/* The user holds a token for the room. */
static bool has_token(struct link_event *le, const struct deed *deed)
{
	const struct store_token_filter filter = {
		.room = deed->room, .user = deed->user, .all = true, .now = (int64_t)time(NULL)
	};
	const struct store_page page = { .after = "", .limit = 1 };
	bool known = false;

	return store_token_list(le->conf.store, &filter, &page, found, &known) == 0 && known;
}

/* A few lines a second tell of it; a captured reflector could write thousands. */
static void refuse(struct link_event *le, const struct deed *deed)
{
	int64_t now = clock_now_s();

	if (le->logged_s != now) {
		le->logged_s = now;
		le->logged = 0;
	}
	if (le->logged++ < LOG_PER_SECOND) {
		log_event(LOG_LEVEL_WARN, "event-refused", LOG_STR("reflector", deed->reflector),
			LOG_STR("room", deed->room), LOG_STR("user", deed->user),
			LOG_STR("why", "the room is not there, or nobody gave that user a token"));
	}
}

static int record_lock(
	struct link_event *le, const struct store_actor *who, const struct deed *lock)
{
	return holds_room(le, lock) ? store_room_lock(le->conf.store, who, lock->room, lock->locked)
				    : ERR_DENIED;
}

/* It is what the reflector says it is, and the room is there. */
static int get_token(struct link_event *le, const struct deed *deed, struct store_token *token)
{
	int err = holds_room(le, deed) ? store_token_get(le->conf.store, deed->jti, token)
				       : ERR_DENIED;

	if (err != 0) {
		return err == ERR_NOT_FOUND ? ERR_DENIED : err;
	}
	return strcmp(token->room, deed->room) == 0 && strcmp(token->user, deed->user) == 0 &&
			strcmp(token->participant, deed->participant) == 0
		? 0
		: ERR_DENIED;
}

/* The token he came with alone: he may be in the room already, with another device. */
static int record_deny(
	struct link_event *le, const struct store_actor *who, const struct deed *deny)
{
	struct store_token token;
	int err = get_token(le, deny, &token);

	if (err == 0) {
		err = store_token_revoke(
			le->conf.store, who, deny->jti, (int64_t)time(NULL), &token);
		err = err == ERR_NOT_FOUND ? 0 : err; /* it has ended by itself */
	}
	return err;
}

/* Another device of the moderator's own. */
static bool is_own(const struct deed *deed)
{
	size_t len = strlen(deed->user);

	return strncmp(deed->moderator, deed->user, len) == 0 &&
		(deed->moderator[len] == '\0' || deed->moderator[len] == '+');
}

/* All he holds for the room: he gets its next media key with a new token only. */
static int record_kick(
	struct link_event *le, const struct store_actor *who, const struct deed *kick)
{
	struct store_token token;

	if (is_own(kick)) {
		return record_deny(le, who, kick);
	}
	int err = get_token(le, kick, &token);
	return err != 0 ? err
			: store_revocation_kick(le->conf.store, who, kick->jti, kick->reason,
				  (int64_t)time(NULL));
}

static int record_ban(struct link_event *le, const struct store_actor *who, const struct deed *ban)
{
	struct store_revocation entry = { .kind = "user", .ban = true, .until = ban->until };
	size_t met = 0;

	if (!holds_room(le, ban) || !has_token(le, ban)) {
		return ERR_DENIED;
	}
	snprintf(entry.id, sizeof(entry.id), "%s", ban->user);
	snprintf(entry.room, sizeof(entry.room), "%s", ban->room);
	snprintf(entry.reason, sizeof(entry.reason), "%s", ban->reason);
	return store_revocation_add_once(le->conf.store, who, &entry, (int64_t)time(NULL), &met);
}

static const struct {
	int (*record)(
		struct link_event *le, const struct store_actor *who, const struct deed *deed);
	const char *failed;
} deeds[] = {
	[DEED_LOCK] = { record_lock, "lock-not-recorded" },
	[DEED_DENY] = { record_deny, "deny-not-recorded" },
	[DEED_KICK] = { record_kick, "kick-not-recorded" },
	[DEED_BAN] = { record_ban, "ban-not-recorded" },
};

/* The same deed comes once for each of the user's devices, and to every authd of the reflector:
 * whoever comes second finds it done. */
static void record(struct link_event *le, const struct deed *deed)
{
	struct store_actor who = { .name = "" };

	snprintf(who.name, sizeof(who.name), "reflector:%s", deed->reflector);
	memcpy(who.moderator, deed->moderator, sizeof(who.moderator));
	int err = deeds[deed->kind].record(le, &who, deed);
	if (err == ERR_DENIED) {
		refuse(le, deed);
	} else if (err != 0 && err != ERR_EXISTS) {
		log_event(LOG_LEVEL_ERROR, deeds[deed->kind].failed, LOG_STR("room", deed->room),
			LOG_STR("user", deed->user), LOG_ERR(err));
	}
}

static void *run(void *arg)
{
	struct link_event *le = arg;

	pthread_mutex_lock(&le->mutex);
	for (;;) {
		while (le->count == 0 && !le->stop) {
			pthread_cond_wait(&le->changed, &le->mutex);
		}
		if (le->count == 0) {
			break;
		}
		struct deed deed = le->queue[le->first];
		le->first = (le->first + 1) % LINK_EVENT_QUEUE_MAX;
		le->count--;
		pthread_mutex_unlock(&le->mutex);
		record(le, &deed);
		pthread_mutex_lock(&le->mutex);
	}
	pthread_mutex_unlock(&le->mutex);
	return NULL;
}

static void push(struct link_event *le, const struct deed *deed)
{
	bool few = rate_take(le->rate, deed->reflector, clock_now_ms()) == 0;
	uint64_t lost = 0;

	pthread_mutex_lock(&le->mutex);
	if (few && le->count < LINK_EVENT_QUEUE_MAX) {
		le->queue[(le->first + le->count++) % LINK_EVENT_QUEUE_MAX] = *deed;
		pthread_cond_signal(&le->changed);
	} else {
		lost = ++le->lost;
	}
	pthread_mutex_unlock(&le->mutex);
	if (lost == 1 || (lost != 0 && lost % 1000 == 0)) {
		log_event(LOG_LEVEL_ERROR, "bans-lost", LOG_STR("reflector", deed->reflector),
			LOG_INT("count", lost));
	}
}

/* ---- what comes in, on the loop's thread ---- */

static bool known_what(const char *what)
{
	static const char *const names[] = { "joined", "left", "waiting", "kicked", "denied",
		"muted", "locked" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], what) == 0) {
			return true;
		}
	}
	return false;
}

/* The fields that are known, each with the form it must have. NULL: it makes no sense. */
static json_t *judge(const char *reflector, const json_t *msg)
{
	const char *what = NULL, *room = NULL, *id = "", *user = "", *jti = "", *reason = "",
		   *by = "";
	int64_t ban_s = 0;

	if (msg_get_string(msg, "what", 16, &what) != 0 || !known_what(what) ||
		msg_get_string(msg, "room", LIMIT_NAME, &room) != 0 || !msg_is_name(room) ||
		msg_opt_string(msg, "id", LIMIT_PARTICIPANT_ID, &id) != 0 ||
		(id[0] != '\0' && !msg_is_participant_id(id)) ||
		msg_opt_string(msg, "user", LIMIT_NAME, &user) != 0 ||
		(user[0] != '\0' && !msg_is_name(user)) ||
		msg_opt_string(msg, "jti", LIMIT_JTI, &jti) != 0 ||
		(jti[0] != '\0' && !msg_is_name(jti)) ||
		msg_opt_string(msg, "reason", LIMIT_DISPLAY_NAME, &reason) != 0 ||
		(reason[0] != '\0' && !msg_is_display_name(reason)) ||
		msg_opt_string(msg, "by", LIMIT_PARTICIPANT_ID, &by) != 0 ||
		(by[0] != '\0' && !msg_is_participant_id(by)) ||
		msg_opt_int(msg, "ban_s", 0, BAN_MAX_S, &ban_s) != 0) {
		return NULL;
	}
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I}", "what", what, "reflector",
		reflector, "room", room, "id", id, "user", user, "jti", jti, "reason", reason, "by",
		by, "ban_s", (json_int_t)ban_s);
}

static const char *text(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s != NULL ? s : "";
}

static void begin(struct deed *deed, enum deed_kind kind, const json_t *event)
{
	memset(deed, 0, sizeof(*deed));
	deed->kind = kind;
	snprintf(deed->reflector, sizeof(deed->reflector), "%s", text(event, "reflector"));
	snprintf(deed->room, sizeof(deed->room), "%s", text(event, "room"));
	snprintf(deed->moderator, sizeof(deed->moderator), "%s", text(event, "by"));
}

static void take_kick(struct link_event *le, const json_t *event)
{
	bool denied = strcmp(text(event, "what"), "denied") == 0;
	int64_t ban_s = json_integer_value(json_object_get(event, "ban_s"));
	const char *reason = text(event, "reason");
	struct deed deed;

	/* an administrator's own is in the store already */
	if (text(event, "user")[0] == '\0' || (ban_s <= 0 && text(event, "by")[0] == '\0')) {
		return;
	}
	begin(&deed, denied ? DEED_DENY : ban_s > 0 ? DEED_BAN : DEED_KICK, event);
	snprintf(deed.user, sizeof(deed.user), "%s", text(event, "user"));
	snprintf(deed.participant, sizeof(deed.participant), "%s", text(event, "id"));
	snprintf(deed.jti, sizeof(deed.jti), "%s", text(event, "jti"));
	snprintf(deed.reason, sizeof(deed.reason), "%s",
		reason[0] != '\0' ? reason : "kicked by a moderator");
	deed.until = (int64_t)time(NULL) + ban_s;
	push(le, &deed);
}

static void take_lock(struct link_event *le, json_t *event, const json_t *msg)
{
	struct deed lock;
	bool locked = true;

	/* an administrator's own is in the store already */
	if (text(event, "by")[0] == '\0' || json_object_get(msg, "locked") == NULL ||
		msg_opt_bool(msg, "locked", &locked) != 0) {
		return;
	}
	begin(&lock, DEED_LOCK, event);
	lock.locked = locked;
	push(le, &lock);
	(void)json_object_set_new(event, "locked", json_boolean(locked)); /* for who watches */
}

void link_event_take(struct link_event *le, const char *reflector, const json_t *msg)
{
	json_t *event = judge(reflector, msg);

	if (event == NULL) {
		return;
	}
	if (strcmp(text(event, "what"), "kicked") == 0 ||
		strcmp(text(event, "what"), "denied") == 0) {
		take_kick(le, event);
	} else if (strcmp(text(event, "what"), "locked") == 0) {
		take_lock(le, event, msg);
	}
	tell(le, event);
}

int link_event_create(struct link_event **out, const struct link_event_conf *conf)
{
	struct link_event *le = calloc(1, sizeof(*le));

	if (le == NULL) {
		return ERR_NOMEM;
	}
	le->conf = *conf;
	if (rate_create(&le->rate, RECORDS_A_MINUTE) != 0) {
		free(le);
		return ERR_NOMEM;
	}
	pthread_mutex_init(&le->mutex, NULL);
	pthread_cond_init(&le->changed, NULL);
	if (pthread_create(&le->thread, NULL, run, le) != 0) {
		pthread_cond_destroy(&le->changed);
		pthread_mutex_destroy(&le->mutex);
		rate_destroy(le->rate);
		free(le);
		return ERR_SYSTEM;
	}
	*out = le;
	return 0;
}

void link_event_destroy(struct link_event *le)
{
	if (le == NULL) {
		return;
	}
	pthread_mutex_lock(&le->mutex);
	le->stop = true;
	pthread_cond_signal(&le->changed);
	pthread_mutex_unlock(&le->mutex);
	pthread_join(le->thread, NULL);
	pthread_cond_destroy(&le->changed);
	pthread_mutex_destroy(&le->mutex);
	rate_destroy(le->rate);
	free(le);
}
