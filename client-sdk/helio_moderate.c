/*
 * helio_moderate: the public functions of those who may moderate. They check and queue; what the
 * reflector makes of it comes back as events.
 */
#include <helio.h>

#include <string.h>

#include "client-sdk/control_out.h"
#include "client-sdk/handle.h"
#include "proto/msg.h"

#define ALL_KINDS                                                                                  \
	(HELIO_KIND_BIT(HELIO_AUDIO) | HELIO_KIND_BIT(HELIO_VIDEO) |                               \
		HELIO_KIND_BIT(HELIO_SCREEN) | HELIO_KIND_BIT(HELIO_DATA))

/* What is asked for, one of: */
struct wish {
	enum { WISH_MUTE, WISH_KICK, WISH_LOCK, WISH_ADMIT, WISH_DENY } what;
	uint16_t participant;
	unsigned kinds, ban_s;
	bool on;
	const char *text;
};

static int send_wish(struct session *s, const struct wish *wish)
{
	switch (wish->what) {
	case WISH_MUTE:
		return control_out_mute(s, wish->participant, wish->kinds, wish->on);
	case WISH_KICK:
		return control_out_kick(s, wish->participant, wish->ban_s, wish->text);
	case WISH_LOCK:
		return control_out_lock(s, wish->on);
	case WISH_ADMIT:
		return control_out_lobby(s, "admit", wish->participant);
	case WISH_DENY:
		return control_out_lobby(s, "deny", wish->participant);
	}
	return HELIO_ERR_INVALID;
}

static int ask(struct helio *h, const struct wish *wish)
{
	int err;

	if (h == NULL || (wish->what != WISH_LOCK && wish->participant == 0)) {
		return HELIO_ERR_INVALID;
	}
	handle_lock(h);
	err = session_is_joined(&h->session) ? send_wish(&h->session, wish) : HELIO_ERR_STATE;
	if (err == 0) {
		handle_wake(h);
	}
	handle_unlock(h);
	return err;
}

int helio_mute(struct helio *h, uint16_t participant, unsigned kinds, int muted)
{
	const struct wish wish = {
		.what = WISH_MUTE, .participant = participant, .kinds = kinds, .on = muted != 0
	};

	return kinds == 0 || (kinds & ~ALL_KINDS) != 0 ? HELIO_ERR_INVALID : ask(h, &wish);
}

int helio_kick(struct helio *h, uint16_t participant, unsigned ban_s, const char *text)
{
	const struct wish wish = {
		.what = WISH_KICK, .participant = participant, .ban_s = ban_s, .text = text
	};

	return ban_s > LIMIT_BAN_S || (text != NULL && !msg_is_display_name(text))
		? HELIO_ERR_INVALID
		: ask(h, &wish);
}

int helio_lock(struct helio *h, int locked)
{
	const struct wish wish = { .what = WISH_LOCK, .on = locked != 0 };

	return ask(h, &wish);
}

int helio_admit(struct helio *h, uint16_t participant)
{
	const struct wish wish = { .what = WISH_ADMIT, .participant = participant };

	return ask(h, &wish);
}

int helio_deny(struct helio *h, uint16_t participant)
{
	const struct wish wish = { .what = WISH_DENY, .participant = participant };

	return ask(h, &wish);
}
