/*
 * chat_out: our chat messages that the reflector has not acknowledged yet. Bounded.
 */
#ifndef CLIENT_SDK_CHAT_OUT_H
#define CLIENT_SDK_CHAT_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHAT_OUT_MAX 256u

struct chat_out {
	uint32_t ids[CHAT_OUT_MAX]; /* in the order they were sent; the low 16 bits are the seq */
	size_t count;
	uint32_t last_id;
};

/* The id the next message will have; 0 when the table is full. It counts once it was added. */
uint32_t chat_out_next(const struct chat_out *chat);
void chat_out_add(struct chat_out *chat);
/* Takes the message with that seq out; 0 when there is none. */
uint32_t chat_out_take(struct chat_out *chat, uint16_t seq);
/* Takes the oldest out; 0 when there is none. */
uint32_t chat_out_take_first(struct chat_out *chat);

#endif
