/*
 * route_status: what readyz, the metrics and GET /v1/status judge alike.
 */
#ifndef AUTHD_ROUTE_STATUS_H
#define AUTHD_ROUTE_STATUS_H

#include <stdbool.h>

#include "authd/keyring.h"
#include "authd/routes.h"

bool route_store_works(const struct routes_ctx *ctx);
/* The key that signs now. False: there is none. */
bool route_signing_key(const struct routes_ctx *ctx, struct keyring_key *out);

#endif
