/*
 * client: one request to authd's admin socket with libcurl. Owns the curl handle and the text of
 * the last failure; prints nothing. An answer is bounded in size and in time.
 */
#include "ctl/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX (64u * 1024 * 1024)
#define JSON_LIMITS (JSON_REJECT_DUPLICATES)

struct client {
	CURL *curl;
	const char *socket;
	unsigned timeout_ms;
	char *data; /* the answer's body */
	size_t length, room;
	bool overflow;
	char why[512];
};

int client_create(struct client **out, const char *socket, unsigned timeout_ms)
{
	struct client *client = calloc(1, sizeof(*client));

	if (client == NULL) {
		return ERR_NOMEM;
	}
	client->socket = socket;
	client->timeout_ms = timeout_ms;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(client);
		return ERR_NOMEM;
	}
	client->curl = curl_easy_init();
	if (client->curl == NULL) {
		curl_global_cleanup();
		free(client);
		return ERR_NOMEM;
	}
	*out = client;
	return 0;
}

void client_destroy(struct client *client)
{
	if (client == NULL) {
		return;
	}
	curl_easy_cleanup(client->curl);
	curl_global_cleanup();
	free(client->data);
	free(client);
}

const char *client_why(const struct client *client)
{
	return client->why;
}

static size_t on_data(char *bytes, size_t size, size_t count, void *user)
{
	struct client *client = user;
	size_t length = size * count;

	if (length > ANSWER_MAX - client->length) {
		client->overflow = true;
		return 0;
	}
	if (client->length + length > client->room) {
		size_t room = client->room > 0 ? client->room * 2 : 16384;
		char *data;

		while (room < client->length + length) {
			room *= 2;
		}
		data = realloc(client->data, room);
		if (data == NULL) {
			return 0;
		}
		client->data = data;
		client->room = room;
	}
	memcpy(client->data + client->length, bytes, length);
	client->length += length;
	return length;
}

static void set_options(struct client *client, const char *method, const char *url,
	const char *body, struct curl_slist *headers)
{
	CURL *curl = client->curl;

	curl_easy_reset(curl);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, client->socket);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)client->timeout_ms);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "helioctl");
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, client);
	if (body != NULL) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
	}
}

/* What curl could not do, in our own terms. */
static int transport_error(struct client *client, CURLcode code)
{
	long os_error = 0;

	curl_easy_getinfo(client->curl, CURLINFO_OS_ERRNO, &os_error);
	switch (code) {
	case CURLE_COULDNT_CONNECT:
		if (os_error == EACCES || os_error == EPERM) {
			snprintf(client->why, sizeof(client->why),
				"you may not use authd's socket %s", client->socket);
			return ERR_DENIED;
		}
		snprintf(client->why, sizeof(client->why), "authd does not answer at %s%s%s%s",
			client->socket, os_error != 0 ? " (" : "",
			os_error != 0 ? strerror((int)os_error) : "", os_error != 0 ? ")" : "");
		return ERR_CONNECT;
	case CURLE_COULDNT_RESOLVE_HOST: /* what curl says to a socket path that is too long */
	case CURLE_URL_MALFORMAT:
		snprintf(client->why, sizeof(client->why), "%s cannot be the path of a socket",
			client->socket);
		return ERR_CONNECT;
	case CURLE_OPERATION_TIMEDOUT:
		snprintf(client->why, sizeof(client->why), "authd did not answer within %g s",
			client->timeout_ms / 1000.0);
		return ERR_TIMEOUT;
	case CURLE_OUT_OF_MEMORY:
		snprintf(client->why, sizeof(client->why), "out of memory");
		return ERR_NOMEM;
	default:
		if (client->overflow) {
			snprintf(client->why, sizeof(client->why),
				"authd's answer is larger than %u MiB", ANSWER_MAX >> 20);
			return ERR_HTTP;
		}
		snprintf(client->why, sizeof(client->why), "the connection to authd broke: %s",
			curl_easy_strerror(code));
		return ERR_LOST;
	}
}

/* An answer other than 2xx: problem+json by authd, or something else. */
static int problem_error(struct client *client, long status, const json_t *answer)
{
	const char *code = json_string_value(json_object_get(answer, "code"));
	const char *detail = json_string_value(json_object_get(answer, "detail"));
	int err;

	if (code == NULL) {
		snprintf(client->why, sizeof(client->why), "authd answered with HTTP status %ld",
			status);
		return status == 403 ? ERR_DENIED : status == 404 ? ERR_NOT_FOUND : ERR_HTTP;
	}
	err = errcode_from_name(code);
	if (detail == NULL) {
		detail = err != ERR_INTERNAL ? errcode_text(err) : "authd gave no reason";
	}
	snprintf(client->why, sizeof(client->why), "%s (%s)", detail, code);
	return err != ERR_OK ? err : ERR_HTTP;
}

static int judge_answer(struct client *client, json_t **answer)
{
	long status = 0;
	json_error_t error;
	json_t *json = NULL;

	curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
	if (client->length > 0) {
		json = json_loadb(client->data, client->length, JSON_LIMITS, &error);
	}
	if (status < 200 || status > 299) {
		int err = problem_error(client, status, json);

		json_decref(json);
		return err;
	}
	if (client->length > 0 && !json_is_object(json)) {
		snprintf(client->why, sizeof(client->why), "authd's answer is not a JSON object");
		json_decref(json);
		return ERR_HTTP;
	}
	*answer = json;
	return 0;
}

int client_request(struct client *client, const char *method, const char *path, const json_t *body,
	json_t **answer)
{
	char url[CLIENT_PATH_MAX + 32];
	char *text = NULL;
	struct curl_slist *headers = NULL;
	CURLcode code = CURLE_OUT_OF_MEMORY;
	int err;

	*answer = NULL;
	client->length = 0;
	client->overflow = false;
	client->why[0] = '\0';
	snprintf(url, sizeof(url), "http://localhost%s", path);
	if (body != NULL) {
		text = json_dumps(body, JSON_COMPACT);
	}
	headers = curl_slist_append(NULL, "Content-Type: application/json");
	if (headers != NULL && (body == NULL || text != NULL)) {
		set_options(client, method, url, text, headers);
		code = curl_easy_perform(client->curl);
	}
	err = code == CURLE_OK ? judge_answer(client, answer) : transport_error(client, code);
	curl_slist_free_all(headers);
	if (text != NULL) {
		explicit_bzero(text, strlen(text)); /* it may hold a password */
		free(text);
	}
	return err;
}

static void path_append(struct client_path *path, const char *text)
{
	size_t used = strlen(path->text), length = strlen(text);

	if (length < sizeof(path->text) - used) {
		memcpy(path->text + used, text, length + 1);
	}
}

/* Everything but RFC 3986's unreserved characters as %XX. */
static void path_append_encoded(struct client_path *path, const char *text)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *text != '\0'; text++) {
		char piece[4] = { *text };

		if (strchr(plain, *text) == NULL) {
			snprintf(piece, sizeof(piece), "%%%02X", (unsigned char)*text);
		}
		path_append(path, piece);
	}
}

void client_path_init(struct client_path *path, const char *base)
{
	*path = (struct client_path){ .text = "" };
	path_append(path, base);
}

void client_path_segment(struct client_path *path, const char *name)
{
	path_append(path, "/");
	/* "." and ".." would be resolved on the way; no name of ours consists of dots alone. */
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		path_append(path, name[1] == '\0' ? "%2E" : "%2E%2E");
		return;
	}
	path_append_encoded(path, name);
}

void client_path_query(struct client_path *path, const char *key, const char *value)
{
	if (value == NULL) {
		return;
	}
	path_append(path, path->has_query ? "&" : "?");
	path->has_query = true;
	path_append(path, key);
	path_append(path, "=");
	path_append_encoded(path, value);
}
