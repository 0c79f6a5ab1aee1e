/*
 * upkeep: what is done again and again while authd runs: certificates that were renewed are read,
 * what has ended is forgotten, the head of the audit record is kept in the log. The main thread.
 */
#ifndef AUTHD_UPKEEP_H
#define AUTHD_UPKEEP_H

#include <stdint.h>

#include "authd/http_srv.h"
#include "authd/keyring.h"
#include "authd/link_dial.h"
#include "authd/settings.h"
#include "authd/store.h"
#include "common/day_clock.h"
#include "common/file_watch.h"

/* All borrowed, for as long as it ticks. */
struct upkeep_parts {
	struct store *store;
	struct keyring *keyring;
	struct link_dial *link_dial;
	struct http_srv *http;
	struct day_clock *clock;
};

struct upkeep {
	struct upkeep_parts parts;
	const struct authd_settings *settings;
	int64_t purged_s, audited_s, looked_s; /* monotonic */
	struct file_watch https_files, control_files;
};

void upkeep_init(
	struct upkeep *u, const struct upkeep_parts *parts, const struct authd_settings *settings);
/* Other settings from now on; borrowed. Their files are the ones that are looked at. */
void upkeep_settings(struct upkeep *u, const struct authd_settings *settings);

/* About once a second. */
void upkeep_tick(struct upkeep *u);
/* What is logged once more at the end. */
void upkeep_finish(struct upkeep *u);

#endif
