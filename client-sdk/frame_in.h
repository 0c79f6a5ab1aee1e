/*
 * frame_in: what a frame from the reflector means: control, media, chat, ping, pong.
 */
#ifndef CLIENT_SDK_FRAME_IN_H
#define CLIENT_SDK_FRAME_IN_H

#include "client-sdk/session.h"

/* 0, or the error that ends the session. The session may be closed on return. */
int frame_in_handle(struct session *s, const struct frame_hdr *hdr, const uint8_t *payload,
	int64_t now) MUST_CHECK;

#endif
