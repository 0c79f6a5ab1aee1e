/*
 * link_dial: owns the link thread, its loop and the set of links. Other threads leave notes under
 * the mutex (reload, query, order, "something changed", stop) and wake the loop; only the loop's
 * thread touches a link. Must never wait for a peer while it holds the mutex.
 */
#include "authd/link_dial.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/link_ask.h"
#include "authd/link_event.h"
#include "authd/link_set.h"
#include "common/log.h"

/* Without a wake-up: codes end, and one may have been lost. */
#define LOOK_S 5.

struct note_reload {
	bool waiting; /* set by the caller, cleared by the loop */
	const struct authd_settings *settings;
	struct link_creds *creds; /* owned by the loop from then on; NULL: no reflector needs any */
	int err;
};

struct link_dial {
	struct link_env env;
	struct enrol_env enrol_env;
	char issuer[LIMIT_NAME + 1], cluster[LIMIT_NAME + 1];
	struct link_event *event;
	pthread_t thread;
	ev_async wake;
	ev_timer look;
	pthread_mutex_t mutex; /* guards what follows; the set: what others see of it */
	pthread_cond_t reloaded;
	bool stop, changed;
	struct note_reload reload;
	struct link_ask ask;
	struct link_set set;
};

/* ---- callbacks of the links, on the loop's thread ---- */

/* Mutex held. */
static void on_gone(void *user, const char *reflector)
{
	struct link_dial *ld = user;

	link_ask_lost(&ld->ask, reflector);
}

static void on_change(struct link *link, void *user)
{
	const struct link_view *view = link_view(link);
	struct link_dial *ld = user;
	bool turned = false;

	pthread_mutex_lock(&ld->mutex);
	struct link_entry *entry = link_set_find(&ld->set, link);
	if (entry != NULL) {
		turned = entry->view.up != view->up;
		entry->view = *view;
		if (!entry->view.up) {
			on_gone(ld, entry->view.conf.name);
		}
	}
	pthread_mutex_unlock(&ld->mutex);
	if (turned) {
		link_event_state(ld->event, view->conf.name, view->up, view->detail);
	}
}

static void on_answer(struct link *link, int64_t id, const json_t *items, bool done, void *user)
{
	struct link_dial *ld = user;

	link_ask_answer(&ld->ask, link_view(link)->conf.name, id, items, done);
}

static void on_moderated(struct link *link, int64_t id, const char *code, void *user)
{
	struct link_dial *ld = user;

	link_ask_moderated(&ld->ask, link_view(link)->conf.name, id, code);
}

static void on_event(struct link *link, const json_t *msg, void *user)
{
	struct link_dial *ld = user;

	link_event_take(ld->event, link_view(link)->conf.name, msg);
}

static void on_alarm(struct link *link, void *user)
{
	struct link_dial *ld = user;

	link_event_alarm(ld->event, link_view(link)->conf.name, link_view(link)->alarm);
}

static void on_enrol_alarm(void *user, const char *reflector, const char *what)
{
	struct link_dial *ld = user;

	pthread_mutex_lock(&ld->mutex);
	struct enrol *e = link_set_enrol(&ld->set, reflector);
	if (e != NULL) {
		enrol_set_refusal(e, what);
	}
	pthread_mutex_unlock(&ld->mutex);
	link_event_alarm(ld->event, reflector, what);
}

static const struct link_events link_events = { .on_change = on_change,
	.on_answer = on_answer,
	.on_moderated = on_moderated,
	.on_event = on_event,
	.on_alarm = on_alarm };

/* ---- notes, on the loop's thread ---- */

static void take_settings(struct link_dial *ld, const struct authd_settings *s)
{
	memcpy(ld->set.fixed, s->reflectors, s->reflector_count * sizeof(ld->set.fixed[0]));
	ld->set.fixed_count = s->reflector_count;
}

/* Mutex held. */
static void take_reload(struct link_dial *ld)
{
	if (ld->reload.creds != NULL) {
		ld->reload.creds->next = ld->set.creds;
		ld->set.creds = ld->reload.creds;
	}
	take_settings(ld, ld->reload.settings);
	ld->reload.err = link_set_apply(&ld->set);
	ld->reload.waiting = false;
	pthread_cond_broadcast(&ld->reloaded);
}

/* What the store says now; without the mutex. */
static bool look_at_store(struct link_dial *ld)
{
	if (keyring_refresh(ld->env.keyring) != 0) {
		log_event(LOG_LEVEL_WARN, "keys-stale", LOG_ERR(ERR_STORE));
	}
	return link_set_read(&ld->set, ld->env.store) == 0;
}

/* Without the mutex: a link that fails here reports its change. Only this thread changes the set.
 */
static void tell_news(struct link_dial *ld)
{
	for (size_t i = 0; i < ld->set.entry_count; i++) {
		link_send_news(ld->set.entries[i]->link);
	}
}

static void on_wake(struct ev_loop *loop, ev_async *w, int revents)
{
	struct link_dial *ld = w->data;

	(void)revents;
	pthread_mutex_lock(&ld->mutex);
	bool changed = ld->changed, stop = ld->stop;
	ld->changed = false;
	pthread_mutex_unlock(&ld->mutex);
	if (changed) {
		tell_news(ld); /* a revocation waits for nothing else */
		changed = look_at_store(ld);
	}
	pthread_mutex_lock(&ld->mutex);
	if (changed && link_set_apply(&ld->set) != 0) {
		log_event(LOG_LEVEL_ERROR, "links-incomplete", LOG_ERR(ERR_NOMEM));
	}
	if (ld->reload.waiting) {
		take_reload(ld);
	}
	link_ask_send(&ld->ask, &ld->set);
	pthread_mutex_unlock(&ld->mutex);
	if (changed) {
		tell_news(ld); /* with the keys */
	}
	if (stop) {
		ev_break(loop, EVBREAK_ALL);
	}
}

static void on_look(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	link_dial_changed(w->data);
}

static void *run(void *arg)
{
	struct link_dial *ld = arg;

	ev_run(ld->env.loop, 0);
	return NULL;
}

/* ---- for the other threads ---- */

static int make_creds(struct link_creds **out, const struct authd_settings *s, char why[512])
{
	*out = NULL;
	return s->reflector_count > 0 ? link_creds_create(out, s, why) : 0;
}

static int start(struct link_dial *ld, const struct link_dial_conf *conf, char why[512])
{
	const struct link_event_conf event = { .store = conf->store,
		.on_event = conf->on_event,
		.user = conf->user };
	int err = make_creds(&ld->set.creds, conf->settings, why);

	if (err == 0) {
		err = ca_client_creds(conf->ca, &ld->set.own, why);
	}
	if (err != 0) {
		return err;
	}
	snprintf(why, 512, "out of memory");
	ld->env.loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	ld->enrol_env.loop = ld->env.loop;
	if (ld->env.loop == NULL) {
		return ERR_NOMEM;
	}
	err = link_event_create(&ld->event, &event);
	if (err != 0) {
		return err;
	}
	ev_async_init(&ld->wake, on_wake);
	ev_timer_init(&ld->look, on_look, LOOK_S, LOOK_S);
	ld->wake.data = ld->look.data = ld;
	ev_async_start(ld->env.loop, &ld->wake);
	ev_timer_start(ld->env.loop, &ld->look);
	take_settings(ld, conf->settings);
	err = link_set_read(&ld->set, conf->store);
	if (err == 0) {
		err = link_set_apply(&ld->set);
	}
	if (err == 0 && pthread_create(&ld->thread, NULL, run, ld) != 0) {
		snprintf(why, 512, "the link thread cannot be started: check the limit on threads");
		err = ERR_SYSTEM;
	}
	return err;
}

static void finish(struct link_dial *ld)
{
	link_set_finish(&ld->set);
	link_event_destroy(ld->event);
	if (ld->env.loop != NULL) {
		ev_loop_destroy(ld->env.loop);
	}
	pthread_cond_destroy(&ld->reloaded);
	pthread_mutex_destroy(&ld->mutex);
	free(ld);
}

static void init(struct link_dial *ld, const struct link_dial_conf *conf)
{
	snprintf(ld->issuer, sizeof(ld->issuer), "%s", conf->settings->name);
	snprintf(ld->cluster, sizeof(ld->cluster), "%s", conf->settings->cluster);
	pthread_mutex_init(&ld->mutex, NULL);
	pthread_cond_init(&ld->reloaded, NULL);
	link_ask_init(&ld->ask, &ld->env, &ld->wake, &ld->mutex);
	ld->env = (struct link_env){ .issuer = ld->issuer,
		.cluster = ld->cluster,
		.keyring = conf->keyring,
		.store = conf->store };
	ld->enrol_env = (struct enrol_env){ .issuer = ld->issuer,
		.cluster = ld->cluster,
		.ca = conf->ca,
		.store = conf->store,
		.clock = conf->clock,
		.on_alarm = on_enrol_alarm,
		.user = ld };
	ld->set.env = &ld->env;
	ld->set.enrol_env = &ld->enrol_env;
	ld->set.events = &link_events;
	ld->set.user = ld;
	ld->set.on_gone = on_gone;
}

int link_dial_create(struct link_dial **out, const struct link_dial_conf *conf, char why[512])
{
	struct link_dial *ld = calloc(1, sizeof(*ld));

	if (ld == NULL) {
		snprintf(why, 512, "out of memory");
		return ERR_NOMEM;
	}
	init(ld, conf);
	int err = start(ld, conf, why);
	if (err != 0) {
		finish(ld);
		return err;
	}
	*out = ld;
	return 0;
}

void link_dial_destroy(struct link_dial *ld)
{
	if (ld == NULL) {
		return;
	}
	pthread_mutex_lock(&ld->mutex);
	ld->stop = true;
	pthread_mutex_unlock(&ld->mutex);
	ev_async_send(ld->env.loop, &ld->wake);
	pthread_join(ld->thread, NULL);
	finish(ld);
}

int link_dial_reload(struct link_dial *ld, const struct authd_settings *settings, char why[512])
{
	struct link_creds *creds = NULL;
	int err = make_creds(&creds, settings, why);

	if (err != 0) {
		return err;
	}
	pthread_mutex_lock(&ld->mutex);
	ld->reload = (struct note_reload){ .waiting = true, .settings = settings, .creds = creds };
	ev_async_send(ld->env.loop, &ld->wake);
	while (ld->reload.waiting) {
		pthread_cond_wait(&ld->reloaded, &ld->mutex);
	}
	err = ld->reload.err;
	pthread_mutex_unlock(&ld->mutex);
	if (err != 0) {
		snprintf(why, 512, "not all reflectors could be taken over: %s", errcode_text(err));
	}
	return err;
}

void link_dial_changed(struct link_dial *ld)
{
	pthread_mutex_lock(&ld->mutex);
	ld->changed = true;
	pthread_mutex_unlock(&ld->mutex);
	ev_async_send(ld->env.loop, &ld->wake);
}

int link_dial_each(
	struct link_dial *ld, int (*each)(const struct link_view *view, void *arg), void *arg)
{
	int err = 0;

	pthread_mutex_lock(&ld->mutex);
	for (size_t i = 0; i < ld->set.entry_count && err == 0; i++) {
		err = each(&ld->set.entries[i]->view, arg);
	}
	pthread_mutex_unlock(&ld->mutex);
	return err;
}

void link_dial_refusal(struct link_dial *ld, const char *reflector, char why[ENROL_REFUSAL_MAX])
{
	pthread_mutex_lock(&ld->mutex);
	const struct enrol *e = link_set_enrol(&ld->set, reflector);
	snprintf(why, ENROL_REFUSAL_MAX, "%s", e != NULL ? enrol_refusal(e) : "");
	pthread_mutex_unlock(&ld->mutex);
}

void link_dial_certs(struct link_dial *ld, struct cert_life *fixed, struct cert_life *own)
{
	pthread_mutex_lock(&ld->mutex);
	*fixed = cert_life_of_creds(ld->set.creds != NULL ? ld->set.creds->cred : NULL);
	*own = cert_life_of_creds(ld->set.own);
	pthread_mutex_unlock(&ld->mutex);
}

int link_dial_query(
	struct link_dial *ld, const char *what, const char *room, json_t **items, json_t **missing)
{
	return link_ask_query(&ld->ask, what, room, items, missing);
}

int link_dial_moderate(struct link_dial *ld, const char *reflector, const json_t *fields,
	char code[LINK_ORDER_CODE_MAX])
{
	return link_ask_moderate(&ld->ask, reflector, fields, code);
}
