/*
 * token_issue: builds the claims of a token and sees to the order place, record, sign. Must never
 * let a token out that the store did not take.
 */
#include "authd/token_issue.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "authd/jwks.h"
#include "authd/store_tokens.h"
#include "common/clock.h"
#include "proto/base64url.h"
#include "proto/token_claims.h"

#define JTI_BYTES 16u /* 128 random bits */

struct token_issue {
	struct token_issue_conf conf;
	_Atomic uint64_t life_s;
};

int token_issue_create(struct token_issue **out, const struct token_issue_conf *conf)
{
	struct token_issue *ti = calloc(1, sizeof(*ti));

	if (ti == NULL) {
		return ERR_NOMEM;
	}
	ti->conf = *conf;
	ti->life_s = conf->life_s;
	*out = ti;
	return 0;
}

void token_issue_destroy(struct token_issue *ti)
{
	free(ti);
}

void token_issue_set_life(struct token_issue *ti, uint64_t life_s)
{
	ti->life_s = life_s;
}

static int make_jti(char *out, size_t size)
{
	unsigned char bytes[JTI_BYTES];
	int err;

	do { /* one that begins with '-' would look like an option on a command line */
		randombytes_buf(bytes, sizeof(bytes));
		err = base64url_encode(bytes, sizeof(bytes), out, size);
	} while (err == 0 && out[0] == '-');
	return err;
}

/* What a user may do in a room. Data streams are off unless a room's policy allows them. */
static void set_grants(struct token_claims *c)
{
	c->publish = TOKEN_PUBLISH_AUDIO | TOKEN_PUBLISH_VIDEO | TOKEN_PUBLISH_SCREEN;
	c->subscribe = true;
	c->chat = true;
	c->moderate = false;
}

static int fill_claims(struct token_issue *ti, const struct token_order *order,
	const struct placement_spot *spot, struct token_claims *c)
{
	memset(c, 0, sizeof(*c));
	c->issued_at = (int64_t)time(NULL);
	c->expires_at = c->issued_at + (int64_t)ti->life_s;
	snprintf(c->issuer, sizeof(c->issuer), "%s", ti->conf.issuer);
	snprintf(c->audience, sizeof(c->audience), "%s", ti->conf.cluster);
	snprintf(c->user, sizeof(c->user), "%s", order->user);
	snprintf(c->participant, sizeof(c->participant), "%s%s%s", order->user,
		order->device != NULL ? "+" : "", order->device != NULL ? order->device : "");
	snprintf(c->display_name, sizeof(c->display_name), "%s",
		order->name != NULL ? order->name : order->user);
	snprintf(c->room, sizeof(c->room), "%s", order->room);
	set_grants(c);
	c->policy = (struct room_policy)ROOM_POLICY_INIT;
	snprintf(c->places[0], sizeof(c->places[0]), "%s:%u", spot->reflector, spot->port);
	c->place_count = 1;
	return make_jti(c->jti, sizeof(c->jti));
}

static int record(
	struct token_issue *ti, const struct store_actor *who, struct token_claims *c)
{
	struct store_token row = { .issued_at = c->issued_at, .expires_at = c->expires_at, .source = "user" };

	snprintf(row.jti, sizeof(row.jti), "%s", c->jti);
	snprintf(row.user, sizeof(row.user), "%s", c->user);
	snprintf(row.participant, sizeof(row.participant), "%s", c->participant);
	snprintf(row.room, sizeof(row.room), "%s", c->room);
	int err = store_token_add(ti->conf.store, who, &row, &c->rev);
	if (err == ERR_DENIED) {
		return ERR_LOGIN;
	}
	return err == ERR_EXISTS ? ERR_INTERNAL : err;
}

static int sign(struct token_issue *ti, const struct token_claims *c, char **token)
{
	json_t *payload = token_claims_build(c);

	if (payload == NULL) {
		return ERR_NOMEM;
	}
	int err = jws_sign(ti->conf.signer, TOKEN_TYP, payload, token);
	json_decref(payload);
	return err;
}

int token_issue_make(struct token_issue *ti, const struct store_actor *who,
	const struct token_order *order, struct token_issued *out)
{
	struct token_claims claims;
	int err = placement_find(
		ti->conf.placement, order->room, clock_now_ms(), (int64_t)time(NULL), &out->spot);

	if (err != 0) {
		return err == ERR_NOT_FOUND ? ERR_LOGIN : err;
	}
	err = fill_claims(ti, order, &out->spot, &claims);
	if (err == 0) {
		err = record(ti, who, &claims);
	}
	if (err == 0) {
		err = sign(ti, &claims, &out->token);
	}
	if (err == 0) {
		out->expires_at = claims.expires_at;
		snprintf(out->jti, sizeof(out->jti), "%s", claims.jti);
		snprintf(out->participant, sizeof(out->participant), "%s", claims.participant);
	}
	return err;
}

json_t *token_issue_jwks(const struct token_issue *ti)
{
	const struct jws_public *const keys[] = { jws_signer_public(ti->conf.signer) };

	return jwks_build(keys, 1);
}
