/*
 * worker_inbox: what the supervisor and the gate tell a worker. Both are trusted, but a message
 * that makes no sense is logged and changes nothing.
 */
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "proto/msg.h"
#include "reflector/family.h"
#include "reflector/moderate_inbox.h"
#include "reflector/query.h"
#include "reflector/room.h"
#include "reflector/room_rules.h"
#include "reflector/session.h"
#include "reflector/worker.h"

static void log_bad(const struct worker *worker, const char *type, int err)
{
	log_event(LOG_LEVEL_ERROR, "message-failed", LOG_STR("type", type), LOG_ERR(err),
		LOG_INT("port", worker->port));
}

/* The first credentials open the port; later ones are for new handshakes. */
static int take_credentials(struct worker *worker, const json_t *msg)
{
	struct key *key;
	const char *chain;

	int err = family_read_credentials(msg, &key, &chain);
	if (err != 0) {
		return err;
	}
	if (worker->key != NULL) {
		list_append(&worker->retired_keys, &worker->key->node);
	}
	worker->key = key;
	json_t *ready = json_pack("{s:s}", "type", "ready");
	err = ready != NULL ? chan_send(worker->supervisor, ready) : ERR_NOMEM;
	json_decref(ready);
	if (err == 0 && !worker->stopping) {
		conn_accept_start(&worker->accept);
	}
	return err;
}

static int take_settings(struct worker *worker, const json_t *msg)
{
	struct settings_limits limits;

	int err = family_read_settings(msg, "worker", &limits);
	if (err != 0) {
		return err;
	}
	worker_apply_limits(worker, &limits);
	for (LIST_EACH(node, &worker->sessions)) {
		struct session *session = LIST_ENTRY(node, struct session, all);
		size_t control = session->queue.lists[FRAME_CLASS_CONTROL].bound;
		frame_policy_apply(&worker->policy, &session->queue);
		session->queue.lists[FRAME_CLASS_CONTROL].bound = control;
	}
	return 0;
}

static void on_supervisor_message(struct chan *ch, const char *type, const json_t *msg, void *user)
{
	struct worker *worker = user;
	int err = ERR_UNKNOWN_MESSAGE;

	(void)ch;
	if (strcmp(type, "credentials") == 0) {
		err = take_credentials(worker, msg);
	} else if (strcmp(type, "settings") == 0) {
		err = take_settings(worker, msg);
	}
	if (err != 0) {
		log_bad(worker, type, err);
	}
	if (!worker->accept.started) {
		worker_stop(worker); /* of no use like this: the supervisor tries again */
	}
}

static int take_keys(struct worker *worker, const json_t *msg)
{
	struct jws_keyset *keys;
	const char *issuer, *cluster;

	int err = family_read_keys(msg, &keys, &issuer, &cluster);
	if (err != 0) {
		return err;
	}
	jws_keyset_destroy(worker->keys);
	worker->keys = keys;
	(void)snprintf(worker->issuer, sizeof(worker->issuer), "%s", issuer);
	(void)snprintf(worker->cluster, sizeof(worker->cluster), "%s", cluster);
	return 0;
}

/* Why this session may not go on: by the table, or by one entry that had no place in it. */
static int check_session(
	const struct worker *worker, const struct session *session, const struct revocation *entry)
{
	const struct revocation_subject subject = { .jti = session->jti,
		.user = session->user,
		.room = session->room->name,
		.source = session->source,
		.rev = session->rev };

	return entry != NULL ? revocation_meets(entry, &subject)
			     : revocation_check(&worker->revoked, &subject, worker->day_s);
}

/* Sessions leave lists of their rooms here, but not the worker's. */
static void close_revoked(struct worker *worker, const struct revocation *entry)
{
	for (LIST_EACH(node, &worker->sessions)) {
		struct session *session = LIST_ENTRY(node, struct session, all);
		int err = session->ended ? 0 : check_session(worker, session, entry);
		if (err != 0) {
			session_bye(session, err);
		}
	}
}

/* Who is in a room that is revoked as a whole is told that it was closed. */
static void close_room(struct worker *worker, const struct revocation *entry)
{
	struct room *room = room_table_find(&worker->rooms, entry->id);

	for (LIST_EACH(node, &worker->sessions)) {
		struct session *session = LIST_ENTRY(node, struct session, all);
		if (room != NULL && !session->ended && session->room == room &&
			check_session(worker, session, entry) != 0) {
			session_bye(session, ERR_ROOM_CLOSED);
		}
	}
}

static int take_revocations(struct worker *worker, const json_t *msg)
{
	struct revocation entry;
	int64_t now = worker->day_s;

	int err = revocation_add_message(&worker->revoked, msg, now);
	if (err == ERR_BAD_FIELD) {
		return err;
	}
	const json_t *entries = json_object_get(msg, "entries");
	for (size_t i = 0; i < json_array_size(entries); i++) {
		if (revocation_read(&entry, json_array_get(entries, i)) != 0 ||
			entry.until <= now) {
			continue;
		}
		if (entry.kind == REVOCATION_ROOM) {
			close_room(worker, &entry);
		} else if (err != 0) {
			/* The table was full: what is in the message closes its sessions all the
			 * same. */
			close_revoked(worker, &entry);
		}
	}
	close_revoked(worker, NULL);
	return err == ERR_FULL ? 0 : err;
}

static int take_policies(struct worker *worker, const json_t *msg)
{
	struct room_policy policy;
	const json_t *rooms;
	const json_t *item;
	const char *name;
	size_t i;

	int err = policy_table_check_message(msg, &rooms);
	if (err != 0) {
		return err;
	}
	json_array_foreach(rooms, i, item) {
		if (policy_table_read(item, &name, &policy) == 0 &&
			room_rules_learn(worker, name, &policy) != 0) {
			err = ERR_NOMEM;
		}
	}
	return err;
}

static void on_gate_message(struct chan *ch, const char *type, const json_t *msg, void *user)
{
	struct worker *worker = user;
	int err = 0;

	(void)ch;
	if (strcmp(type, "keys") == 0) {
		err = take_keys(worker, msg);
	} else if (strcmp(type, "revoke") == 0) {
		err = take_revocations(worker, msg);
	} else if (strcmp(type, "policies") == 0) {
		err = take_policies(worker, msg);
	} else if (strcmp(type, "moderate") == 0) {
		moderate_inbox_handle(worker, msg);
	} else if (strcmp(type, "query") == 0) {
		query_handle(worker, msg);
	} else if (strcmp(type, "gate-started") == 0) {
		stats_report(worker, true);
	} else {
		err = ERR_UNKNOWN_MESSAGE;
	}
	if (err != 0) {
		log_bad(worker, type, err);
	}
	/* A revocation or a change of keys that was missed would let in who must stay outside, or
	 * nobody: a new worker is told everything again. */
	if (err == ERR_NOMEM) {
		worker_stop(worker);
	}
}

/* Without its supervisor a worker cannot be reached or replaced any more: it ends. */
static void on_supervisor_end(struct chan *ch, int err, void *user)
{
	struct worker *worker = user;

	(void)err;
	chan_destroy(ch);
	worker->supervisor = NULL;
	worker_stop(worker);
}

static void on_gate_end(struct chan *ch, int err, void *user)
{
	struct worker *worker = user;

	/* The supervisor holds the other end as well, so this is not the gate's death but a fault.
	 */
	chan_destroy(ch);
	worker->gate = NULL;
	if (!worker->stopping) {
		log_bad(worker, "gate", err);
	}
	worker_stop(worker);
}

const struct chan_events worker_supervisor_events = { .on_message = on_supervisor_message,
	.on_end = on_supervisor_end };
const struct chan_events worker_gate_events = { .on_message = on_gate_message,
	.on_end = on_gate_end };
