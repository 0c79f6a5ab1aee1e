/*
 * link_set: compares what there is with what there should be. Links whose reflector did not change
 * stay up. Never waits for a peer.
 */
#include "authd/link_set.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"

/* ---- credentials ---- */

static bool creds_in_use(const struct link_set *set, const struct link_creds *creds)
{
	for (size_t i = 0; i < set->entry_count; i++) {
		if (link_uses(set->entries[i]->link, creds->cred)) {
			return true;
		}
	}
	return false;
}

/* Frees replaced credentials that no session uses any more. */
static void creds_reap(struct link_set *set)
{
	struct link_creds **at = set->creds != NULL ? &set->creds->next : NULL;

	while (at != NULL && *at != NULL) {
		struct link_creds *creds = *at;
		if (creds_in_use(set, creds)) {
			at = &creds->next;
		} else {
			*at = creds->next;
			link_creds_destroy(creds);
		}
	}
}

/* ---- what there should be ---- */

struct reading {
	struct fleet_reflector rows[AUTHD_REFLECTORS_MAX];
	size_t count;
};

static int add_row(const struct store_reflector *row, void *arg)
{
	struct reading *reading = arg;

	if (reading->count == AUTHD_REFLECTORS_MAX) {
		return 0;
	}
	if (fleet_from_store(&reading->rows[reading->count], row) != 0) {
		log_event(LOG_LEVEL_WARN, "reflector-unusable", LOG_STR("reflector", row->name));
		return 0;
	}
	reading->count++;
	return 0;
}

int link_set_read(struct link_set *set, struct store *store)
{
	struct reading *reading = calloc(1, sizeof(*reading));

	if (reading == NULL) {
		return ERR_NOMEM;
	}
	int err = store_reflector_list(store, add_row, reading);
	if (err == 0) {
		memcpy(set->rows, reading->rows, sizeof(set->rows));
		set->row_count = reading->count;
	}
	free(reading);
	return err;
}

/* ---- links ---- */

static gnutls_certificate_credentials_t creds_for(
	const struct link_set *set, const struct fleet_reflector *conf)
{
	return conf->enrolled ? set->own : set->creds != NULL ? set->creds->cred : NULL;
}

static int add_entry(struct link_set *set, const struct fleet_reflector *conf)
{
	struct link_entry *entry = calloc(1, sizeof(*entry));

	if (entry == NULL) {
		return ERR_NOMEM;
	}
	int err = link_create(
		&entry->link, set->env, conf, creds_for(set, conf), set->events, set->user);
	if (err != 0) {
		free(entry);
		return err;
	}
	entry->view = *link_view(entry->link);
	set->entries[set->entry_count++] = entry;
	return 0;
}

static void destroy_entry(struct link_set *set, struct link_entry *entry)
{
	set->on_gone(set->user, entry->view.conf.name);
	link_destroy(entry->link);
	free(entry);
}

/* Takes the entry that is linked like this out of the old set; NULL when there is none. */
static struct link_entry *take_same(
	struct link_entry **old, size_t count, const struct fleet_reflector *conf)
{
	for (size_t i = 0; i < count; i++) {
		if (old[i] != NULL && fleet_same_link(&old[i]->view.conf, conf)) {
			struct link_entry *entry = old[i];
			old[i] = NULL;
			return entry;
		}
	}
	return NULL;
}

static int put_entry(struct link_set *set, struct link_entry **old, size_t old_count,
	const struct fleet_reflector *conf)
{
	if (set->entry_count == AUTHD_REFLECTORS_MAX) {
		return 0;
	}
	struct link_entry *entry = take_same(old, old_count, conf);
	if (entry == NULL) {
		return add_entry(set, conf);
	}
	link_set_creds(entry->link, creds_for(set, conf));
	link_set_conf(entry->link, conf);
	entry->view = *link_view(entry->link);
	set->entries[set->entry_count++] = entry;
	return 0;
}

static bool is_fixed(const struct link_set *set, const char *name)
{
	for (size_t i = 0; i < set->fixed_count; i++) {
		if (strcmp(set->fixed[i].name, name) == 0) {
			return true;
		}
	}
	return false;
}

static int apply_links(struct link_set *set)
{
	struct link_entry *old[AUTHD_REFLECTORS_MAX];
	size_t old_count = set->entry_count;
	struct fleet_reflector conf;
	int err = 0;

	memcpy(old, set->entries, sizeof(old));
	set->entry_count = 0;
	for (size_t i = 0; i < set->fixed_count && err == 0; i++) {
		fleet_from_settings(&conf, &set->fixed[i]);
		err = put_entry(set, old, old_count, &conf);
	}
	for (size_t i = 0; i < set->row_count && err == 0; i++) {
		/* one that never was enrolled is nobody's to link to; the settings come first */
		if (set->rows[i].enrolled_at != 0 && !is_fixed(set, set->rows[i].name)) {
			err = put_entry(set, old, old_count, &set->rows[i]);
		}
	}
	for (size_t i = 0; i < old_count; i++) {
		if (old[i] != NULL) {
			destroy_entry(set, old[i]);
		}
	}
	creds_reap(set);
	return err;
}

/* ---- enrolments ---- */

static bool wanted(const struct link_set *set, const struct enrol *e)
{
	if (enrol_finishing(e)) {
		return true;
	}
	for (size_t i = 0; i < set->row_count; i++) {
		if (set->rows[i].code[0] != '\0' && enrol_is_for(e, &set->rows[i])) {
			return true;
		}
	}
	return false;
}

static bool under_way(const struct link_set *set, const struct fleet_reflector *row)
{
	for (size_t i = 0; i < set->enrol_count; i++) {
		if (enrol_is_for(set->enrols[i], row)) {
			return true;
		}
	}
	return false;
}

static int apply_enrols(struct link_set *set)
{
	int64_t now = day_clock_now(set->enrol_env->clock);
	size_t kept = 0;
	int err = 0;

	for (size_t i = 0; i < set->enrol_count; i++) {
		if (wanted(set, set->enrols[i])) {
			set->enrols[kept++] = set->enrols[i];
		} else {
			enrol_destroy(set->enrols[i]);
		}
	}
	set->enrol_count = kept;
	for (size_t i = 0; i < set->row_count && err == 0; i++) {
		const struct fleet_reflector *row = &set->rows[i];
		if (row->code[0] == '\0' || row->code_until <= now || under_way(set, row) ||
			is_fixed(set, row->name) || set->enrol_count == AUTHD_REFLECTORS_MAX) {
			continue;
		}
		err = enrol_create(&set->enrols[set->enrol_count], set->enrol_env, row);
		if (err == 0) {
			set->enrol_count++;
		}
	}
	return err;
}

struct enrol *link_set_enrol(const struct link_set *set, const char *reflector)
{
	for (size_t i = 0; i < set->enrol_count; i++) {
		if (enrol_is_named(set->enrols[i], reflector)) {
			return set->enrols[i];
		}
	}
	return NULL;
}

int link_set_apply(struct link_set *set)
{
	int err = apply_links(set);
	int enrol_err = apply_enrols(set);

	return err != 0 ? err : enrol_err;
}

void link_set_finish(struct link_set *set)
{
	for (size_t i = 0; i < set->entry_count; i++) {
		destroy_entry(set, set->entries[i]);
	}
	set->entry_count = 0;
	for (size_t i = 0; i < set->enrol_count; i++) {
		enrol_destroy(set->enrols[i]);
	}
	set->enrol_count = 0;
	while (set->creds != NULL) {
		struct link_creds *creds = set->creds;
		set->creds = creds->next;
		link_creds_destroy(creds);
	}
	if (set->own != NULL) {
		gnutls_certificate_free_credentials(set->own);
		set->own = NULL;
	}
}

struct link_entry *link_set_find(const struct link_set *set, const struct link *link)
{
	for (size_t i = 0; i < set->entry_count; i++) {
		if (set->entries[i]->link == link) {
			return set->entries[i];
		}
	}
	return NULL;
}

struct link_entry *link_set_named(const struct link_set *set, const char *name)
{
	for (size_t i = 0; i < set->entry_count; i++) {
		if (strcmp(set->entries[i]->view.conf.name, name) == 0) {
			return set->entries[i];
		}
	}
	return NULL;
}
