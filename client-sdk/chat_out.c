/*
 * chat_out: a small table of unacknowledged messages. Ids are never 0, and never used twice before
 * 2^32 messages.
 */
#include "client-sdk/chat_out.h"

#include <string.h>

uint32_t chat_out_next(const struct chat_out *chat)
{
	uint32_t id = chat->last_id + 1;

	if (chat->count == CHAT_OUT_MAX) {
		return 0;
	}
	return id != 0 ? id : 0x10000u; /* the same low bits, so that seq goes on by one */
}

void chat_out_add(struct chat_out *chat)
{
	chat->last_id = chat_out_next(chat);
	chat->ids[chat->count++] = chat->last_id;
}

static uint32_t take_at(struct chat_out *chat, size_t at)
{
	uint32_t id = chat->ids[at];

	chat->count--;
	memmove(&chat->ids[at], &chat->ids[at + 1], (chat->count - at) * sizeof(chat->ids[0]));
	return id;
}

uint32_t chat_out_take(struct chat_out *chat, uint16_t seq)
{
	for (size_t i = 0; i < chat->count; i++) {
		if ((uint16_t)chat->ids[i] == seq) {
			return take_at(chat, i);
		}
	}
	return 0;
}

uint32_t chat_out_take_first(struct chat_out *chat)
{
	return chat->count > 0 ? take_at(chat, 0) : 0;
}
