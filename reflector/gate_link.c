/*
 * gate_link: one control link, from accept to its end: who may hold one, and what it may say. A
 * link that breaks the rules is closed; authd dials again.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/net.h"
#include "proto/msg.h"
#include "reflector/family.h"
#include "reflector/gate.h"

#define LINK_HELLO_MS 5000u
#define LINK_USER_TIMEOUT_MS 15000u

static void refuse(struct gate_link *link, const char *reason)
{
	struct gate *gate = link->gate;

	if (bucket_take(&gate->log_refusals, gate->now_ms)) {
		log_event(LOG_LEVEL_WARN, "link-refused", LOG_STR("reason", reason),
			LOG_STR("addr", link->address),
			LOG_INT("suppressed", bucket_refused(&gate->log_refusals)));
	}
	link->ended = true;
}

static void on_open(struct chan *ch, void *user)
{
	struct gate_link *link = user;

	/* The chain was verified in the handshake; here is who it names. */
	if (tls_io_peer_names(chan_tls(ch), link->gate->settings->authd_name) != 0) {
		refuse(link, "the client certificate does not name authd-name");
	}
}

static int send_welcome(struct gate_link *link)
{
	struct gate *gate = link->gate;
	json_t *workers = json_array();

	for (size_t i = 0; i < gate->worker_count; i++) {
		json_t *worker = json_pack("{s:i}", "port", (int)gate->workers[i].port);
		if (json_array_append_new(workers, worker) != 0) {
			json_decref(workers);
			return ERR_NOMEM;
		}
	}
	json_t *msg = json_pack("{s:s, s:i, s:s, s:s, s:o, s:s, s:i}", "type", "link-welcome",
		"version", 1, "reflector", gate->settings->name, "server",
		"helio-reflector/" PACKAGE_VERSION, "workers", workers, "pin", gate->pin,
		"max_participants", (int)gate->limits.max_participants);
	int err = msg != NULL ? chan_send(link->chan, msg) : ERR_NOMEM;
	json_decref(msg);
	for (size_t i = 0; err == 0 && i < gate->worker_count; i++) {
		if (gate->workers[i].report != NULL) {
			err = chan_send(link->chan, gate->workers[i].report);
		}
	}
	return err;
}

static int take_hello(struct gate_link *link, const json_t *msg)
{
	const char *cluster, *issuer, *authd;
	int64_t version;

	if (link->welcome) {
		return ERR_SECOND_HELLO;
	}
	if (msg_get_int(msg, "version", 0, INT32_MAX, &version) != 0 ||
		msg_get_string(msg, "cluster", LIMIT_NAME, &cluster) != 0 ||
		msg_get_string(msg, "issuer", LIMIT_NAME, &issuer) != 0 ||
		msg_get_string(msg, "authd", LIMIT_NAME, &authd) != 0) {
		return ERR_BAD_FIELD;
	}
	if (version != 1) {
		return ERR_VERSION;
	}
	link->welcome = true;
	(void)snprintf(link->authd, sizeof(link->authd), "%s", authd);
	log_event(LOG_LEVEL_INFO, "link-up", LOG_STR("authd", authd), LOG_STR("cluster", cluster),
		LOG_STR("addr", link->address));
	return send_welcome(link);
}

static int take_keys(struct gate *gate, const json_t *msg)
{
	struct jws_keyset *keys;
	const char *issuer, *cluster;

	int err = family_read_keys(msg, &keys, &issuer, &cluster);
	if (err != 0) {
		return err;
	}
	jws_keyset_destroy(keys);
	json_t *copy = json_deep_copy(msg);
	if (copy == NULL) {
		return ERR_NOMEM; /* the link is closed, and the next one brings them again */
	}
	json_decref(gate->keys);
	gate->keys = copy;
	gate_tell_workers(gate, msg);
	return 0;
}

static int take_revocations(struct gate *gate, const json_t *msg)
{
	int err = revocation_add_message(&gate->revoked, msg, day_clock_now(&gate->clock));

	if (err == ERR_BAD_FIELD) {
		return err;
	}
	gate_tell_workers(gate, msg);
	if (err == ERR_FULL) {
		log_event(LOG_LEVEL_WARN, "revocations-full", LOG_ERR(err),
			LOG_INT("max", REVOCATION_MAX));
		return 0;
	}
	return err; /* no memory: the next link brings them again */
}

/* The workers keep what they are told, newest first; here it is for those that come later. */
static int take_policies(struct gate *gate, const json_t *msg)
{
	struct room_policy policy;
	const json_t *rooms;
	const json_t *item;
	const char *name;
	bool full = false;
	size_t i;

	int err = policy_table_check_message(msg, &rooms);
	if (err != 0) {
		return err;
	}
	json_array_foreach(rooms, i, item) {
		int done = policy_table_read(item, &name, &policy);
		done = done == 0 ? policy_table_learn(&gate->policies, name, &policy) : done;
		full = full || done == ERR_FULL;
		err = done != 0 && done != ERR_FULL ? done : err;
	}
	gate_tell_workers(gate, msg);
	if (full && bucket_take(&gate->log_refusals, gate->now_ms)) {
		log_event(LOG_LEVEL_WARN, "policies-full", LOG_INT("max", POLICY_TABLE_MAX));
	}
	return err; /* no memory: the next link brings them again */
}

static int take_message(struct gate_link *link, const char *type, const json_t *msg)
{
	if (strcmp(type, "link-hello") == 0) {
		return take_hello(link, msg);
	}
	if (!link->welcome) {
		return ERR_HELLO_EXPECTED;
	}
	if (strcmp(type, "keys") == 0) {
		return take_keys(link->gate, msg);
	}
	if (strcmp(type, "revoke") == 0) {
		return take_revocations(link->gate, msg);
	}
	if (strcmp(type, "policies") == 0) {
		return take_policies(link->gate, msg);
	}
	if (strcmp(type, "query") == 0) {
		gate_query_begin(link, msg, false);
	} else if (strcmp(type, "moderate") == 0) {
		gate_query_begin(link, msg, true);
	}
	/* Others are a newer authd's: they change nothing. */
	return 0;
}

static void on_message(struct chan *ch, const char *type, const json_t *msg, void *user)
{
	struct gate_link *link = user;

	(void)ch;
	if (link->ended) {
		return;
	}
	int err = take_message(link, type, msg);
	if (err != 0) {
		gate_link_close(link, err);
	}
}

void gate_link_close(struct gate_link *link, int err)
{
	if (link->ended) {
		return;
	}
	link->ended = true;
	if (link->welcome) {
		log_event(LOG_LEVEL_WARN, "link-down", LOG_STR("authd", link->authd),
			LOG_STR("reason", errcode_name(err)), LOG_STR("addr", link->address));
	} else {
		refuse(link, errcode_name(err));
	}
}

static void on_end(struct chan *ch, int err, void *user)
{
	(void)ch;
	gate_link_close(user, err);
}

static const struct chan_events link_events = {
	.on_message = on_message, .on_open = on_open, .on_end = on_end
};

static int open_link(struct gate_link *link, int fd)
{
	struct gate *gate = link->gate;
	struct tls_io_server conf = {
		.creds = gate->key->creds, .alpn = "helio-link/1", .want_client_cert = true
	};
	struct tls_io io;

	int err = tls_io_init_server(&io, fd, &conf);
	if (err != 0) {
		(void)close(fd);
		return err;
	}
	return chan_create_tls(&link->chan, gate->loop, fd, &io, LIMIT_TLS_HANDSHAKE_MS,
		gate->limits.heartbeat_ms, &link_events, link);
}

void gate_link_accept(struct gate *gate, int fd)
{
	struct gate_link *link;

	if (gate->key == NULL || gate->link_count >= GATE_LINKS_MAX) {
		(void)close(fd);
		if (bucket_take(&gate->log_refusals, gate->now_ms)) {
			log_event(LOG_LEVEL_WARN, "link-refused",
				LOG_STR("reason", "too many links"));
		}
		return;
	}
	link = calloc(1, sizeof(*link));
	if (link == NULL) {
		(void)close(fd);
		return;
	}
	link->gate = gate;
	link->deadline_ms = gate->now_ms + LIMIT_TLS_HANDSHAKE_MS + LINK_HELLO_MS;
	net_peer_text(fd, link->address);
	net_tune(fd, LINK_USER_TIMEOUT_MS);
	int err = open_link(link, fd);
	if (err != 0) {
		refuse(link, errcode_name(err));
		free(link);
		return;
	}
	link->key = gate->key;
	link->key->sessions++;
	list_append(&gate->links, &link->node);
	gate->link_count++;
}

void gate_link_destroy(struct gate_link *link)
{
	gate_query_link_gone(link);
	chan_destroy(link->chan);
	link->key->sessions--;
	list_remove(&link->node);
	link->gate->link_count--;
	free(link);
}

void gate_link_sweep(struct gate *gate)
{
	for (LIST_EACH_SAFE(node, next, &gate->links)) {
		struct gate_link *link = LIST_ENTRY(node, struct gate_link, node);
		if (!link->ended && !link->welcome && gate->now_ms >= link->deadline_ms) {
			refuse(link, errcode_name(ERR_DEADLINE));
		}
		if (link->ended) {
			gate_link_destroy(link);
		}
	}
}

void gate_link_broadcast(struct gate *gate, const json_t *msg)
{
	for (LIST_EACH(node, &gate->links)) {
		struct gate_link *link = LIST_ENTRY(node, struct gate_link, node);
		if (link->welcome && !link->ended && chan_send(link->chan, msg) != 0) {
			gate_link_close(link, ERR_TOO_SLOW);
		}
	}
}
