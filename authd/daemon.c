/*
 * daemon: owns every part of the running authd. Order matters here and only here: sockets that need
 * root before root is given away, the state before what reads it, the listeners last.
 */
#include "authd/daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "authd/admin_socket.h"
#include "authd/clock_guard.h"
#include "authd/event_feed.h"
#include "authd/http_cert.h"
#include "authd/http_srv.h"
#include "authd/login_password.h"
#include "authd/ca.h"
#include "authd/keyring.h"
#include "authd/room_keys.h"
#include "authd/routes.h"
#include "authd/state_dir.h"
#include "authd/store_audit.h"
#include "authd/store_tokens.h"
#include "common/clock.h"
#include "common/file_watch.h"
#include "common/log.h"
#include "common/net.h"
#include "common/privdrop.h"

#define BACKLOG 512
#define PURGE_EVERY_S 60
#define AUDIT_HEAD_EVERY_S 3600
#define EXPIRED_KEEP_S 86400 /* so that `token list --all` still shows today's */

struct authd_daemon {
	struct authd_settings *settings;
	char public_url[AUTHD_PUBLIC_URL_MAX + 1];
	char listen[HTTP_LISTENERS_MAX][sizeof(((struct settings_addr *)NULL)->text)];
	const char *listen_names[HTTP_LISTENERS_MAX];
	size_t name_count;
	char issuer[LIMIT_NAME + 1],
		cluster[LIMIT_NAME + 1]; /* lent to threads, so not the settings' own */
	struct http_srv_fd listen_fds[HTTP_LISTENERS_MAX];
	size_t listen_count;
	int state_fd; /* holds the lock */
	int admin_fd;
	struct store *store;
	struct keyring *keyring;
	struct ca *ca;
	struct pass_hash *pass_hash;
	struct login_password login_password;
	struct login *login;
	struct link_dial *link_dial;
	struct placement *placement;
	struct token_issue *token_issue;
	struct routes_ctx ctx;
	struct events *events;
	struct event_feed *event_feed;
	struct metrics *metrics;
	struct rate *rate_address, *rate_key;
	struct http_srv *http;
	int64_t purged_s, audited_s, looked_s; /* monotonic */
	struct clock_guard clock_guard;
	struct file_watch https_files, control_files;
};

static int bind_list(struct authd_daemon *d, enum http_listener kind,
	const struct settings_addr *addrs, size_t count, char why[512])
{
	for (size_t i = 0; i < count; i++) {
		struct http_srv_fd *to = &d->listen_fds[d->listen_count];
		int err = net_listen(&addrs[i], BACKLOG, &to->fd);
		if (err != 0) {
			snprintf(why, 512,
				"%s cannot be listened on: %m: check that nobody else has it",
				addrs[i].text);
			return err;
		}
		to->kind = kind;
		d->listen_count++;
		memcpy(d->listen[d->name_count], addrs[i].text, sizeof(addrs[i].text));
		d->listen_names[d->name_count] = d->listen[d->name_count];
		d->name_count++;
	}
	return 0;
}

static int bind_all(struct authd_daemon *d, char why[512])
{
	const struct authd_settings *s = d->settings;
	int err = bind_list(d, HTTP_PUBLIC, s->listen, s->listen_count, why);

	if (err == 0) {
		err = bind_list(d, HTTP_REMOTE, s->admin_listen, s->admin_listen_count, why);
	}
	if (err == 0) {
		err = bind_list(d, HTTP_METRICS, s->metrics_listen, s->metrics_listen_count, why);
	}
	return err;
}

static int drop_root(const struct authd_settings *s, char why[512])
{
	int err = privdrop_become(s->user);

	if (err == ERR_NOT_FOUND) {
		snprintf(why, 512, "there is no user \"%s\": make it, or correct the setting user",
			s->user);
	} else if (err != 0) {
		snprintf(why, 512,
			"cannot become user \"%s\": %s: start as root, or leave user out", s->user,
			errcode_text(err));
	}
	return err;
}

static int open_state(struct authd_daemon *d, char why[512])
{
	const char *dir = d->settings->state_dir;
	int err = state_dir_open(dir, &d->state_fd, why);

	if (err == 0) {
		err = store_open(&d->store, dir, d->settings->database, why);
	}
	if (err == 0) {
		err = keyring_open(&d->keyring, dir, d->store, (int64_t)time(NULL), why);
	}
	if (err == 0) {
		err = ca_open(&d->ca, dir, d->cluster, why);
	}
	return err;
}

static int link_each(void *links, int (*each)(const struct link_view *view, void *arg), void *arg)
{
	return link_dial_each(links, each, arg);
}

static void on_store_change(void *arg)
{
	link_dial_changed(arg);
}

static void on_records(void *arg)
{
	event_feed_wake(arg);
}

static void on_link_event(void *user, json_t *object)
{
	struct authd_daemon *d = user;
	char what[32];

	snprintf(what, sizeof(what), "%s", json_string_value(json_object_get(object, "what")));
	events_add(d->events, what, object);
}

/* Who was sent away held the room's key. */
static void on_ban(void *user, const char *room)
{
	static const struct store_actor self = { .name = "authd" };
	struct authd_daemon *d = user;

	if (room_keys_renew(d->store, &self, room) != 0) {
		log_event(LOG_LEVEL_ERROR, "rekey-failed", LOG_STR("room", room));
	}
}

static int start_links(struct authd_daemon *d, char why[512])
{
	const struct link_dial_conf conf = { .settings = d->settings,
		.keyring = d->keyring,
		.ca = d->ca,
		.store = d->store,
		.on_event = on_link_event,
		.on_ban = on_ban,
		.user = d };
	int err = link_dial_create(&d->link_dial, &conf, why);

	if (err == 0) {
		store_watch(d->store, on_store_change, d->link_dial);
	}
	return err;
}

/* From now on these files are the ones that are looked at. */
static void watch_files(struct authd_daemon *d)
{
	const struct authd_settings *s = d->settings;
	const char *const https[] = { s->certificate, s->key };
	const char *const control[] = { s->control_certificate, s->control_key, s->control_ca };

	file_watch_init(&d->https_files, https, 2);
	file_watch_init(&d->control_files, control, 3);
}

static int make_parts(struct authd_daemon *d)
{
	const struct authd_settings *s = d->settings;
	int err = pass_hash_create(&d->pass_hash, 0, s->hash_memory, s->hash_passes);

	if (err == 0) {
		d->login_password =
			(struct login_password){ .store = d->store, .ph = d->pass_hash };
		const struct login_backend backends[] = { login_password_backend(
			&d->login_password) };
		err = login_create(&d->login, d->store, backends, 1);
	}
	if (err == 0) {
		err = placement_create(&d->placement, d->store, link_each, d->link_dial);
	}
	if (err == 0) {
		const struct token_issue_conf conf = { .issuer = d->issuer,
			.cluster = d->cluster,
			.keyring = d->keyring,
			.store = d->store,
			.placement = d->placement,
			.life_s = s->token_life_s };
		err = token_issue_create(&d->token_issue, &conf);
	}
	return err;
}

static int make_limits(struct authd_daemon *d)
{
	int err = events_create(&d->events);

	if (err == 0) {
		err = event_feed_create(&d->event_feed, d->store, d->events);
	}
	if (err == 0) {
		store_watch_records(d->store, on_records, d->event_feed);
	}
	if (err == 0) {
		err = metrics_create(&d->metrics);
	}
	if (err == 0) {
		err = rate_create(&d->rate_address, d->settings->rate_address);
	}
	return err == 0 ? rate_create(&d->rate_key, d->settings->rate_key) : err;
}

static int start_http(struct authd_daemon *d, char why[512])
{
	const struct authd_settings *s = d->settings;
	const char *admins[AUTHD_ADMINS_MAX];

	for (size_t i = 0; i < s->admin_name_count; i++) {
		admins[i] = s->admin_names[i];
	}
	d->listen_fds[d->listen_count++] = (struct http_srv_fd){ HTTP_ADMIN, d->admin_fd };
	const struct http_srv_conf conf = { .fds = d->listen_fds,
		.fd_count = d->listen_count,
		.cert_file = s->certificate,
		.key_file = s->key,
		.admin_ca = s->admin_ca[0] != '\0' ? s->admin_ca : NULL,
		.admin_names = admins,
		.admin_name_count = s->admin_name_count,
		.sorter = routes_sort,
		.handler = routes_handle,
		.user = &d->ctx };
	d->listen_count = 0; /* taken over, whatever comes of it */
	int err = http_srv_create(&d->http, &conf, why);
	if (err == 0) {
		d->ctx.http = d->http;
	}
	return err;
}

static int serve(struct authd_daemon *d, char why[512])
{
	const struct authd_settings *s = d->settings;
	int err = admin_socket_open(s->admin_socket, &d->admin_fd, why);

	if (err != 0) {
		return err;
	}
	d->ctx = (struct routes_ctx){ .cluster = d->cluster,
		.store = d->store,
		.pass_hash = d->pass_hash,
		.login = d->login,
		.token_issue = d->token_issue,
		.link_dial = d->link_dial,
		.keyring = d->keyring };
	d->ctx.events = d->events;
	d->ctx.metrics = d->metrics;
	d->ctx.rate_address = d->rate_address;
	d->ctx.rate_key = d->rate_key;
	d->ctx.ca = d->ca;
	d->ctx.listen = d->listen_names;
	d->ctx.listen_count = d->name_count;
	d->ctx.issuer = d->issuer;
	d->ctx.public_url = d->public_url;
	d->ctx.started_at = (int64_t)time(NULL);
	d->ctx.started_s = clock_now_s();
	return start_http(d, why);
}

/* Kept in the log as well: who can write to the database cannot make all of the record anew
 * without being found out. */
static void log_audit_head(struct authd_daemon *d)
{
	char hash[STORE_AUDIT_HASH + 1];
	int64_t seq = 0;

	if (store_audit_head(d->store, &seq, hash) == 0 && seq > 0) {
		log_event(LOG_LEVEL_INFO, "audit-head", LOG_INT("seq", seq), LOG_STR("hash", hash));
	}
}

/* Those who wait for events go first, so that no request waits for its own end. */
static void end_http(struct authd_daemon *d)
{
	if (d->events != NULL) {
		events_stop(d->events);
	}
	http_srv_destroy(d->http);
	d->http = NULL;
}

static void finish(struct authd_daemon *d)
{
	end_http(d);
	if (d->store != NULL) {
		store_watch(d->store, NULL, NULL);
		store_watch_records(d->store, NULL, NULL);
	}
	event_feed_destroy(d->event_feed);
	link_dial_destroy(d->link_dial);
	token_issue_destroy(d->token_issue);
	placement_destroy(d->placement);
	login_destroy(d->login);
	pass_hash_destroy(d->pass_hash);
	ca_destroy(d->ca);
	keyring_destroy(d->keyring);
	store_close(d->store);
	events_destroy(d->events);
	metrics_destroy(d->metrics);
	rate_destroy(d->rate_address);
	rate_destroy(d->rate_key);
	for (size_t i = 0; i < d->listen_count; i++) {
		close(d->listen_fds[i].fd);
	}
	if (d->admin_fd >= 0) {
		unlink(d->settings->admin_socket);
	}
	if (d->state_fd >= 0) {
		close(d->state_fd);
	}
	free(d);
}

int daemon_create(struct authd_daemon **out, struct authd_settings *settings, char why[512])
{
	struct authd_daemon *d = calloc(1, sizeof(*d));
	int err;

	snprintf(why, 512, "out of memory");
	if (d == NULL) {
		return ERR_NOMEM;
	}
	d->settings = settings;
	snprintf(d->issuer, sizeof(d->issuer), "%s", settings->name);
	snprintf(d->public_url, sizeof(d->public_url), "%s", settings->public_url);
	snprintf(d->cluster, sizeof(d->cluster), "%s", settings->cluster);
	d->state_fd = d->admin_fd = -1;
	err = bind_all(d, why);
	if (err == 0) {
		err = drop_root(settings, why);
	}
	if (err == 0) {
		err = open_state(d, why);
	}
	if (err == 0) {
		snprintf(why, 512, "out of memory");
		err = make_limits(d); /* links have events to tell */
	}
	if (err == 0) {
		err = start_links(d, why);
	}
	if (err == 0) {
		snprintf(why, 512, "out of memory");
		err = make_parts(d);
	}
	if (err == 0) {
		err = serve(d, why);
	}
	if (err != 0) {
		finish(d);
		return err;
	}
	watch_files(d);
	*out = d;
	d->audited_s = clock_now_s();
	for (size_t i = 0; i < settings->listen_count; i++) {
		log_event(LOG_LEVEL_INFO, "ready", LOG_STR("listen", settings->listen[i].text),
			LOG_STR("admin", settings->admin_socket),
			LOG_STR("cluster", settings->cluster),
			LOG_INT("reflectors", settings->reflector_count));
	}
	return 0;
}

void daemon_destroy(struct authd_daemon *d)
{
	if (d != NULL) {
		struct authd_settings *settings = d->settings;

		end_http(d);
		log_audit_head(d);
		finish(d);
		authd_settings_destroy(settings);
	}
}

int daemon_reload(struct authd_daemon *d, struct authd_settings *settings, char why[512])
{
	const char *fixed = authd_settings_fixed_change(d->settings, settings);

	if (fixed != NULL) {
		snprintf(why, 512, "%s has changed: that needs a restart", fixed);
		return ERR_CONFIG;
	}
	/* all that can fail because of a file comes before anything is changed */
	int err = http_cert_check(settings->certificate, settings->key, why);
	if (err == 0) {
		err = link_dial_reload(d->link_dial, settings, why);
	}
	if (err == 0) {
		err = http_srv_reload(d->http, settings->certificate, settings->key, why);
	}
	if (err == 0) {
		snprintf(why, 512, "out of memory");
		err = pass_hash_set_cost(
			d->pass_hash, settings->hash_memory, settings->hash_passes);
	}
	if (err != 0) {
		return err;
	}
	token_issue_set_life(d->token_issue, settings->token_life_s);
	authd_settings_destroy(d->settings);
	d->settings = settings;
	watch_files(d);
	return 0;
}

/* Certificates that were renewed are taken without anybody saying so. A pair of which only one half
 * is there yet does not fit: it is told of once, and looked at again when the other half comes. */
static void look_at_certificates(struct authd_daemon *d)
{
	const struct authd_settings *s = d->settings;
	char why[512] = "";

	if (file_watch_changed(&d->https_files)) {
		int err = http_srv_reload(d->http, s->certificate, s->key, why);
		log_event(err == 0 ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR,
			err == 0 ? "certificate-read" : "certificate-refused",
			LOG_STR("file", s->certificate), LOG_STR("why", why));
	}
	if (file_watch_changed(&d->control_files)) {
		why[0] = '\0';
		int err = link_dial_reload(d->link_dial, s, why);
		log_event(err == 0 ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR,
			err == 0 ? "certificate-read" : "certificate-refused",
			LOG_STR("file", s->control_certificate), LOG_STR("why", why));
	}
}

static void purge(struct authd_daemon *d)
{
	size_t gone = 0;
	int64_t jump = 0;
	bool steady = clock_guard_steady(
		&d->clock_guard, (int64_t)time(NULL), clock_now_s(), &jump);

	if (jump != 0) {
		log_event(LOG_LEVEL_WARN, "clock-set", LOG_INT("seconds", jump));
	}
	if (!steady) {
		return;
	}
	int err = store_purge(d->store, (int64_t)time(NULL) - EXPIRED_KEEP_S, &gone);

	if (err == 0 && gone > 0) {
		log_event(LOG_LEVEL_DEBUG, "tokens-purged", LOG_INT("count", gone));
	}
	keyring_purge(d->keyring, (int64_t)time(NULL));
}

void daemon_tick(struct authd_daemon *d)
{
	int64_t now = clock_now_s();

	http_srv_tick(d->http);
	if (now - d->audited_s >= AUDIT_HEAD_EVERY_S) {
		d->audited_s = now;
		log_audit_head(d);
	}
	if (now - d->looked_s >= FILE_WATCH_EVERY_S) {
		d->looked_s = now;
		look_at_certificates(d);
	}
	if (now - d->purged_s >= PURGE_EVERY_S) {
		d->purged_s = now;
		purge(d);
	}
}
