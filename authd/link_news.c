/*
 * link_news: pages of revocations and policies, out of the store's numbered lists. Never sends.
 */
#include "authd/link_news.h"

#include <stdbool.h>
#include <string.h>

#include "authd/store_revocations.h"
#include "authd/store_rooms.h"
#include "proto/msg.h"

#define REVOKE_PAGE 500u
#define POLICY_PAGE 100u

void link_news_init(struct link_news *news)
{
	*news = (struct link_news){ 0 };
}

struct page {
	json_t *items;
	const char *reflector;
	int64_t last; /* number of the last row that was seen */
	size_t rows;
};

static int add_revocation(const struct store_revocation *row, void *arg)
{
	struct page *page = arg;
	json_t *item = json_pack("{s:I,s:s,s:s,s:s,s:b,s:I}", "seq", (json_int_t)row->seq, "kind",
		row->kind, "id", row->id, "room", row->room, "ban", row->ban ? 1 : 0, "until",
		(json_int_t)row->until);

	page->last = row->seq;
	page->rows++;
	return json_array_append_new(page->items, item) == 0 ? 0 : ERR_NOMEM;
}

/* What a reflector may know of a room's policy, and no more: who may enter is authd's affair. */
static json_t *policy_json(const struct store_room *row)
{
	static const char *const keys[] = { "capacity", "lobby", "kinds", "loudest", "e2ee" };
	json_t *stored = NULL, *out = json_object();

	if (out != NULL && msg_parse_object(row->policy, strlen(row->policy), &stored) == 0) {
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
			json_t *value = json_object_get(stored, keys[i]);
			if (value != NULL &&
				json_object_set_new(out, keys[i], json_deep_copy(value)) != 0) {
				json_decref(out);
				out = NULL;
				break;
			}
		}
	}
	json_decref(stored);
	return out;
}

static int add_room(const struct store_room *row, void *arg)
{
	struct page *page = arg;

	page->last = row->policy_rev;
	page->rows++;
	if (!store_room_is_at(row, page->reflector)) {
		return 0; /* its tokens bring the policy there, should it move */
	}
	json_t *item = json_pack("{s:s,s:I,s:b,s:I,s:I,s:o}", "name", row->name, "rev",
		(json_int_t)row->policy_rev, "locked", row->locked ? 1 : 0, "epoch",
		(json_int_t)row->epoch, "expires_at", (json_int_t)row->expires_at, "policy",
		policy_json(row));
	return json_array_append_new(page->items, item) == 0 ? 0 : ERR_NOMEM;
}

static int take_page(struct page *page, int64_t *last, const char *type, const char *key, bool more,
	json_t **msg)
{
	*last = page->last;
	if (json_array_size(page->items) > 0) {
		*msg = json_pack("{s:s,s:O}", "type", type, key, page->items);
		if (*msg == NULL) {
			return ERR_NOMEM;
		}
	}
	return more ? ERR_FULL : 0;
}

int link_news_next(struct link_news *news, struct store *store, const char *reflector, json_t **msg)
{
	struct page page = { .items = json_array(), .reflector = reflector };
	int err = ERR_NOMEM;

	*msg = NULL;
	if (page.items == NULL) {
		return err;
	}
	page.last = news->revoked_seq;
	/* What has ended too: the clock there may be another, and ours may go back. */
	err = store_revocation_list(
		store, news->revoked_seq, 0, REVOKE_PAGE, add_revocation, &page);
	if (err == 0 && page.rows > 0) {
		err = take_page(&page, &news->revoked_seq, "revoke", "entries", true, msg);
	} else if (err == 0) {
		page.last = news->policy_rev;
		err = store_room_changes(store, news->policy_rev, POLICY_PAGE, add_room, &page);
		if (err == 0) {
			err = take_page(
				&page, &news->policy_rev, "policies", "rooms", page.rows > 0, msg);
		}
	}
	json_decref(page.items);
	return err;
}
