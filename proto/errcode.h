/*
 * errcode: the one error enum of the tree. Every function that can fail returns 0 or one of these;
 * the codes of GnuTLS, jansson, curl and SQLite never leave the file that called them.
 *
 * The numbers are private to a process (the SDK's public header repeats them and asserts that they
 * agree). On the wire an error travels by its name, see errcode_name() and doc/protocol.md.
 */
#ifndef PROTO_ERRCODE_H
#define PROTO_ERRCODE_H

#define MUST_CHECK __attribute__((warn_unused_result))

enum errcode {
	ERR_OK = 0,

	/* local: the machine or the caller */
	ERR_NOMEM,
	ERR_SYSTEM, /* a system call failed; errno was logged where it happened */
	ERR_INVALID, /* the caller's argument makes no sense */
	ERR_STATE, /* not possible in this state */
	ERR_FULL, /* a bounded queue or table is full */
	ERR_CONFIG, /* the settings cannot be used */

	/* the path to the peer, by stage */
	ERR_DNS = 20,
	ERR_CONNECT,
	ERR_PROXY,
	ERR_TLS, /* handshake or record layer failed */
	ERR_TLS_CERT, /* the certificate is not trusted, or not for this name */
	ERR_TLS_PIN, /* the public key is not the pinned one */
	ERR_TIMEOUT,
	ERR_CLOSED, /* the peer ended the connection in order */
	ERR_LOST, /* the connection ended without an orderly close */

	/* the peer broke the protocol */
	ERR_BAD_FRAME = 40, /* header field out of range, or unknown kind */
	ERR_TOO_LARGE, /* payload over the negotiated limit */
	ERR_BAD_JSON, /* not one JSON object within the limits */
	ERR_BAD_FIELD, /* a field is missing or has a bad value */
	ERR_UNKNOWN_MESSAGE, /* a control message type nobody knows */
	ERR_VERSION, /* no protocol version in common */
	ERR_HELLO_EXPECTED, /* something else came before hello */
	ERR_SECOND_HELLO,
	ERR_DEADLINE, /* the peer did not do its part in time */
	ERR_UNKNOWN_STREAM,
	ERR_UNKNOWN_PARTICIPANT,

	/* the answer is no */
	ERR_TOKEN_INVALID = 60, /* not a token, or its signature does not hold */
	ERR_TOKEN_EXPIRED,
	ERR_TOKEN_EARLY, /* not valid yet */
	ERR_TOKEN_AUDIENCE, /* another cluster's token */
	ERR_TOKEN_ROOM, /* the token is for another room */
	ERR_TOKEN_PLACE, /* the room does not live on this worker */
	ERR_TOKEN_REVOKED,
	ERR_NOT_GRANTED, /* the token does not allow this */
	ERR_LIMIT, /* a stated limit is reached: streams, participants, rate */
	ERR_REPLACED, /* the same participant joined again elsewhere */
	ERR_TOO_SLOW, /* the receiver could not even take control messages */
	ERR_AUTHD_AWAY, /* no key of authd known (yet); try again later */
	ERR_SHUTDOWN, /* the daemon is ending */
	ERR_TOKEN_NETWORK, /* the token may not be used from this address */
	ERR_TOKEN_USED, /* consumed before */
	ERR_DUPLICATE, /* the same participant is there already and stays */

	/* the room or its moderator says no */
	ERR_KICKED = 110,
	ERR_BANNED,
	ERR_ROOM_LOCKED,
	ERR_ROOM_CLOSED,
	ERR_E2EE_REQUIRED,
	ERR_MOVED, /* sent to another room */
	ERR_SESSION_OVER, /* the longest time a session may last */

	/* authd's answers */
	ERR_LOGIN = 80, /* wrong user, password or room: never said which */
	ERR_RATE, /* too many requests: wait */
	ERR_NO_REFLECTOR, /* no reflector is up to hold the room */
	ERR_HTTP, /* an answer from authd that makes no sense */
	ERR_NOT_FOUND,
	ERR_EXISTS,
	ERR_DENIED, /* the caller may not do this */
	ERR_STORE, /* the database failed */

	ERR_INTERNAL = 99
};

/*
 * Name as it stands on the wire and in logs ("token-expired"); "internal" for a number that is no
 * error code. Static storage, any thread.
 */
const char *errcode_name(int err);

/* One sentence for a person, in English, without a full stop. Static storage, any thread. */
const char *errcode_text(int err);

/* The code for a wire name; ERR_INTERNAL for a name nobody knows (a newer peer's). */
int errcode_from_name(const char *name);

#endif
