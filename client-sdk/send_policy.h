/*
 * send_policy: what the send queue drops. Part of send; nobody else includes this.
 */
#ifndef CLIENT_SDK_SEND_POLICY_H
#define CLIENT_SDK_SEND_POLICY_H

#include "client-sdk/send.h"

/* Whether a new frame may enter the list; when not, it is counted as dropped. */
bool send_policy_admit(struct send_queue *q, const struct send_list *list,
	struct send_source *source, const struct helio_frame *frame);

/* Unlinks and frees item; before is its predecessor or NULL. */
void send_list_remove(struct send_list *list, struct send_item *before, struct send_item *item);

#endif
