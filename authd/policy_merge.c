/*
 * policy_merge: puts grants of several sources together, each of which can only take away. A field
 * that none of them mentions has its default only at the very end.
 */
#include "authd/policy_merge.h"

#include <string.h>

/* Whether everything in inner is in outer too. */
static bool net_covers(const struct token_net *outer, const struct token_net *inner)
{
	unsigned whole = outer->bits / 8, rest = outer->bits % 8;

	if (outer->len != inner->len || outer->bits > inner->bits ||
		memcmp(outer->addr, inner->addr, whole) != 0) {
		return false;
	}
	unsigned mask = (0xff00u >> rest) & 0xffu;

	return rest == 0 || ((outer->addr[whole] ^ inner->addr[whole]) & mask) == 0;
}

struct net_set {
	struct token_net nets[TOKEN_NETS_MAX];
	size_t count;
	bool overflow;
};

static void add_net(struct net_set *set, const struct token_net *net)
{
	for (size_t i = 0; i < set->count; i++) {
		if (net_covers(&set->nets[i], net)) {
			return;
		}
	}
	if (set->count == TOKEN_NETS_MAX) {
		set->overflow = true;
		return;
	}
	set->nets[set->count++] = *net;
}

/* Two networks are apart or one is inside the other, so the smaller ones are what they share. */
static int narrow_networks(struct policy_grants *into, const struct policy_grants *by)
{
	struct net_set both = { .count = 0 };

	if (by->net_count == 0) {
		return 0;
	}
	if (into->net_count == 0) {
		memcpy(into->nets, by->nets, sizeof(into->nets));
		into->net_count = by->net_count;
		return 0;
	}
	for (size_t i = 0; i < into->net_count; i++) {
		for (size_t k = 0; k < by->net_count; k++) {
			if (net_covers(&into->nets[i], &by->nets[k])) {
				add_net(&both, &by->nets[k]);
			} else if (net_covers(&by->nets[k], &into->nets[i])) {
				add_net(&both, &into->nets[i]);
			}
		}
	}
	if (both.overflow) {
		return ERR_LIMIT;
	}
	if (both.count == 0) {
		return ERR_NOT_GRANTED;
	}
	memcpy(into->nets, both.nets, sizeof(into->nets));
	into->net_count = both.count;
	return 0;
}

static void narrow_bool(bool *has, bool *value, bool by_has, bool by_value)
{
	if (by_has) {
		*value = by_value && (!*has || *value);
		*has = true;
	}
}

/* From the strictest on: an older session is a nuisance to who comes, a second one to others. */
static unsigned strictness(enum token_duplicate duplicate)
{
	return duplicate == TOKEN_DUP_REJECT ? 2 : duplicate == TOKEN_DUP_REPLACE ? 1 : 0;
}

static void narrow_duplicate(struct policy_grants *into, const struct policy_grants *by)
{
	if (by->has_duplicate &&
		(!into->has_duplicate || strictness(by->duplicate) > strictness(into->duplicate))) {
		into->duplicate = by->duplicate;
		into->has_duplicate = true;
	}
}

int policy_merge_narrow(struct policy_grants *into, const struct policy_grants *by)
{
	if (by->has_publish) {
		into->publish = into->has_publish ? into->publish & by->publish : by->publish;
		into->has_publish = true;
	}
	narrow_bool(&into->has_subscribe, &into->subscribe, by->has_subscribe, by->subscribe);
	narrow_bool(&into->has_chat, &into->chat, by->has_chat, by->chat);
	narrow_bool(&into->has_moderate, &into->moderate, by->has_moderate, by->moderate);
	narrow_bool(&into->has_hidden, &into->hidden, by->has_hidden, by->hidden);
	for (unsigned i = 0; i < TOKEN_KINDS; i++) {
		if (by->bitrate[i] != 0 &&
			(into->bitrate[i] == 0 || by->bitrate[i] < into->bitrate[i])) {
			into->bitrate[i] = by->bitrate[i];
		}
	}
	if (by->session_s != 0 && (into->session_s == 0 || by->session_s < into->session_s)) {
		into->session_s = by->session_s;
	}
	narrow_duplicate(into, by);
	return narrow_networks(into, by);
}

void policy_merge_settle(struct policy_grants *g)
{
	if (!g->has_publish) {
		g->publish = TOKEN_PUBLISH_AUDIO | TOKEN_PUBLISH_VIDEO | TOKEN_PUBLISH_SCREEN;
	}
	g->subscribe = !g->has_subscribe || g->subscribe;
	g->chat = !g->has_chat || g->chat;
	g->moderate = g->has_moderate && g->moderate;
	g->hidden = g->has_hidden && g->hidden;
	if (!g->has_duplicate) {
		g->duplicate = TOKEN_DUP_REPLACE;
	}
	g->has_publish = g->has_subscribe = g->has_chat = true;
	g->has_moderate = g->has_hidden = g->has_duplicate = true;
}
