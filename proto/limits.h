/*
 * limits: every bound of the protocol and of what peers can make us hold, in one place.
 * doc/protocol.md states those a client can meet; a test meets each at N-1, N and N+1.
 */
#ifndef PROTO_LIMITS_H
#define PROTO_LIMITS_H

/* frames */
#define LIMIT_PAYLOAD_DEFAULT 16384u /* bytes, offered in welcome unless hello asks for less */
#define LIMIT_PAYLOAD_MIN 1200u /* bytes, the least a hello may ask for */
#define LIMIT_PAYLOAD_MAX 65536u /* bytes, the most that settings may allow */
#define LIMIT_PRE_HELLO_PAYLOAD 8192u /* bytes, before the hello is accepted */
#define LIMIT_PING_PAYLOAD 64u /* bytes */
#define LIMIT_CHAT_PAYLOAD 4096u /* bytes of text (or of its ciphertext) */

/* JSON */
#define LIMIT_JSON_DEPTH 16u
#define LIMIT_JSON_BYTES 65536u

/* names and ids, bytes without the terminating NUL */
#define LIMIT_NAME 64u /* room, user and reflector names: [A-Za-z0-9._@-] */
#define LIMIT_PARTICIPANT_ID 97u /* user, or user+device */
#define LIMIT_DEVICE 32u /* [A-Za-z0-9_-] */
#define LIMIT_DISPLAY_NAME 128u /* bytes of UTF-8 */
#define LIMIT_TOKEN 4096u /* bytes of the compact JWS */
#define LIMIT_JTI 64u
#define LIMIT_SOURCE 40u /* of a token: "invite:" and an id */
#define LIMIT_CODEC 32u
#define LIMIT_LABEL 64u

/* rooms */
#define LIMIT_STREAMS_PER_PARTICIPANT 8u
#define LIMIT_STREAM_IDS 4096u /* per room */
#define LIMIT_PARTICIPANTS_PER_ROOM 2000u
#define LIMIT_LANES_PER_SESSION 4u

#define LIMIT_LOBBY 100u /* waiting at once, per room */
#define LIMIT_LOBBY_MS 600000u
#define LIMIT_BAN_S 86400u /* longest ban a moderator may give */

/* ports (RFC 6335: the dynamic, or private, range) */
#define LIMIT_PORT_FIRST 49152u
#define LIMIT_PORT_LAST 65535u

/* times */
#define LIMIT_TLS_HANDSHAKE_MS 10000u
#define LIMIT_HELLO_MS 5000u /* from the end of the TLS handshake */
#define LIMIT_HEARTBEAT_MS 5000u /* default interval of pings, both ways */
#define LIMIT_KEYFRAME_REQUEST_MS 500u /* at most one request per stream in this time */
#define LIMIT_CLOCK_LEEWAY_S 30 /* tolerance on a token's nbf and iat, never on exp */

#endif
