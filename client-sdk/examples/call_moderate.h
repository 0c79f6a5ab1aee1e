/*
 * call_moderate: moderating by commands in the chat's input, and telling what others do.
 */
#ifndef CALL_MODERATE_H
#define CALL_MODERATE_H

#include "client-sdk/examples/call.h"

/* True when the line was a command: it is no chat. */
bool call_moderate_command(struct call *c, const char *text, size_t length);
/* Events from LOBBY to MOVED. */
void call_moderate_event(struct call *c, const struct helio_event *event);

#endif
