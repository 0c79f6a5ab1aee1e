/*
 * impact: what a destroying command would meet, for --dry-run; and the question before it.
 */
#ifndef CTL_IMPACT_H
#define CTL_IMPACT_H

#include <stdbool.h>

#include "ctl/ctl.h"

struct impact {
	const char *question; /* "Close the room demo?" */
	/* which tokens are met: those that match all that is not NULL; none when all are NULL */
	const char *jti; /* or its beginning */
	const char *room, *user, *source; /* source: the id of an API key or invite */
	const char *also; /* what else would happen; NULL: nothing */
};

/*
 * With --dry-run counts live tokens and sessions and says so (*go false, nothing is changed); else
 * asks the question unless --yes was given. CTL_OK with *go true: do it.
 */
int impact_confirm(struct ctl *ctl, const struct impact *impact, bool *go) MUST_CHECK;

/* GET /v1/apikeys/NAME: the id of a key by its name into out. Complains itself. */
int impact_apikey_source(struct ctl *ctl, const char *name, char out[96]) MUST_CHECK;

#endif
