/*
 * errcode: names and sentences of the error codes. One table; the wire names are part of the
 * protocol (doc/protocol.md lists them) and never change their meaning.
 */
#include "proto/errcode.h"

#include <stddef.h>
#include <string.h>

static const struct {
	int err;
	const char *name;
	const char *text;
} table[] = {
	{ ERR_OK, "ok", "no error" },
	{ ERR_NOMEM, "no-memory", "out of memory" },
	{ ERR_SYSTEM, "system", "the operating system refused a call" },
	{ ERR_INVALID, "invalid-argument", "an argument makes no sense" },
	{ ERR_STATE, "wrong-state", "not possible in this state" },
	{ ERR_FULL, "full", "a queue or table is full" },
	{ ERR_CONFIG, "bad-settings", "the settings cannot be used" },
	{ ERR_DNS, "dns", "the name could not be resolved" },
	{ ERR_CONNECT, "connect", "the connection could not be made" },
	{ ERR_PROXY, "proxy", "the proxy refused or failed" },
	{ ERR_TLS, "tls", "the TLS handshake or record layer failed" },
	{ ERR_TLS_CERT, "tls-certificate", "the certificate is not trusted or not for this name" },
	{ ERR_TLS_PIN, "tls-pin", "the server's public key is not the pinned one" },
	{ ERR_TIMEOUT, "timeout", "no answer in time" },
	{ ERR_CLOSED, "closed", "the peer ended the connection" },
	{ ERR_LOST, "lost", "the connection was cut" },
	{ ERR_BAD_FRAME, "bad-frame", "a frame header is not valid" },
	{ ERR_TOO_LARGE, "too-large", "larger than the limit" },
	{ ERR_BAD_JSON, "bad-json", "not one JSON object within the limits" },
	{ ERR_BAD_FIELD, "bad-field", "a field is missing or has a bad value" },
	{ ERR_UNKNOWN_MESSAGE, "unknown-message", "a message of a type that is not known" },
	{ ERR_VERSION, "version", "no protocol version in common" },
	{ ERR_HELLO_EXPECTED, "hello-expected", "the first frame must be a hello" },
	{ ERR_SECOND_HELLO, "second-hello", "a connection takes one hello only" },
	{ ERR_DEADLINE, "deadline", "the peer did not do its part in time" },
	{ ERR_UNKNOWN_STREAM, "unknown-stream", "there is no such stream" },
	{ ERR_UNKNOWN_PARTICIPANT, "unknown-participant", "there is no such participant" },
	{ ERR_TOKEN_INVALID, "token-invalid", "the token is not valid" },
	{ ERR_TOKEN_EXPIRED, "token-expired", "the token has expired" },
	{ ERR_TOKEN_EARLY, "token-early", "the token is not valid yet" },
	{ ERR_TOKEN_AUDIENCE, "token-audience", "the token is for another cluster" },
	{ ERR_TOKEN_ROOM, "token-room", "the token is for another room" },
	{ ERR_TOKEN_PLACE, "token-place", "the room does not live at this port" },
	{ ERR_TOKEN_REVOKED, "token-revoked", "the token was revoked" },
	{ ERR_NOT_GRANTED, "not-granted", "the token does not allow this" },
	{ ERR_LIMIT, "limit", "a limit is reached" },
	{ ERR_REPLACED, "replaced", "the same participant joined again elsewhere" },
	{ ERR_TOO_SLOW, "too-slow", "the receiver was too slow to take control messages" },
	{ ERR_AUTHD_AWAY, "authd-away", "the reflector has no key from authd yet" },
	{ ERR_SHUTDOWN, "shutdown", "the server is ending" },
	{ ERR_TOKEN_NETWORK, "token-network", "the token may not be used from this address" },
	{ ERR_TOKEN_USED, "token-used", "the token was used already" },
	{ ERR_DUPLICATE, "duplicate", "the same participant is in the room already" },
	{ ERR_KICKED, "kicked", "a moderator has sent this participant away" },
	{ ERR_BANNED, "banned", "this participant may not return yet" },
	{ ERR_ROOM_LOCKED, "room-locked", "the room is locked" },
	{ ERR_ROOM_CLOSED, "room-closed", "the room is closed" },
	{ ERR_E2EE_REQUIRED, "e2ee-required", "the room requires end-to-end encryption" },
	{ ERR_MOVED, "moved", "the participant was sent to another room" },
	{ ERR_SESSION_OVER, "session-over", "the longest time a session may last has passed" },
	{ ERR_LOGIN, "login-failed", "user, password or room is wrong" },
	{ ERR_RATE, "rate", "too many requests" },
	{ ERR_NO_REFLECTOR, "no-reflector", "no reflector is up to hold the room" },
	{ ERR_HTTP, "http", "an HTTP answer that makes no sense" },
	{ ERR_NOT_FOUND, "not-found", "there is no such thing" },
	{ ERR_EXISTS, "exists", "it exists already" },
	{ ERR_DENIED, "denied", "the caller may not do this" },
	{ ERR_STORE, "store", "the database failed" },
	{ ERR_INTERNAL, "internal", "an internal error" },
};

#define TABLE_LEN (sizeof(table) / sizeof(table[0]))

const char *errcode_name(int err)
{
	for (size_t i = 0; i < TABLE_LEN; i++) {
		if (table[i].err == err) {
			return table[i].name;
		}
	}
	return "internal";
}

const char *errcode_text(int err)
{
	for (size_t i = 0; i < TABLE_LEN; i++) {
		if (table[i].err == err) {
			return table[i].text;
		}
	}
	return "an internal error";
}

int errcode_from_name(const char *name)
{
	for (size_t i = 0; i < TABLE_LEN; i++) {
		if (strcmp(table[i].name, name) == 0) {
			return table[i].err;
		}
	}
	return ERR_INTERNAL;
}
