/*
 * link_dial: owns the link thread, its loop and the set of links. Other threads leave notes under
 * the mutex (reload, query, "something was revoked", stop) and wake the loop; only the loop's
 * thread touches a link. Must never wait for a peer while it holds the mutex.
 */
#include "authd/link_dial.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/link_creds.h"
#include "authd/link_query.h"
#include "common/list.h"
#include "common/log.h"

struct note_reload {
	bool waiting; /* set by the caller, cleared by the loop */
	const struct authd_settings *settings;
	struct link_creds *creds; /* owned by the loop from then on */
	int err;
};

/* The link is the loop thread's; the view is what others see of it. */
struct entry {
	struct link *link;
	struct link_view view;
};

struct link_dial {
	struct link_env env;
	char issuer[LIMIT_NAME + 1], cluster[LIMIT_NAME + 1];
	json_t *jwks;
	pthread_t thread;
	ev_async wake;
	struct link_creds *creds; /* newest first; the loop thread's */
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t reloaded;
	bool stop, revoked;
	struct note_reload reload;
	struct list queries; /* struct link_query */
	size_t query_count;
	int64_t last_id;
	struct entry *entries[AUTHD_REFLECTORS_MAX];
	size_t entry_count;
};

/* ---- credentials ---- */

static bool creds_in_use(const struct link_dial *ld, const struct link_creds *creds)
{
	for (size_t i = 0; i < ld->entry_count; i++) {
		if (link_uses(ld->entries[i]->link, creds->cred)) {
			return true;
		}
	}
	return false;
}

/* Frees replaced credentials that no session uses any more. */
static void creds_reap(struct link_dial *ld)
{
	struct link_creds **at = ld->creds != NULL ? &ld->creds->next : NULL;

	while (at != NULL && *at != NULL) {
		struct link_creds *creds = *at;
		if (creds_in_use(ld, creds)) {
			at = &creds->next;
		} else {
			*at = creds->next;
			link_creds_destroy(creds);
		}
	}
}

/* ---- callbacks of the links, on the loop's thread ---- */

static struct entry *entry_of(struct link_dial *ld, const struct link *link)
{
	for (size_t i = 0; i < ld->entry_count; i++) {
		if (ld->entries[i]->link == link) {
			return ld->entries[i];
		}
	}
	return NULL;
}

static void on_change(struct link *link, void *user)
{
	struct link_dial *ld = user;

	pthread_mutex_lock(&ld->mutex);
	struct entry *entry = entry_of(ld, link);
	if (entry != NULL) {
		entry->view = *link_view(link);
		if (!entry->view.up) {
			for (LIST_EACH(node, &ld->queries)) {
				struct link_query *q = LIST_ENTRY(node, struct link_query, node);
				link_query_lost(q, entry->view.conf.name);
			}
		}
	}
	pthread_mutex_unlock(&ld->mutex);
}

/* A copy, so that two threads never hold references into one tree. What is no object goes, and the
 * name of the reflector is the one that we know it by. NULL when out of memory. */
static json_t *copy_items(const struct link *link, const json_t *items)
{
	json_t *copy = json_array();

	for (size_t i = 0; copy != NULL && i < json_array_size(items); i++) {
		const json_t *item = json_array_get(items, i);
		json_t *one = json_is_object(item) ? json_deep_copy(item) : NULL;
		if (one != NULL) {
			(void)json_object_set_new(
				one, "reflector", json_string(link_view(link)->conf.name));
			(void)json_array_append_new(copy, one);
		}
	}
	return copy;
}

static void on_answer(struct link *link, int64_t id, const json_t *items, bool done, void *user)
{
	struct link_dial *ld = user;
	json_t *copy = copy_items(link, items);

	pthread_mutex_lock(&ld->mutex);
	for (LIST_EACH(node, &ld->queries)) {
		struct link_query *q = LIST_ENTRY(node, struct link_query, node);
		if (q->id == id) {
			link_query_answer(q, link_view(link)->conf.name, copy, done);
			copy = NULL;
			break;
		}
	}
	pthread_mutex_unlock(&ld->mutex);
	json_decref(copy);
}

static const struct link_events link_events = { .on_change = on_change, .on_answer = on_answer };

/* ---- the set of links; on the loop's thread with the mutex held ---- */

static int add_entry(struct link_dial *ld, const struct authd_reflector *conf)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (entry == NULL) {
		return ERR_NOMEM;
	}
	int err = link_create(&entry->link, &ld->env, conf, ld->creds->cred, &link_events, ld);
	if (err != 0) {
		free(entry);
		return err;
	}
	entry->view = *link_view(entry->link);
	ld->entries[ld->entry_count++] = entry;
	return 0;
}

static void destroy_entry(struct link_dial *ld, struct entry *entry)
{
	for (LIST_EACH(node, &ld->queries)) {
		link_query_lost(LIST_ENTRY(node, struct link_query, node), entry->view.conf.name);
	}
	link_destroy(entry->link);
	free(entry);
}

static bool same_reflector(const struct authd_reflector *a, const struct authd_reflector *b)
{
	return strcmp(a->name, b->name) == 0 && strcmp(a->control.text, b->control.text) == 0 &&
		strcmp(a->tls_name, b->tls_name) == 0 && strcmp(a->address, b->address) == 0 &&
		a->port_first == b->port_first && a->port_last == b->port_last;
}

/* Takes the entry with these settings out of the old set; NULL when there is none. */
static struct entry *take_same(struct entry **old, size_t count, const struct authd_reflector *conf)
{
	for (size_t i = 0; i < count; i++) {
		if (old[i] != NULL && same_reflector(&old[i]->view.conf, conf)) {
			struct entry *entry = old[i];
			old[i] = NULL;
			return entry;
		}
	}
	return NULL;
}

static int apply_settings(struct link_dial *ld, const struct authd_settings *s)
{
	struct entry *old[AUTHD_REFLECTORS_MAX];
	size_t old_count = ld->entry_count;
	int err = 0;

	memcpy(old, ld->entries, sizeof(old));
	ld->entry_count = 0;
	for (size_t i = 0; i < s->reflector_count && err == 0; i++) {
		struct entry *entry = take_same(old, old_count, &s->reflectors[i]);
		if (entry != NULL) {
			link_set_creds(entry->link, ld->creds->cred);
			ld->entries[ld->entry_count++] = entry;
		} else {
			err = add_entry(ld, &s->reflectors[i]);
		}
	}
	for (size_t i = 0; i < old_count; i++) {
		if (old[i] != NULL) {
			destroy_entry(ld, old[i]);
		}
	}
	creds_reap(ld);
	return err;
}

static void ask(struct link_dial *ld, struct link_query *q)
{
	q->asked = true;
	for (size_t i = 0; i < ld->entry_count; i++) {
		const char *name = ld->entries[i]->view.conf.name;

		link_query_expect(q, name);
		if (link_send_query(ld->entries[i]->link, q->id, q->what, q->room) != 0) {
			link_query_lost(q, name);
		}
	}
	pthread_cond_signal(&q->changed);
}

static void on_wake(struct ev_loop *loop, ev_async *w, int revents)
{
	struct link_dial *ld = w->data;

	(void)revents;
	pthread_mutex_lock(&ld->mutex);
	if (ld->reload.waiting) {
		ld->reload.creds->next = ld->creds;
		ld->creds = ld->reload.creds;
		ld->reload.err = apply_settings(ld, ld->reload.settings);
		ld->reload.waiting = false;
		pthread_cond_broadcast(&ld->reloaded);
	}
	for (LIST_EACH(node, &ld->queries)) {
		struct link_query *q = LIST_ENTRY(node, struct link_query, node);
		if (!q->asked) {
			ask(ld, q);
		}
	}
	bool revoked = ld->revoked, stop = ld->stop;
	ld->revoked = false;
	pthread_mutex_unlock(&ld->mutex);
	/* without the mutex: a link that fails here reports its change. Only this thread changes
	 * the set. */
	for (size_t i = 0; revoked && i < ld->entry_count; i++) {
		link_send_revocations(ld->entries[i]->link);
	}
	if (stop) {
		ev_break(loop, EVBREAK_ALL);
	}
}

static void *run(void *arg)
{
	struct link_dial *ld = arg;

	ev_run(ld->env.loop, 0);
	return NULL;
}

/* ---- for the other threads ---- */

static int start(struct link_dial *ld, const struct link_dial_conf *conf, char why[512])
{
	int err = link_creds_create(&ld->creds, conf->settings, why);

	if (err != 0) {
		return err;
	}
	snprintf(why, 512, "out of memory");
	ld->jwks = json_deep_copy(conf->jwks);
	ld->env = (struct link_env){ .loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV),
		.issuer = ld->issuer,
		.cluster = ld->cluster,
		.jwks = ld->jwks,
		.store = conf->store };
	if (ld->jwks == NULL || ld->env.loop == NULL) {
		return ERR_NOMEM;
	}
	ev_async_init(&ld->wake, on_wake);
	ld->wake.data = ld;
	ev_async_start(ld->env.loop, &ld->wake);
	err = apply_settings(ld, conf->settings);
	if (err == 0 && pthread_create(&ld->thread, NULL, run, ld) != 0) {
		snprintf(why, 512, "the link thread cannot be started: check the limit on threads");
		err = ERR_SYSTEM;
	}
	return err;
}

static void finish(struct link_dial *ld)
{
	for (size_t i = 0; i < ld->entry_count; i++) {
		destroy_entry(ld, ld->entries[i]);
	}
	if (ld->env.loop != NULL) {
		ev_loop_destroy(ld->env.loop);
	}
	while (ld->creds != NULL) {
		struct link_creds *creds = ld->creds;
		ld->creds = creds->next;
		link_creds_destroy(creds);
	}
	json_decref(ld->jwks);
	pthread_cond_destroy(&ld->reloaded);
	pthread_mutex_destroy(&ld->mutex);
	free(ld);
}

int link_dial_create(struct link_dial **out, const struct link_dial_conf *conf, char why[512])
{
	struct link_dial *ld = calloc(1, sizeof(*ld));

	if (ld == NULL) {
		snprintf(why, 512, "out of memory");
		return ERR_NOMEM;
	}
	snprintf(ld->issuer, sizeof(ld->issuer), "%s", conf->settings->name);
	snprintf(ld->cluster, sizeof(ld->cluster), "%s", conf->settings->cluster);
	pthread_mutex_init(&ld->mutex, NULL);
	pthread_cond_init(&ld->reloaded, NULL);
	list_init(&ld->queries);
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
	int err = link_creds_create(&creds, settings, why);

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

void link_dial_revoked(struct link_dial *ld)
{
	pthread_mutex_lock(&ld->mutex);
	ld->revoked = true;
	pthread_mutex_unlock(&ld->mutex);
	ev_async_send(ld->env.loop, &ld->wake);
}

int link_dial_each(
	struct link_dial *ld, int (*each)(const struct link_view *view, void *arg), void *arg)
{
	int err = 0;

	pthread_mutex_lock(&ld->mutex);
	for (size_t i = 0; i < ld->entry_count && err == 0; i++) {
		err = each(&ld->entries[i]->view, arg);
	}
	pthread_mutex_unlock(&ld->mutex);
	return err;
}

int link_dial_query(
	struct link_dial *ld, const char *what, const char *room, json_t **items, json_t **missing)
{
	struct link_query q;
	int err = link_query_init(&q, 0, what, room);

	if (err != 0) {
		return err;
	}
	pthread_mutex_lock(&ld->mutex);
	if (ld->query_count >= LINK_DIAL_QUERIES_MAX) {
		err = ERR_RATE;
	} else {
		q.id = ld->last_id = ld->last_id < LINK_ID_MAX ? ld->last_id + 1 : 1;
		ld->query_count++;
		list_append(&ld->queries, &q.node);
		ev_async_send(ld->env.loop, &ld->wake);
		link_query_wait(&q, &ld->mutex);
		list_remove(&q.node);
		ld->query_count--;
		err = q.asked ? 0 : ERR_TIMEOUT;
	}
	pthread_mutex_unlock(&ld->mutex);
	if (err == 0) {
		*items = q.items;
		*missing = q.missing;
		q.items = q.missing = NULL;
	}
	link_query_finish(&q);
	return err;
}
