/*
 * endpoint: parses authd's answer. An address is a literal or it is refused: the library resolves
 * no name that an answer contains.
 */
#include "client-sdk/endpoint.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "proto/msg.h"

#define DIGITS "0123456789"
#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" DIGITS
#define PIN_PREFIX "sha256/"

static bool is_made_of(const char *s, const char *characters)
{
	return *s != '\0' && s[strspn(s, characters)] == '\0';
}

static bool is_address(const char *s)
{
	struct in6_addr any;

	return inet_pton(AF_INET, s, &any) == 1 || inet_pton(AF_INET6, s, &any) == 1;
}

static bool is_pin(const char *s)
{
	size_t prefix = strlen(PIN_PREFIX);

	/* 32 bytes are 43 characters and one of padding. */
	return strlen(s) == ENDPOINT_PIN_LEN && strncmp(s, PIN_PREFIX, prefix) == 0 &&
		strspn(s + prefix, ALNUM "+/") == 43 && s[ENDPOINT_PIN_LEN - 1] == '=';
}

static int endpoint_parse(struct endpoint *endpoint, const json_t *object)
{
	const char *address, *tls_name, *pin = NULL;
	int64_t port;

	if (msg_get_string(object, "address", INET6_ADDRSTRLEN - 1, &address) != 0 ||
		msg_get_int(object, "port", 1, 65535, &port) != 0 ||
		msg_get_string(object, "tls_name", ENDPOINT_NAME_MAX, &tls_name) != 0 ||
		msg_opt_string(object, "pin", ENDPOINT_PIN_LEN, &pin) != 0) {
		return ERR_BAD_FIELD;
	}
	if (!is_address(address) || !is_made_of(tls_name, ALNUM ".:_-") ||
		(pin != NULL && !is_pin(pin))) {
		return ERR_BAD_FIELD;
	}
	snprintf(endpoint->address, sizeof(endpoint->address), "%s", address);
	snprintf(endpoint->tls_name, sizeof(endpoint->tls_name), "%s", tls_name);
	snprintf(endpoint->pin, sizeof(endpoint->pin), "%s", pin != NULL ? pin : "");
	endpoint->port = (uint16_t)port;
	return 0;
}

static int endpoints_parse(struct endpoint_answer *answer, const json_t *object)
{
	const json_t *array;

	if (msg_get_array(object, "endpoints", ENDPOINT_MAX, &array) != 0 ||
		json_array_size(array) == 0) {
		return ERR_BAD_FIELD;
	}
	for (size_t i = 0; i < json_array_size(array); i++) {
		if (endpoint_parse(&answer->endpoints[i], json_array_get(array, i)) != 0) {
			return ERR_BAD_FIELD;
		}
		answer->count++;
	}
	return 0;
}

static int answer_fill(struct endpoint_answer *answer, const json_t *object)
{
	const char *token, *room;

	if (msg_get_string(object, "token", LIMIT_TOKEN, &token) != 0 ||
		msg_get_string(object, "room", LIMIT_NAME, &room) != 0) {
		return ERR_BAD_FIELD;
	}
	if (!is_made_of(token, ALNUM "._-") || !msg_is_name(room)) {
		return ERR_BAD_FIELD;
	}
	snprintf(answer->token, sizeof(answer->token), "%s", token);
	snprintf(answer->room, sizeof(answer->room), "%s", room);
	return endpoints_parse(answer, object);
}

int endpoint_answer_parse(struct endpoint_answer *answer, const char *text, size_t len)
{
	json_t *object;
	int err;

	memset(answer, 0, sizeof(*answer));
	err = msg_parse_object(text, len, &object);
	if (err != 0) {
		return err;
	}
	err = answer_fill(answer, object);
	json_decref(object);
	if (err != 0) {
		endpoint_answer_wipe(answer);
	}
	return err;
}

void endpoint_answer_wipe(struct endpoint_answer *answer)
{
	explicit_bzero(answer, sizeof(*answer));
}
