/*
 * upkeep: owns the times at which each chore is due. Nothing here may end authd: what fails is
 * logged and tried again the next time.
 */
#include "authd/upkeep.h"

#include <time.h>

#include "authd/store_audit.h"
#include "authd/store_tokens.h"
#include "common/clock.h"
#include "common/log.h"

#define PURGE_EVERY_S 60
#define AUDIT_HEAD_EVERY_S 3600
#define EXPIRED_KEEP_S 86400 /* so that `token list --all` still shows today's */

/* Kept in the log as well: who can write to the database cannot make all of the record anew
 * without being found out. */
static void log_audit_head(struct upkeep *u)
{
	char hash[STORE_AUDIT_HASH + 1];
	int64_t seq = 0;

	if (store_audit_head(u->parts.store, &seq, hash) == 0 && seq > 0) {
		log_event(LOG_LEVEL_INFO, "audit-head", LOG_INT("seq", seq), LOG_STR("hash", hash));
	}
}

static void log_certificate(const char *file, int err, const char *why)
{
	log_event(err == 0 ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR,
		err == 0 ? "certificate-read" : "certificate-refused", LOG_STR("file", file),
		LOG_STR("why", why));
}

/* Certificates that were renewed are taken without anybody saying so. A pair of which only one half
 * is there yet does not fit: it is told of once, and looked at again when the other half comes. */
static void look_at_certificates(struct upkeep *u)
{
	const struct authd_settings *s = u->settings;
	char why[512] = "";

	if (file_watch_changed(&u->https_files)) {
		int err = http_srv_reload(u->parts.http, s->certificate, s->key, why);
		log_certificate(s->certificate, err, why);
	}
	if (file_watch_changed(&u->control_files)) {
		why[0] = '\0';
		int err = link_dial_reload(u->parts.link_dial, s, why);
		log_certificate(s->control_certificate, err, why);
	}
}

static void purge(struct upkeep *u)
{
	size_t gone = 0;
	int err = store_purge(u->parts.store, (int64_t)time(NULL) - EXPIRED_KEEP_S, &gone);

	if (err == 0 && gone > 0) {
		log_event(LOG_LEVEL_DEBUG, "tokens-purged", LOG_INT("count", gone));
	}
	keyring_purge(u->parts.keyring, (int64_t)time(NULL));
}

static void look_at_clock(struct upkeep *u)
{
	int64_t jump = day_clock_look(u->parts.clock, (int64_t)time(NULL), clock_now_s());

	if (jump != 0) {
		log_event(LOG_LEVEL_WARN, "clock-set", LOG_INT("seconds", jump),
			LOG_STR("do", "check the clock; when it is right now and was not before, "
				      "restart authd"));
	}
}

void upkeep_init(
	struct upkeep *u, const struct upkeep_parts *parts, const struct authd_settings *settings)
{
	*u = (struct upkeep){ .parts = *parts, .audited_s = clock_now_s() };
	upkeep_settings(u, settings);
}

void upkeep_settings(struct upkeep *u, const struct authd_settings *s)
{
	const char *const https[] = { s->certificate, s->key };
	const char *const control[] = { s->control_certificate, s->control_key, s->control_ca };

	u->settings = s;
	file_watch_init(&u->https_files, https, 2);
	file_watch_init(&u->control_files, control, 3);
}

void upkeep_tick(struct upkeep *u)
{
	int64_t now = clock_now_s();

	look_at_clock(u);
	if (now - u->audited_s >= AUDIT_HEAD_EVERY_S) {
		u->audited_s = now;
		log_audit_head(u);
	}
	if (now - u->looked_s >= FILE_WATCH_EVERY_S) {
		u->looked_s = now;
		look_at_certificates(u);
	}
	if (now - u->purged_s >= PURGE_EVERY_S && day_clock_steady(u->parts.clock, now)) {
		u->purged_s = now;
		purge(u);
	}
}

void upkeep_finish(struct upkeep *u)
{
	log_audit_head(u);
}
