/*
 * client: one request to authd with libcurl. Owns the curl handles and the text of the last
 * failure; prints nothing. An answer is bounded in size and in time; redirects are not followed,
 * and an admin key goes to the address it was given for and nowhere else.
 */
#include "ctl/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ANSWER_MAX (64u * 1024 * 1024)

struct client {
	CURLM *multi;
	CURL *curl;
	struct client_target target;
	unsigned timeout_ms;
	int wake_fd;
	bool (*wake)(void *arg);
	void *wake_arg;
	char *data; /* the answer's body */
	size_t length, room;
	bool overflow, given_up;
	long status;
	curl_off_t retry_after;
	long long date;
	char curl_says[CURL_ERROR_SIZE];
	char why[768];
};

int client_create(struct client **out, const struct client_target *target, unsigned timeout_ms)
{
	struct client *client = calloc(1, sizeof(*client));

	if (client == NULL) {
		return ERR_NOMEM;
	}
	client->target = *target;
	client->timeout_ms = timeout_ms;
	client->wake_fd = -1;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(client);
		return ERR_NOMEM;
	}
	client->curl = curl_easy_init();
	client->multi = curl_multi_init();
	if (client->curl == NULL || client->multi == NULL) {
		client_destroy(client);
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
	curl_multi_cleanup(client->multi);
	curl_global_cleanup();
	free(client->data);
	free(client);
}

void client_set_wake(struct client *client, int fd, bool (*wake)(void *arg), void *arg)
{
	client->wake_fd = fd;
	client->wake = wake;
	client->wake_arg = arg;
}

const char *client_why(const struct client *client)
{
	return client->why;
}

long client_retry_after(const struct client *client)
{
	return (long)client->retry_after;
}

long long client_date(const struct client *client)
{
	return client->date;
}

const char *client_where(const struct client *client)
{
	return client_is_remote(client) ? client->target.url : client->target.socket;
}

bool client_is_remote(const struct client *client)
{
	return client->target.socket == NULL;
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

static size_t on_header(char *bytes, size_t size, size_t count, void *user)
{
	struct client *client = user;
	char text[64];
	size_t length = size * count;

	if (length > 5 && length < sizeof(text) && strncasecmp(bytes, "Date:", 5) == 0) {
		memcpy(text, bytes + 5, length - 5);
		text[length - 5] = '\0';
		client->date = curl_getdate(text, NULL);
		client->date = client->date < 0 ? 0 : client->date;
	}
	return length;
}

/* Remote: HTTPS and nothing else, checked against the CA; the client certificate where there is
 * one. */
static void set_where(struct client *client)
{
	const struct client_target *target = &client->target;
	CURL *curl = client->curl;

	if (target->socket != NULL) {
		curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, target->socket);
		curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
		curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
		return;
	}
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (target->ca != NULL) {
		curl_easy_setopt(curl, CURLOPT_CAINFO, target->ca);
		curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	}
	if (target->certificate != NULL) {
		curl_easy_setopt(curl, CURLOPT_SSLCERT, target->certificate);
		curl_easy_setopt(curl, CURLOPT_SSLKEY,
			target->certificate_key != NULL ? target->certificate_key
							: target->certificate);
	}
}

static void set_options(struct client *client, const char *method, const char *url,
	const char *body, struct curl_slist *headers)
{
	CURL *curl = client->curl;

	curl_easy_reset(curl);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	set_where(client);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->curl_says);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)client->timeout_ms);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "helioctl");
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, client);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, client);
	if (body != NULL) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
	} else if (strcmp(method, "POST") == 0 || strcmp(method, "PATCH") == 0) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, 0L);
	}
}

/* Runs the request that is set up, looking after whoever may wake us meanwhile. */
static CURLcode perform(struct client *client)
{
	CURLcode code = CURLE_FAILED_INIT;
	int running = 1, left;
	CURLMsg *message;

	if (curl_multi_add_handle(client->multi, client->curl) != CURLM_OK) {
		return CURLE_OUT_OF_MEMORY;
	}
	while (running > 0 && curl_multi_perform(client->multi, &running) == CURLM_OK &&
		running > 0) {
		struct curl_waitfd fd = { .fd = client->wake_fd, .events = CURL_WAIT_POLLIN };

		if (curl_multi_poll(client->multi, &fd, client->wake_fd >= 0 ? 1 : 0, 1000, NULL) !=
			CURLM_OK) {
			break;
		}
		if (client->wake_fd >= 0 && fd.revents != 0 && client->wake(client->wake_arg)) {
			client->given_up = true;
			break;
		}
	}
	message = curl_multi_info_read(client->multi, &left);
	if (message != NULL && message->msg == CURLMSG_DONE) {
		code = message->data.result;
	}
	curl_multi_remove_handle(client->multi, client->curl);
	return code;
}

static int connect_error(struct client *client)
{
	long os_error = 0;

	curl_easy_getinfo(client->curl, CURLINFO_OS_ERRNO, &os_error);
	if (!client_is_remote(client) && (os_error == EACCES || os_error == EPERM)) {
		snprintf(client->why, sizeof(client->why), "you may not use authd's socket %s",
			client_where(client));
		return ERR_DENIED;
	}
	snprintf(client->why, sizeof(client->why), "authd does not answer at %s%s%s%s",
		client_where(client), os_error != 0 ? " (" : "",
		os_error != 0 ? strerror((int)os_error) : "", os_error != 0 ? ")" : "");
	return ERR_CONNECT;
}

static int tls_error(struct client *client, CURLcode code)
{
	const char *says =
		client->curl_says[0] != '\0' ? client->curl_says : curl_easy_strerror(code);

	switch (code) {
	case CURLE_PEER_FAILED_VERIFICATION:
		snprintf(client->why, sizeof(client->why),
			"the certificate of %s is not trusted, or names another host: %s",
			client_where(client), says);
		return ERR_TLS_CERT;
	case CURLE_SSL_CACERT_BADFILE:
		snprintf(client->why, sizeof(client->why), "the CA file %s cannot be used: %s",
			client->target.ca != NULL ? client->target.ca : "of the system", says);
		return ERR_CONFIG;
	case CURLE_SSL_CERTPROBLEM:
		snprintf(client->why, sizeof(client->why),
			"the client certificate %s cannot be used: %s",
			client->target.certificate != NULL ? client->target.certificate : "-",
			says);
		return ERR_CONFIG;
	default:
		snprintf(client->why, sizeof(client->why), "TLS with %s failed: %s",
			client_where(client), says);
		return ERR_TLS;
	}
}

static int broken_error(struct client *client, CURLcode code)
{
	if (client->overflow) {
		snprintf(client->why, sizeof(client->why), "authd's answer is larger than %u MiB",
			ANSWER_MAX >> 20);
		return ERR_HTTP;
	}
	snprintf(client->why, sizeof(client->why), "the connection to authd broke: %s",
		client->curl_says[0] != '\0' ? client->curl_says : curl_easy_strerror(code));
	return ERR_LOST;
}

/* What curl could not do, in our own terms. */
static int transport_error(struct client *client, CURLcode code)
{
	switch (code) {
	case CURLE_COULDNT_CONNECT:
		return connect_error(client);
	case CURLE_COULDNT_RESOLVE_HOST: /* also what curl says to a socket path that is too long */
		if (client_is_remote(client)) {
			snprintf(client->why, sizeof(client->why), "the name in %s has no address",
				client_where(client));
			return ERR_DNS;
		}
		/* fallthrough */
	case CURLE_URL_MALFORMAT:
		snprintf(client->why, sizeof(client->why), "%s cannot be the %s",
			client_where(client),
			client_is_remote(client) ? "address of a server" : "path of a socket");
		return ERR_CONNECT;
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_PROXY:
		snprintf(client->why, sizeof(client->why), "the proxy on the way to %s: %s",
			client_where(client), client->curl_says);
		return ERR_PROXY;
	case CURLE_OPERATION_TIMEDOUT:
		snprintf(client->why, sizeof(client->why), "authd did not answer within %g s",
			client->timeout_ms / 1000.0);
		return ERR_TIMEOUT;
	case CURLE_OUT_OF_MEMORY:
		snprintf(client->why, sizeof(client->why), "out of memory");
		return ERR_NOMEM;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CONNECT_ERROR:
		return tls_error(client, code);
	default:
		return broken_error(client, code);
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
		return status == 401 || status == 403 ? ERR_DENIED
			: status == 404               ? ERR_NOT_FOUND
						      : ERR_HTTP;
	}
	err = errcode_from_name(code);
	if (detail == NULL) {
		detail = err != ERR_INTERNAL ? errcode_text(err) : "authd gave no reason";
	}
	snprintf(client->why, sizeof(client->why), "%.600s (%.64s)", detail, code);
	return err != ERR_OK ? err : ERR_HTTP;
}

static int judge_answer(struct client *client, json_t **answer)
{
	json_error_t error;
	json_t *json = NULL;

	curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &client->status);
	curl_easy_getinfo(client->curl, CURLINFO_RETRY_AFTER, &client->retry_after);
	if (client->length > 0) {
		json = json_loadb(client->data, client->length, JSON_REJECT_DUPLICATES, &error);
	}
	if (client->status < 200 || client->status > 299) {
		int err = problem_error(client, client->status, json);

		json_decref(json);
		return err;
	}
	if (client->length > 0 && !json_is_object(json)) {
		snprintf(client->why, sizeof(client->why),
			"authd's answer is not a JSON object%s%s", json == NULL ? ": " : "",
			json == NULL ? error.text : "");
		json_decref(json);
		return ERR_HTTP;
	}
	*answer = json;
	return 0;
}

/* The headers of a request; NULL without memory. */
static struct curl_slist *make_headers(const struct client *client)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	struct curl_slist *more = headers;
	char line[512];

	if (headers != NULL && client->target.key != NULL && client_is_remote(client)) {
		snprintf(line, sizeof(line), "Authorization: Bearer %s", client->target.key);
		more = curl_slist_append(headers, line);
		explicit_bzero(line, sizeof(line));
	}
	if (more == NULL) {
		curl_slist_free_all(headers);
	}
	return more;
}

int client_request(struct client *client, const char *method, const char *path, const json_t *body,
	json_t **answer)
{
	char url[CLIENT_PATH_MAX + 512];
	char *text = NULL;
	struct curl_slist *headers = make_headers(client);
	CURLcode code = CURLE_OUT_OF_MEMORY;
	int err;

	*answer = NULL;
	client->length = 0;
	client->overflow = false;
	client->given_up = false;
	client->status = 0;
	client->retry_after = 0;
	client->date = 0;
	client->curl_says[0] = '\0';
	client->why[0] = '\0';
	snprintf(url, sizeof(url), "%s%s",
		client_is_remote(client) ? client->target.url : "http://localhost", path);
	if (body != NULL) {
		text = json_dumps(body, JSON_COMPACT);
	}
	if (headers != NULL && (body == NULL || text != NULL)) {
		set_options(client, method, url, text, headers);
		code = perform(client);
	}
	if (client->given_up) {
		snprintf(client->why, sizeof(client->why), "it was given up");
		err = ERR_CLOSED;
	} else {
		err = code == CURLE_OK ? judge_answer(client, answer)
				       : transport_error(client, code);
	}
	curl_slist_free_all(headers);
	if (text != NULL) {
		explicit_bzero(text, strlen(text)); /* it may hold a password */
		free(text);
	}
	return err;
}
