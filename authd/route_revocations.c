/*
 * route_revocations: what may not come in any more: the list, a new entry, its end before its time.
 * An entry is in the store before any reflector hears of it, so that it outlives a crash between
 * the two.
 */
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "authd/route_handlers.h"
#include "authd/store_revocations.h"
#include "common/log.h"
#include "proto/msg.h"

#define BAN_MAX_S (10 * 366 * 86400)

struct page {
	json_t *list;
	unsigned limit, count;
	int64_t last;
};

static int add_entry(const struct store_revocation *row, void *arg)
{
	struct page *page = arg;

	if (page->count == page->limit) { /* one more than asked for: there is a next page */
		page->count++;
		return 0;
	}
	json_t *item = json_pack("{s:I,s:s,s:s,s:s,s:b,s:I,s:I,s:s}", "seq", (json_int_t)row->seq,
		"kind", row->kind, "id", row->id, "room", row->room, "ban", row->ban ? 1 : 0,
		"until", (json_int_t)row->until, "created_at", (json_int_t)row->created_at,
		"reason", row->reason);
	page->count++;
	page->last = row->seq;
	return json_array_append_new(page->list, item) == 0 ? 0 : ERR_NOMEM;
}

void route_revocations_get(const struct route_call *call)
{
	int64_t after = 0, limit = 100;

	if (!route_query_int(call, "after", 0, INT64_MAX, &after) ||
		!route_query_int(call, "limit", 1, STORE_PAGE_MAX, &limit)) {
		return;
	}
	struct page page = { .list = json_array(), .limit = (unsigned)limit };
	int err = page.list != NULL ? store_revocation_list(call->ctx->store, after,
					      (int64_t)time(NULL), page.limit + 1, add_entry, &page)
				    : ERR_NOMEM;
	if (err != 0) {
		json_decref(page.list);
		http_reply_error(call->reply, err, NULL);
		return;
	}
	http_reply_json(call->reply, MHD_HTTP_OK,
		json_pack("{s:o,s:o}", "revocations", page.list, "next",
			page.count > page.limit ? json_integer(page.last) : json_null()));
}

static bool known_kind(const char *kind)
{
	static const char *const kinds[] = { "token", "user", "room", "apikey", "invite" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i], kind) == 0) {
			return true;
		}
	}
	return false;
}

static const char *take_entry(const struct route_call *call, struct store_revocation *entry)
{
	const char *kind = NULL, *id = NULL, *room = "", *reason = "";
	int64_t ban_s = 0;

	if (msg_get_string(call->body, "kind", sizeof(entry->kind) - 1, &kind) != 0 ||
		!known_kind(kind)) {
		return "kind must be token, user, room, apikey or invite";
	}
	if (msg_get_string(call->body, "id", LIMIT_PARTICIPANT_ID, &id) != 0 || id[0] == '\0') {
		return "id must be the jti, name or id of what is revoked";
	}
	if (msg_opt_string(call->body, "room", LIMIT_NAME, &room) != 0 ||
		(room[0] != '\0' && !msg_is_name(room))) {
		return "room must be 1-64 characters of A-Z a-z 0-9 . _ @ -";
	}
	if (msg_opt_int(call->body, "ban_s", 0, BAN_MAX_S, &ban_s) != 0) {
		return "ban_s must be seconds, at most ten years";
	}
	if (msg_opt_string(call->body, "reason", LIMIT_DISPLAY_NAME, &reason) != 0 ||
		(reason[0] != '\0' && !msg_is_display_name(reason))) {
		return "reason must be at most 128 bytes of UTF-8 without control characters";
	}
	snprintf(entry->kind, sizeof(entry->kind), "%s", kind);
	snprintf(entry->id, sizeof(entry->id), "%s", id);
	snprintf(entry->room, sizeof(entry->room), "%s", room);
	snprintf(entry->reason, sizeof(entry->reason), "%s", reason);
	entry->ban = ban_s > 0;
	entry->until = ban_s > 0 ? (int64_t)time(NULL) + ban_s : 0;
	return NULL;
}

void route_revocations_post(const struct route_call *call)
{
	struct store_revocation entry = { 0 };
	size_t tokens = 0;

	if (!route_body_only(call, "kind", "id", "room", "ban_s", "reason", NULL)) {
		return;
	}
	const char *why = take_entry(call, &entry);
	if (why != NULL) {
		http_reply_error(call->reply, ERR_BAD_FIELD, why);
		return;
	}
	int err = store_revocation_add(
		call->ctx->store, &call->actor, &entry, (int64_t)time(NULL), &tokens);
	if (err != 0) {
		http_reply_error(call->reply, err,
			err == ERR_NOT_FOUND ? "there is nothing of that kind and name" : NULL);
		return;
	}
	log_event(LOG_LEVEL_INFO, "revoked", LOG_STR("kind", entry.kind),
		LOG_STR("room", entry.room), LOG_INT("seq", entry.seq), LOG_INT("tokens", tokens));
	http_reply_json(call->reply, MHD_HTTP_CREATED,
		json_pack("{s:I,s:I,s:I}", "seq", (json_int_t)entry.seq, "tokens",
			(json_int_t)tokens, "until", (json_int_t)entry.until));
}

void route_revocation_delete(const struct route_call *call)
{
	char *end = NULL;
	long long seq = strtoll(call->arg, &end, 10);
	bool number = call->arg[0] >= '0' && call->arg[0] <= '9' && *end == '\0';
	int err = number
		? store_revocation_lift(call->ctx->store, &call->actor, seq, (int64_t)time(NULL))
		: ERR_NOT_FOUND;

	if (err != 0) {
		http_reply_error(call->reply, err,
			err == ERR_NOT_FOUND ? "there is no such entry, or it has ended" : NULL);
		return;
	}
	log_event(LOG_LEVEL_INFO, "revocation-lifted", LOG_INT("seq", seq));
	http_reply_empty(call->reply, MHD_HTTP_NO_CONTENT);
}
