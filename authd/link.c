/*
 * link: owns one control link through its states: waiting → connecting → handshake → welcome → up,
 * and back to waiting after any failure. Must never take a word from a peer whose certificate does
 * not name the reflector of the settings.
 */
#include "authd/link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "authd/link_news.h"
#include "authd/link_parse.h"
#include "common/chan.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/net.h"
#include "proto/limits.h"
#include "proto/msg.h"

#define ALPN "helio-link/1"
#define BACKOFF_MIN_S 0.2
#define BACKOFF_MAX_S 5.0
#define CONNECT_S 5.0
#define WELCOME_S 5.0
#define USER_TIMEOUT_MS 15000u
/* With more than this in the queue, the next page waits until the reflector has read. */
#define NEWS_QUEUED_MAX (CHAN_QUEUE_MAX / 4)
#define NEWS_WAIT_S 0.05
/* An alarm that goes on is told of again after this. */
#define ALARM_AGAIN_MS 600000u

enum link_state { LINK_WAITING, LINK_CONNECTING, LINK_HANDSHAKE, LINK_WELCOME, LINK_UP };

struct link {
	const struct link_env *env;
	const struct link_events *events;
	void *user;
	enum link_state state;
	gnutls_certificate_credentials_t creds; /* for the next dial */
	gnutls_certificate_credentials_t used; /* by the session that is open; NULL: none */
	ev_io connecting;
	ev_timer timer; /* waiting: redial; up: more revocations; else: the state's deadline */
	int fd; /* while connecting */
	struct chan *chan;
	double backoff_s;
	struct link_news news; /* what it was told so far */
	bool keyed; /* the reflector has the keys: only behind all revocations and policies */
	uint64_t key_generation; /* of the set that it has */
	uint64_t alarm_ms; /* when one was told of; 0: never */
	int logged_err; /* so that a reflector that stays away is told of once */
	struct link_view view;
};

static void start_timer(struct link *link, double seconds)
{
	ev_timer_stop(link->env->loop, &link->timer);
	ev_timer_set(&link->timer, seconds, 0.);
	ev_timer_start(link->env->loop, &link->timer);
}

static void drop(struct link *link)
{
	ev_timer_stop(link->env->loop, &link->timer);
	ev_io_stop(link->env->loop, &link->connecting);
	if (link->fd >= 0) {
		close(link->fd);
		link->fd = -1;
	}
	chan_destroy(link->chan);
	link->chan = NULL;
	link->used = NULL;
}

/* Any state → waiting, and dial again later. */
static void fail(struct link *link, int err)
{
	bool was_up = link->state == LINK_UP;
	double jitter = 0.75 + 0.5 * (double)(random() % 1000) / 1000.0;

	drop(link);
	link->state = LINK_WAITING;
	link->view.up = false;
	link->view.err = err;
	if (link->view.detail[0] == '\0') {
		snprintf(link->view.detail, sizeof(link->view.detail), "%s", errcode_text(err));
	}
	if (was_up) {
		link->view.since = (int64_t)time(NULL);
		link->view.since_ms = clock_now_ms();
	}
	if (was_up || link->logged_err != err) {
		log_event(LOG_LEVEL_WARN, "link-down", LOG_STR("reflector", link->view.conf.name),
			LOG_STR("control", link->view.conf.control.text), LOG_ERR(err),
			LOG_STR("why", link->view.detail));
		link->logged_err = err;
	}
	start_timer(link, link->backoff_s * jitter);
	link->backoff_s = link->backoff_s * 2 < BACKOFF_MAX_S ? link->backoff_s * 2 : BACKOFF_MAX_S;
	link->events->on_change(link, link->user);
}

/* Somebody is at the reflector's address who is not what was enrolled. */
static void alarm_raise(struct link *link, const char *what)
{
	struct link_view *view = &link->view;
	uint64_t now = clock_now_ms();
	bool news = strcmp(view->alarm, what) != 0;

	snprintf(view->alarm, sizeof(view->alarm), "%s", what);
	view->alarm_at = (int64_t)time(NULL);
	view->alarms++;
	if (!news && link->alarm_ms != 0 && now - link->alarm_ms < ALARM_AGAIN_MS) {
		return;
	}
	link->alarm_ms = now;
	log_event(LOG_LEVEL_ERROR, "link-alarm", LOG_STR("reflector", view->conf.name),
		LOG_STR("control", view->conf.control.text), LOG_STR("why", what),
		LOG_INT("count", view->alarms));
	link->events->on_alarm(link, link->user);
}

/* A message that cannot be sent leaves the other end with a gap: better to begin again. */
static int send_or_fail(struct link *link, json_t *msg)
{
	int err = msg != NULL ? chan_send(link->chan, msg) : ERR_NOMEM;

	json_decref(msg);
	if (err != 0) {
		fail(link, err);
	}
	return err;
}

/* ---- what goes out ---- */

static int send_keys(struct link *link)
{
	uint64_t generation = 0;
	json_t *jwks = keyring_jwks(link->env->keyring, &generation);

	if (link->keyed && generation == link->key_generation) {
		json_decref(jwks);
		return 0;
	}
	link->key_generation = generation;
	return send_or_fail(link,
		json_pack("{s:s,s:s,s:s,s:o}", "type", "keys", "issuer", link->env->issuer,
			"cluster", link->env->cluster, "jwks", jwks));
}

/* A worker without keys lets nobody in, so it gets them when it knows all that is revoked. */
static void open_doors(struct link *link)
{
	const struct link_view *view = &link->view;

	if (link->state != LINK_UP || send_keys(link) != 0 || link->keyed) {
		return;
	}
	link->keyed = true;
	log_event(LOG_LEVEL_INFO, "link-up", LOG_STR("reflector", view->conf.name),
		LOG_STR("control", view->conf.control.text),
		LOG_INT("workers", view->worker_count));
	link->events->on_change(link, link->user);
}

/* ERR_FULL: there is more. */
static int send_page(struct link *link)
{
	json_t *msg = NULL;
	int err = link_news_next(&link->news, link->env->store, link->view.conf.name, &msg);

	if (err != 0 && err != ERR_FULL) {
		snprintf(link->view.detail, sizeof(link->view.detail),
			"revocations or policies cannot be read");
		fail(link, err);
		return err;
	}
	if (msg != NULL) {
		int sent = send_or_fail(link, msg);
		if (sent != 0) {
			return sent;
		}
	}
	return err;
}

/* No faster than the reflector reads: who can get many tokens could else fill the queue, and take
 * the link down, by having them all revoked. */
void link_send_news(struct link *link)
{
	while (link->state == LINK_UP) {
		if (chan_queued(link->chan) > NEWS_QUEUED_MAX) {
			start_timer(link, NEWS_WAIT_S);
			return;
		}
		if (send_page(link) != ERR_FULL) {
			break;
		}
	}
	open_doors(link);
}

int link_send_moderate(struct link *link, const json_t *msg)
{
	return link->state == LINK_UP ? chan_send(link->chan, msg) : ERR_STATE;
}

int link_send_query(struct link *link, int64_t id, const char *what, const char *room)
{
	if (link->state != LINK_UP) {
		return ERR_STATE;
	}
	json_t *msg = json_pack("{s:s,s:I,s:s,s:s*}", "type", "query", "id", (json_int_t)id, "what",
		what, "room", room);
	int err = msg != NULL ? chan_send(link->chan, msg) : ERR_NOMEM;
	json_decref(msg);
	return err;
}

/* ---- what comes in ---- */

static void on_welcome(struct link *link, const json_t *msg)
{
	struct link_view *view = &link->view;

	view->detail[0] = '\0';
	int err = link_parse_welcome(view, msg);
	if (err != 0) {
		if (err == ERR_DENIED) {
			alarm_raise(link, view->detail);
		}
		fail(link, err);
		return;
	}
	ev_timer_stop(link->env->loop, &link->timer);
	link->state = LINK_UP;
	link->backoff_s = BACKOFF_MIN_S;
	link_news_init(&link->news);
	link->logged_err = 0;
	view->alarm[0] = '\0';
	view->cert_until = tls_io_peer_expires(chan_tls(link->chan));
	view->up = view->was_up = true;
	view->err = 0;
	view->since = (int64_t)time(NULL);
	view->since_ms = clock_now_ms();
	link->keyed = false;
	link_send_news(link);
}

static void on_report(struct link *link, const json_t *msg)
{
	int err = link_parse_report(&link->view, msg, clock_now_ms());

	if (err != 0) {
		snprintf(link->view.detail, sizeof(link->view.detail),
			"a report that makes no sense");
		fail(link, err);
		return;
	}
	link->events->on_change(link, link->user);
}

static void on_answer(struct link *link, const json_t *msg)
{
	const json_t *items = NULL;
	int64_t id = 0;
	bool done = false;
	int err = msg_get_int(msg, "id", 0, LINK_ID_MAX, &id);

	if (err == 0) {
		err = msg_opt_bool(msg, "done", &done);
	}
	if (err == 0 && json_object_get(msg, "items") != NULL) {
		err = msg_get_array(msg, "items", SIZE_MAX, &items);
	}
	if (err != 0) {
		snprintf(link->view.detail, sizeof(link->view.detail),
			"an answer that makes no sense");
		fail(link, err);
		return;
	}
	link->events->on_answer(link, id, items, done, link->user);
}

static void on_moderated(struct link *link, const json_t *msg)
{
	const char *code = NULL;
	int64_t id = 0;

	if (msg_get_int(msg, "id", 0, LINK_ID_MAX, &id) != 0 ||
		msg_get_string(msg, "code", 32, &code) != 0) {
		snprintf(link->view.detail, sizeof(link->view.detail),
			"an answer that makes no sense");
		fail(link, ERR_BAD_FIELD);
		return;
	}
	link->events->on_moderated(link, id, code, link->user);
}

static void on_message(struct chan *ch, const char *type, const json_t *msg, void *user)
{
	struct link *link = user;

	(void)ch;
	if (link->state == LINK_WELCOME) {
		if (strcmp(type, "link-welcome") == 0) {
			on_welcome(link, msg);
		} else {
			fail(link, ERR_HELLO_EXPECTED);
		}
	} else if (strcmp(type, "report") == 0) {
		on_report(link, msg);
	} else if (strcmp(type, "answer") == 0) {
		on_answer(link, msg);
	} else if (strcmp(type, "moderated") == 0) {
		on_moderated(link, msg);
	} else if (strcmp(type, "event") == 0) {
		link->events->on_event(link, msg, link->user);
	}
	/* other types: a newer reflector's, passed over */
}

static void on_open(struct chan *ch, void *user)
{
	struct link *link = user;

	(void)ch;
	link->state = LINK_WELCOME;
	start_timer(link, WELCOME_S);
	(void)send_or_fail(link,
		json_pack("{s:s,s:i,s:s,s:s,s:s}", "type", "link-hello", "version", 1, "cluster",
			link->env->cluster, "issuer", link->env->issuer, "authd",
			link->env->issuer));
}

static void on_end(struct chan *ch, int err, void *user)
{
	struct link *link = user;
	const char *detail = chan_tls(ch) != NULL ? chan_tls(ch)->detail : NULL;

	link->view.detail[0] = '\0';
	if (detail != NULL) {
		snprintf(link->view.detail, sizeof(link->view.detail), "%s: %s", errcode_text(err),
			detail);
	}
	if (err == ERR_TLS_CERT || err == ERR_TLS_PIN) {
		char what[sizeof(link->view.detail)];
		snprintf(what, sizeof(what), "%s",
			link->view.detail[0] != '\0' ? link->view.detail : errcode_text(err));
		alarm_raise(link, what);
	}
	fail(link, err);
}

static const struct chan_events chan_events = {
	.on_message = on_message,
	.on_open = on_open,
	.on_end = on_end,
};

/* ---- dialling ---- */

static void say_errno(struct link *link, int err)
{
	snprintf(link->view.detail, sizeof(link->view.detail), "%s: %s", errcode_text(err),
		strerror(errno));
}

static void begin_handshake(struct link *link)
{
	struct tls_io io = { 0 };
	const struct tls_io_client conf = { .creds = link->creds,
		.alpn = ALPN,
		.tls_name = link->view.conf.tls_name,
		.spki_pin = link->view.conf.pin[0] != '\0' ? link->view.conf.pin : NULL,
		.require_ca = true };
	int err = tls_io_init_client(&io, link->fd, &conf);

	if (err == 0) {
		net_tune(link->fd, USER_TIMEOUT_MS);
		link->used = link->creds;
		err = chan_create_tls(&link->chan, link->env->loop, link->fd, &io,
			LIMIT_TLS_HANDSHAKE_MS, LIMIT_HEARTBEAT_MS, &chan_events, link);
		if (err == 0) {
			link->fd = -1; /* the channel's now, as io is */
		} else {
			tls_io_finish(&io);
		}
	}
	if (err != 0) {
		fail(link, err);
		return;
	}
	link->state = LINK_HANDSHAKE;
	ev_timer_stop(link->env->loop, &link->timer); /* the channel has its own deadline now */
}

static bool peer_allowed(struct link *link)
{
	char peer[64];

	net_peer_text(link->fd, peer);
	if (fleet_allows(&link->view.conf, peer)) {
		return true;
	}
	snprintf(link->view.detail, sizeof(link->view.detail),
		"it is at an address that is not allowed: %s", peer);
	alarm_raise(link, link->view.detail);
	return false;
}

static void on_connected(struct ev_loop *loop, ev_io *w, int revents)
{
	struct link *link = w->data;

	(void)revents;
	ev_io_stop(loop, w);
	int err = net_connect_result(link->fd);
	if (err != 0) {
		say_errno(link, err);
		fail(link, err);
		return;
	}
	if (!peer_allowed(link)) {
		fail(link, ERR_DENIED);
		return;
	}
	begin_handshake(link);
}

static void dial(struct link *link)
{
	link->view.detail[0] = '\0';
	int err = net_connect_start(&link->view.conf.control, NULL, &link->fd);
	if (err != 0) {
		say_errno(link, err);
		link->fd = -1;
		fail(link, err);
		return;
	}
	link->state = LINK_CONNECTING;
	ev_io_set(&link->connecting, link->fd, EV_WRITE);
	ev_io_start(link->env->loop, &link->connecting);
	start_timer(link, CONNECT_S);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct link *link = w->data;

	(void)loop;
	(void)revents;
	if (link->state == LINK_WAITING) {
		dial(link);
	} else if (link->state == LINK_UP) {
		link_send_news(link);
	} else {
		fail(link, link->state == LINK_CONNECTING ? ERR_TIMEOUT : ERR_DEADLINE);
	}
}

int link_create(struct link **out, const struct link_env *env, const struct fleet_reflector *conf,
	gnutls_certificate_credentials_t creds, const struct link_events *events, void *user)
{
	struct link *link = calloc(1, sizeof(*link));

	if (link == NULL) {
		return ERR_NOMEM;
	}
	link->env = env;
	link->events = events;
	link->user = user;
	link->creds = creds;
	link->fd = -1;
	link->backoff_s = BACKOFF_MIN_S;
	link->view.conf = *conf;
	link->view.since = (int64_t)time(NULL);
	link->view.since_ms = link->view.state_ms = clock_now_ms();
	link->view.err = ERR_CONNECT;
	snprintf(link->view.detail, sizeof(link->view.detail), "not linked yet");
	ev_init(&link->connecting, on_connected);
	ev_init(&link->timer, on_timer);
	link->connecting.data = link;
	link->timer.data = link;
	start_timer(link, 0.);
	*out = link;
	return 0;
}

void link_destroy(struct link *link)
{
	if (link == NULL) {
		return;
	}
	if (link->state == LINK_UP) {
		log_event(LOG_LEVEL_INFO, "link-down", LOG_STR("reflector", link->view.conf.name),
			LOG_STR("control", link->view.conf.control.text), LOG_ERR(ERR_SHUTDOWN));
	}
	drop(link);
	free(link);
}

void link_set_conf(struct link *link, const struct fleet_reflector *conf)
{
	if (link->view.conf.state != conf->state) {
		link->view.state_ms = clock_now_ms();
	}
	link->view.conf = *conf;
}

void link_set_creds(struct link *link, gnutls_certificate_credentials_t creds)
{
	link->creds = creds;
}

bool link_uses(const struct link *link, gnutls_certificate_credentials_t creds)
{
	return link->creds == creds || link->used == creds;
}

const struct link_view *link_view(const struct link *link)
{
	return &link->view;
}
