/*
 * control_out: the control messages we send (doc/protocol.md, section 5). Each queues one message:
 * 0, ERR_FULL or ERR_NOMEM.
 */
#ifndef CLIENT_SDK_CONTROL_OUT_H
#define CLIENT_SDK_CONTROL_OUT_H

#include "client-sdk/session.h"

int control_out_hello(struct session *s) MUST_CHECK;
int control_out_bye(struct session *s) MUST_CHECK;
int control_out_publish(
	struct session *s, const struct helio_stream *stream, int64_t req) MUST_CHECK;
/* Goes behind the media of the publication. */
int control_out_unpublish(struct session *s, struct publication *publication) MUST_CHECK;
/* what is "subscribe" or "unsubscribe". */
int control_out_subscription(struct session *s, const char *what, uint16_t stream) MUST_CHECK;
int control_out_keyframe(struct session *s, uint16_t stream) MUST_CHECK;
int control_out_layers(
	struct session *s, uint16_t stream, unsigned spatial, unsigned temporal) MUST_CHECK;
/* kinds: HELIO_KIND_BIT() or-ed. */
int control_out_mute(
	struct session *s, uint16_t participant, unsigned kinds, bool muted) MUST_CHECK;
int control_out_kick(struct session *s, uint16_t participant, unsigned ban_s,
	const char *text) MUST_CHECK;
int control_out_lock(struct session *s, bool locked) MUST_CHECK;
/* what is "admit" or "deny". */
int control_out_lobby(struct session *s, const char *what, uint16_t participant) MUST_CHECK;
int control_out_error(struct session *s, int error, const char *about) MUST_CHECK;

const char *control_kind_name(enum helio_kind kind);
/* False for a name that is no kind. */
bool control_kind_from_name(const char *name, enum helio_kind *kind);

#endif
