/*
 * control: the control messages the reflector sends. Handlers check every field; what is wrong ends
 * the session with a named error, what is unknown is answered and survived.
 */
#ifndef CLIENT_SDK_CONTROL_H
#define CLIENT_SDK_CONTROL_H

#include <jansson.h>

#include "client-sdk/session.h"

/* Handles one message: 0, or the error that ends the session. The session may be closed on return.
 */
int control_handle(struct session *s, const uint8_t *bytes, size_t len, int64_t now) MUST_CHECK;

/* control_roster.c: handlers of the messages about participants and streams. */
int control_on_roster(struct session *s, const json_t *message, int64_t now) MUST_CHECK;
int control_on_joined(struct session *s, const json_t *message, int64_t now) MUST_CHECK;
int control_on_left(struct session *s, const json_t *message, int64_t now) MUST_CHECK;
int control_on_published(struct session *s, const json_t *message, int64_t now) MUST_CHECK;
int control_on_unpublished(struct session *s, const json_t *message, int64_t now) MUST_CHECK;

/* control_moderation.c: the lobby, what moderators and administrators do. */
int control_on_lobby(struct session *s, const json_t *message, int64_t now) MUST_CHECK;
int control_on_waiting(struct session *s, const json_t *message, int64_t now) MUST_CHECK;
int control_on_waiting_left(struct session *s, const json_t *message, int64_t now) MUST_CHECK;
int control_on_muted(struct session *s, const json_t *message, int64_t now) MUST_CHECK;
int control_on_locked(struct session *s, const json_t *message, int64_t now) MUST_CHECK;
int control_on_policy(struct session *s, const json_t *message, int64_t now) MUST_CHECK;
int control_on_rekey(struct session *s, const json_t *message, int64_t now) MUST_CHECK;
int control_on_move(struct session *s, const json_t *message, int64_t now) MUST_CHECK;

/* A reason of left or bye: 0 for "bye", else the error of that name. */
int control_reason(const json_t *message);

#define CONTROL_HEARTBEAT_MIN_MS 50
#define CONTROL_HEARTBEAT_MAX_MS 600000

#endif
