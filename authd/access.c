/*
 * access: tells who asks. Must never say why a key does not hold, nor take an API key for an
 * administrator's on the listener for clients.
 */
#include "authd/access.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "authd/apikey.h"

static void name_local(const struct http_request *req, struct store_actor *actor)
{
	char buf[1024];
	struct passwd pw, *found = NULL;

	if (getpwuid_r(req->uid, &pw, buf, sizeof(buf), &found) == 0 && found != NULL) {
		snprintf(actor->name, sizeof(actor->name), "admin:%s", pw.pw_name);
	} else {
		snprintf(actor->name, sizeof(actor->name), "admin:%u", (unsigned)req->uid);
	}
}

int access_check(struct store *store, const struct http_request *req, int64_t now,
	struct access *out)
{
	memset(out, 0, sizeof(*out));
	if (req->listener == HTTP_ADMIN) {
		out->who = ACCESS_ADMIN;
		name_local(req, &out->actor);
		return 0;
	}
	snprintf(out->actor.address, sizeof(out->actor.address), "%s", req->peer);
	if (req->cert_name[0] != '\0') {
		out->who = ACCESS_ADMIN;
		snprintf(out->actor.name, sizeof(out->actor.name), "admin:%s", req->cert_name);
		return 0;
	}
	if (req->authorization == NULL) {
		return 0;
	}
	const char *text = apikey_of_bearer(req->authorization);
	int err = apikey_check(store, text != NULL ? text : "", now, &out->key);
	if (err == 0) {
		out->has_key = true;
		out->who =
			out->key.admin && req->listener == HTTP_REMOTE ? ACCESS_ADMIN : ACCESS_KEY;
		snprintf(out->actor.name, sizeof(out->actor.name), "apikey:%s", out->key.name);
	}
	return err;
}
