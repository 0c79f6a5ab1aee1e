/*
 * impact: counts the tokens and sessions that a command would end. Reads only.
 */
#include "ctl/impact.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ask.h"
#include "ctl/client.h"
#include "ctl/listing.h"

/* The live tokens that are met, as a set of their ids. */
static int find_tokens(struct ctl *ctl, const struct impact *impact, json_t *ids)
{
	struct client_path path;
	json_t *answer = NULL, *token;
	size_t i;
	int status;

	client_path_init(&path, "/v1/tokens");
	client_path_query(&path, "room", impact->room);
	client_path_query(&path, "user", impact->user);
	client_path_query(&path, "source", impact->source);
	status = ctl_list(ctl, "count the tokens", &path, "tokens", &answer);
	json_array_foreach(json_object_get(answer, "tokens"), i, token) {
		const char *jti = json_string_value(json_object_get(token, "jti"));

		if (jti != NULL &&
			(impact->jti == NULL ||
				strncmp(jti, impact->jti, strlen(impact->jti)) == 0)) {
			json_object_set_new(ids, jti, json_true());
		}
	}
	json_decref(answer);
	return status;
}

static int count_sessions(struct ctl *ctl, const struct impact *impact, const json_t *ids,
	size_t *sessions, json_t **answer)
{
	struct client_path path;
	json_t *person;
	size_t i;
	int status;

	client_path_init(&path, "/v1/participants");
	client_path_query(&path, "room", impact->room);
	status = ctl_call(ctl, "count the sessions", "GET", path.text, NULL, answer);
	json_array_foreach(json_object_get(*answer, "participants"), i, person) {
		const char *jti = json_string_value(json_object_get(person, "jti"));

		*sessions += jti != NULL && json_object_get(ids, jti) != NULL ? 1 : 0;
	}
	return status;
}

static int dry_run(struct ctl *ctl, const struct impact *impact)
{
	bool any = impact->jti != NULL || impact->room != NULL || impact->user != NULL ||
		impact->source != NULL;
	json_t *ids = json_object(), *people = NULL;
	size_t sessions = 0;
	int status = any ? find_tokens(ctl, impact, ids) : CTL_OK;

	if (status == CTL_OK && any) {
		status = count_sessions(ctl, impact, ids, &sessions, &people);
	}
	if (status == CTL_OK && ctl->json) {
		json_t *json = json_pack("{s:b, s:I, s:I, s:s*}", "dry_run", 1, "tokens",
			(json_int_t)json_object_size(ids), "sessions", (json_int_t)sessions, "also",
			impact->also);

		status = listing_json(json);
		json_decref(json);
	} else if (status == CTL_OK) {
		printf("would revoke %zu token%s and end %zu session%s%s%s; nothing was changed\n",
			json_object_size(ids), json_object_size(ids) == 1 ? "" : "s", sessions,
			sessions == 1 ? "" : "s", impact->also != NULL ? "; " : "",
			impact->also != NULL ? impact->also : "");
	}
	if (status == CTL_OK) {
		status = ctl_check_partial(people);
	}
	json_decref(people);
	json_decref(ids);
	return status;
}

int impact_confirm(struct ctl *ctl, const struct impact *impact, bool *go)
{
	int status;

	*go = false;
	if (ctl->options.value[OPT_DRY_RUN] != NULL) {
		return dry_run(ctl, impact);
	}
	status = ask_confirm(ctl, impact->question);
	*go = status == CTL_OK;
	return status;
}

int impact_apikey_source(struct ctl *ctl, const char *name, char out[96])
{
	struct client_path path;
	json_t *answer = NULL;
	const char *id;
	int status;

	client_path_init(&path, "/v1/apikeys");
	client_path_segment(&path, name);
	status = ctl_call(ctl, "find the API key", "GET", path.text, NULL, &answer);
	if (status == CTL_OK) {
		id = json_string_value(json_object_get(answer, "id"));
		snprintf(out, 96, "%.80s", id != NULL ? id : name);
	}
	json_decref(answer);
	return status;
}
