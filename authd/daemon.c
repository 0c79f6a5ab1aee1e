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
#include "authd/event_feed.h"
#include "authd/http_cert.h"
#include "authd/http_srv.h"
#include "authd/login_password.h"
#include "authd/ca.h"
#include "authd/keyring.h"
#include "authd/routes.h"
#include "authd/state_dir.h"
#include "authd/store_audit.h"
#include "authd/upkeep.h"
#include "common/clock.h"
#include "common/day_clock.h"
#include "common/log.h"
#include "common/net.h"
#include "common/privdrop.h"

#define BACKLOG 512

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
	struct rate *rate_address, *rate_key, *rate_user;
	struct http_srv *http;
	struct day_clock clock;
	struct upkeep upkeep;
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

static int drop_root(struct authd_daemon *d, char why[512])
{
	const struct authd_settings *s = d->settings;
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

static int take_time(const struct store_audit_record *row, void *arg)
{
	*(int64_t *)arg = row->at;
	return 0;
}

/* Milliseconds: more than were ever given in that time. What the database does not take now it
 * takes at the next start; store-failed says why. */
static void raise_numbers(struct authd_daemon *d)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	int err = store_numbers_raise(
		d->store, (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);

	if (err != 0) {
		log_event(LOG_LEVEL_WARN, "numbers-low", LOG_ERR(err),
			LOG_STR("why", "the database takes no changes: after a restore, numbers of "
				       "revocations may come twice"),
			LOG_STR("do", "correct what store-failed says and restart authd"));
	}
}

/* Nothing else tells a clock that was wrong before we began. Whether it is now, or was when the
 * last record was made, only people know: so we go on, and forget nothing. */
static int compare_clock(struct authd_daemon *d, char why[512])
{
	static const struct store_audit_filter any = { 0 };
	int64_t wall = (int64_t)time(NULL), newest = 0;
	int err = store_audit_list(d->store, &any, -1, 1, take_time, &newest);

	if (err != 0) {
		snprintf(why, 512, "the audit records cannot be read: %s", errcode_text(err));
		return err;
	}
	raise_numbers(d);
	day_clock_init(&d->clock, wall, clock_now_s());
	int64_t ahead = day_clock_seen(&d->clock, newest, wall, clock_now_s());
	if (ahead > 0) {
		log_event(LOG_LEVEL_WARN, "clock-ahead", LOG_INT("seconds", ahead),
			LOG_STR("why", "so long ago is the last audit record: authd was idle or "
				       "off, or the clock is wrong; nothing is forgotten for a day"),
			LOG_STR("do", "compare the clock with another: timedatectl"));
	} else if (ahead < 0) {
		log_event(LOG_LEVEL_ERROR, "clock-behind", LOG_INT("seconds", -ahead),
			LOG_STR("why", "the last audit record was made later than now: the clock "
				       "is wrong, or was; what had ended then stays refused, and "
				       "nothing is forgotten for a day"),
			LOG_STR("do", "set the clock, then restart authd: timedatectl"));
	}
	return 0;
}

static int open_state(struct authd_daemon *d, char why[512])
{
	const char *dir = d->settings->state_dir;
	int err = state_dir_open(dir, &d->state_fd, why);

	if (err == 0) {
		err = store_open(&d->store, dir, d->settings->database, why);
	}
	if (err == 0) {
		err = compare_clock(d, why);
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

static int start_links(struct authd_daemon *d, char why[512])
{
	const struct link_dial_conf conf = { .settings = d->settings,
		.keyring = d->keyring,
		.ca = d->ca,
		.store = d->store,
		.clock = &d->clock,
		.on_event = on_link_event,
		.user = d };
	int err = link_dial_create(&d->link_dial, &conf, why);

	if (err == 0) {
		store_watch(d->store, on_store_change, d->link_dial);
	}
	return err;
}

static int make_parts(struct authd_daemon *d, char why[512])
{
	const struct authd_settings *s = d->settings;

	snprintf(why, 512, "out of memory");
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
			.clock = &d->clock,
			.life_s = s->token_life_s };
		err = token_issue_create(&d->token_issue, &conf);
	}
	return err;
}

/* What links and requests report to, and what they are counted by. */
static int make_books(struct authd_daemon *d, char why[512])
{
	snprintf(why, 512, "out of memory");
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
	if (err == 0) {
		err = rate_create(&d->rate_key, d->settings->rate_key);
	}
	return err == 0 ? rate_create(&d->rate_user, d->settings->rate_user) : err;
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
	d->ctx.clock = &d->clock;
	d->ctx.events = d->events;
	d->ctx.metrics = d->metrics;
	d->ctx.rate_address = d->rate_address;
	d->ctx.rate_key = d->rate_key;
	d->ctx.rate_user = d->rate_user;
	d->ctx.ca = d->ca;
	d->ctx.listen = d->listen_names;
	d->ctx.listen_count = d->name_count;
	d->ctx.issuer = d->issuer;
	d->ctx.public_url = d->public_url;
	d->ctx.started_at = (int64_t)time(NULL);
	d->ctx.started_s = clock_now_s();
	return start_http(d, why);
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
	rate_destroy(d->rate_user);
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

static int start(struct authd_daemon *d, char why[512])
{
	static int (*const steps[])(struct authd_daemon * d, char *why) = { bind_all, drop_root,
		open_state, make_books, start_links, make_parts, serve };

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int err = steps[i](d, why);
		if (err != 0) {
			return err;
		}
	}
	return 0;
}

int daemon_create(struct authd_daemon **out, struct authd_settings *settings, char why[512])
{
	struct authd_daemon *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		snprintf(why, 512, "out of memory");
		return ERR_NOMEM;
	}
	d->settings = settings;
	snprintf(d->issuer, sizeof(d->issuer), "%s", settings->name);
	snprintf(d->public_url, sizeof(d->public_url), "%s", settings->public_url);
	snprintf(d->cluster, sizeof(d->cluster), "%s", settings->cluster);
	d->state_fd = d->admin_fd = -1;
	int err = start(d, why);
	if (err != 0) {
		finish(d);
		return err;
	}
	const struct upkeep_parts parts = { .store = d->store,
		.keyring = d->keyring,
		.link_dial = d->link_dial,
		.http = d->http,
		.clock = &d->clock };
	upkeep_init(&d->upkeep, &parts, settings);
	*out = d;
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
		upkeep_finish(&d->upkeep);
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
	upkeep_settings(&d->upkeep, settings);
	return 0;
}

void daemon_tick(struct authd_daemon *d)
{
	http_srv_tick(d->http);
	upkeep_tick(&d->upkeep);
}
