/*
 * route_keys: the signing keys: which there are, and a new one.
 */
#include <microhttpd.h>
#include <time.h>

#include "authd/route_handlers.h"

static int add_key(const struct keyring_key *key, void *arg)
{
	json_t *item = json_pack("{s:s,s:I,s:I,s:I,s:b}", "kid", key->kid, "created_at",
		(json_int_t)key->created_at, "active_at", (json_int_t)key->active_at, "retired_at",
		(json_int_t)key->retired_at, "signs", key->signs ? 1 : 0);

	return json_array_append_new(arg, item) == 0 ? 0 : ERR_NOMEM;
}

static void answer_keys(const struct route_call *call)
{
	json_t *list = json_array();
	int err = list != NULL ? keyring_each(call->ctx->keyring, add_key, list) : ERR_NOMEM;

	if (err != 0) {
		json_decref(list);
		http_reply_error(call->reply, err, NULL);
		return;
	}
	http_reply_json(call->reply, MHD_HTTP_OK, json_pack("{s:o}", "keys", list));
}

void route_keys_get(const struct route_call *call)
{
	answer_keys(call);
}

void route_keys_rotate(const struct route_call *call)
{
	char kid[44];
	int err = keyring_rotate(call->ctx->keyring, &call->actor, (int64_t)time(NULL), kid);

	if (err == ERR_STATE) {
		http_reply_problem(call->reply, MHD_HTTP_CONFLICT, ERR_RATE,
			"the last new key does not sign yet: wait 30 s");
	} else if (err == ERR_FULL) {
		http_reply_problem(call->reply, MHD_HTTP_CONFLICT, ERR_LIMIT,
			"too many keys are published still: wait until the tokens of some have ended");
	} else if (err != 0) {
		http_reply_error(call->reply, err, NULL);
	} else {
		answer_keys(call);
	}
}
