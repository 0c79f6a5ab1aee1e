/*
 * enrol: owns one conversation at a time: connecting → handshake → proof → request → done. Must
 * never sign for a peer that has not proved the code on this very connection, nor let a code be
 * used twice: the store says so before the certificate leaves.
 */
#include "authd/enrol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/chan.h"
#include "common/enrol_code.h"
#include "common/log.h"
#include "common/net.h"
#include "proto/msg.h"

#define BACKOFF_MIN_S 0.2
#define BACKOFF_MAX_S 3.0
#define CONNECT_S 5.0
#define TALK_S 10.0
#define FAILURES_MAX 10u /* wrong proofs; then the code is void */
#define HEARTBEAT_MS 5000u
#define HANDSHAKE_MS 10000u

/* REFUSING: it was told why, and closes when it has read that */
enum state { WAITING, CONNECTING, TALKING, REFUSING, FINISHING, OVER };

struct enrol {
	const struct enrol_env *env;
	struct fleet_reflector conf;
	enum state state;
	ev_io connecting;
	ev_timer timer;
	int fd;
	gnutls_certificate_credentials_t creds; /* empty: nobody is trusted by certificate here */
	struct chan *chan;
	double backoff_s;
	unsigned failures;
	char refusal[ENROL_REFUSAL_MAX];
};

static void start_timer(struct enrol *e, double seconds)
{
	ev_timer_stop(e->env->loop, &e->timer);
	ev_timer_set(&e->timer, seconds, 0.);
	ev_timer_start(e->env->loop, &e->timer);
}

static void drop(struct enrol *e)
{
	ev_timer_stop(e->env->loop, &e->timer);
	ev_io_stop(e->env->loop, &e->connecting);
	if (e->fd >= 0) {
		close(e->fd);
		e->fd = -1;
	}
	chan_destroy(e->chan);
	e->chan = NULL;
}

/* Any state → waiting, or over when there is nothing more to try. */
static void again(struct enrol *e)
{
	bool finished = e->state == FINISHING || e->state == OVER;

	drop(e);
	if (finished || day_clock_now(e->env->clock) >= e->conf.code_until) {
		e->state = OVER;
		return;
	}
	e->state = WAITING;
	start_timer(e, e->backoff_s);
	e->backoff_s = e->backoff_s * 2 < BACKOFF_MAX_S ? e->backoff_s * 2 : BACKOFF_MAX_S;
}

/* Whoever is there is not the one that is meant: told of, and not for ever. */
static void count_failure(struct enrol *e, const char *what)
{
	static const struct store_actor self = { .name = "authd" };

	e->failures++;
	log_event(LOG_LEVEL_WARN, "enrol-refused", LOG_STR("reflector", e->conf.name),
		LOG_STR("control", e->conf.control.text), LOG_STR("why", what),
		LOG_INT("failures", e->failures));
	e->env->on_alarm(e->env->user, e->conf.name, what);
	if (e->failures >= FAILURES_MAX) {
		e->state = OVER;
		log_event(LOG_LEVEL_WARN, "enrol-code-void", LOG_STR("reflector", e->conf.name),
			LOG_STR("do", "find out who answers at that address, then enrol it anew"));
		if (store_reflector_code_void(e->env->store, &self, e->conf.name, e->conf.code) !=
			0) {
			log_event(LOG_LEVEL_WARN, "enrol-code-not-void",
				LOG_STR("reflector", e->conf.name));
		}
	}
}

static void wrong(struct enrol *e, const char *what)
{
	count_failure(e, what);
	again(e);
}

static int send_msg(struct enrol *e, json_t *msg)
{
	int err = msg != NULL ? chan_send(e->chan, msg) : ERR_NOMEM;

	json_decref(msg);
	return err;
}

/* ---- what the reflector says ---- */

static int finish(struct enrol *e, const char *csr)
{
	struct store_actor who = { .name = "" };
	char pin[TLS_PEER_PIN_SIZE];
	char *pem = NULL;
	int err = ca_sign(e->env->ca, csr, e->conf.tls_name, &pem, pin);

	if (err != 0) {
		return err;
	}
	snprintf(who.name, sizeof(who.name), "reflector:%s", e->conf.name);
	snprintf(who.address, sizeof(who.address), "%s", e->conf.control.text);
	err = store_reflector_enrolled(
		e->env->store, &who, e->conf.name, e->conf.code, pin, day_clock_now(e->env->clock));
	if (err == 0) {
		e->state = FINISHING;
		start_timer(e, TALK_S);
		log_event(LOG_LEVEL_INFO, "enrolled", LOG_STR("reflector", e->conf.name),
			LOG_STR("pin", pin));
		err = send_msg(e,
			json_pack("{s:s,s:s,s:s,s:s,s:s}", "type", "enrol-done", "certificate", pem,
				"ca", ca_certificate(e->env->ca), "authd_name",
				ca_authd_name(e->env->ca), "tls_name", e->conf.tls_name));
	}
	free(pem);
	return err;
}

/* The peer has the code: it is told, and has time to read it. */
static void refuse(struct enrol *e, const char *name)
{
	char text[LIMIT_NAME + 64], why[LIMIT_NAME + 32];

	snprintf(text, sizeof(text), "authd expects a reflector named %s", e->conf.name);
	snprintf(why, sizeof(why), "it calls itself %s",
		msg_is_name(name) ? name : "something else");
	count_failure(e, why);
	if (e->state == OVER ||
		send_msg(e,
			json_pack("{s:s,s:s,s:s}", "type", "enrol-refused", "code", "denied",
				"text", text)) != 0) {
		again(e);
		return;
	}
	e->state = REFUSING;
	start_timer(e, TALK_S);
}

static void on_request(struct enrol *e, const json_t *msg)
{
	const char *proof = NULL, *name = NULL, *csr = NULL;

	if (msg_get_string(msg, "proof", ENROL_PROOF_TEXT, &proof) != 0 ||
		msg_get_string(msg, "name", LIMIT_NAME, &name) != 0 ||
		msg_get_string(msg, "request", ENROL_PEM_MAX, &csr) != 0) {
		wrong(e, "what it says makes no sense");
		return;
	}
	if (enrol_code_check(e->conf.code, chan_tls(e->chan), ENROL_REFLECTOR, proof) != 0) {
		wrong(e, "it has another code, or somebody is in between");
		return;
	}
	if (strcmp(name, e->conf.name) != 0) {
		refuse(e, name);
		return;
	}
	int err = finish(e, csr);
	if (err != 0) {
		log_event(LOG_LEVEL_WARN, "enrol-failed", LOG_STR("reflector", e->conf.name),
			LOG_ERR(err));
		again(e);
	}
}

static void on_message(struct chan *ch, const char *type, const json_t *msg, void *user)
{
	struct enrol *e = user;

	(void)ch;
	if (e->state == TALKING && strcmp(type, "enrol-request") == 0) {
		on_request(e, msg);
	} else if (e->state == TALKING && strcmp(type, "enrol-refused") == 0) {
		wrong(e, "it was given another code");
	} else if (e->state == FINISHING && strcmp(type, "enrol-stored") == 0) {
		again(e);
	} else if (e->state != REFUSING) {
		wrong(e, "what it says makes no sense");
	}
}

static void on_open(struct chan *ch, void *user)
{
	struct enrol *e = user;
	char proof[ENROL_PROOF_TEXT + 1];

	int err = enrol_code_prove(e->conf.code, chan_tls(ch), ENROL_AUTHD, proof);
	if (err == 0) {
		err = send_msg(e,
			json_pack("{s:s,s:i,s:s,s:s,s:s}", "type", "enrol-hello", "version", 1,
				"authd", e->env->issuer, "cluster", e->env->cluster, "proof",
				proof));
	}
	if (err != 0) {
		again(e);
	}
}

static void on_end(struct chan *ch, int err, void *user)
{
	(void)ch;
	(void)err;
	again(user);
}

static const struct chan_events chan_events = {
	.on_message = on_message,
	.on_open = on_open,
	.on_end = on_end,
};

/* ---- dialling ---- */

static void begin(struct enrol *e)
{
	struct tls_io io = { 0 };
	const struct tls_io_client conf = {
		.creds = e->creds, .alpn = ENROL_ALPN, .any_peer = true
	};
	int err = tls_io_init_client(&io, e->fd, &conf);

	if (err == 0) {
		err = chan_create_tls(&e->chan, e->env->loop, e->fd, &io, HANDSHAKE_MS,
			HEARTBEAT_MS, &chan_events, e);
		if (err != 0) {
			tls_io_finish(&io);
		}
	}
	if (err != 0) {
		again(e);
		return;
	}
	e->fd = -1; /* the channel's now */
	e->state = TALKING;
	start_timer(e, TALK_S);
}

static void on_connected(struct ev_loop *loop, ev_io *w, int revents)
{
	struct enrol *e = w->data;
	char peer[64];

	(void)revents;
	ev_io_stop(loop, w);
	if (net_connect_result(e->fd) != 0) {
		again(e);
		return;
	}
	net_peer_text(e->fd, peer);
	if (!fleet_allows(&e->conf, peer)) {
		wrong(e, "it is at an address that is not allowed");
		return;
	}
	begin(e);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct enrol *e = w->data;

	(void)loop;
	(void)revents;
	if (e->state != WAITING) {
		again(e);
		return;
	}
	if (net_connect_start(&e->conf.control, NULL, &e->fd) != 0) {
		e->fd = -1;
		again(e);
		return;
	}
	e->state = CONNECTING;
	ev_io_set(&e->connecting, e->fd, EV_WRITE);
	ev_io_start(e->env->loop, &e->connecting);
	start_timer(e, CONNECT_S);
}

int enrol_create(
	struct enrol **out, const struct enrol_env *env, const struct fleet_reflector *reflector)
{
	struct enrol *e = calloc(1, sizeof(*e));

	if (e == NULL) {
		return ERR_NOMEM;
	}
	if (gnutls_certificate_allocate_credentials(&e->creds) < 0) {
		free(e);
		return ERR_NOMEM;
	}
	e->env = env;
	e->conf = *reflector;
	e->fd = -1;
	e->backoff_s = BACKOFF_MIN_S;
	ev_init(&e->connecting, on_connected);
	ev_init(&e->timer, on_timer);
	e->connecting.data = e->timer.data = e;
	start_timer(e, 0.);
	*out = e;
	return 0;
}

void enrol_destroy(struct enrol *e)
{
	if (e != NULL) {
		drop(e);
		gnutls_certificate_free_credentials(e->creds);
		explicit_bzero(e->conf.code, sizeof(e->conf.code));
		free(e);
	}
}

bool enrol_is_for(const struct enrol *e, const struct fleet_reflector *reflector)
{
	return strcmp(e->conf.code, reflector->code) == 0 && fleet_same_link(&e->conf, reflector);
}

bool enrol_is_named(const struct enrol *e, const char *reflector)
{
	return strcmp(e->conf.name, reflector) == 0;
}

void enrol_set_refusal(struct enrol *e, const char *why)
{
	snprintf(e->refusal, sizeof(e->refusal), "%s", why);
}

const char *enrol_refusal(const struct enrol *e)
{
	return e->refusal;
}

bool enrol_finishing(const struct enrol *e)
{
	return e->state == FINISHING;
}
