/*
 * contexts: the servers that helioctl knows, in $XDG_CONFIG_HOME/helioctl/config (JSON). There are
 * keys in that file, so it is used only while nobody else can read it.
 */
#ifndef CTL_CONTEXTS_H
#define CTL_CONTEXTS_H

#include <jansson.h>

#include "ctl/client.h"
#include "ctl/ctl.h"

#define CONTEXT_LOCAL "local" /* always there: the Unix socket */

/*
 * Reads the file: {"current": NAME, "contexts": {NAME: {"url", "ca", "key", "certificate",
 * "certificate_key"}}}. A file that is not there is an empty one. Complains itself; CTL_OK or
 * CTL_FAILED. *out is the caller's to json_decref().
 */
int contexts_load(json_t **out) MUST_CHECK;
/* Writes it, whole or not at all, with mode 0600. Complains itself. */
int contexts_save(const json_t *contexts) MUST_CHECK;

/*
 * Chooses: --socket, --context, $HELIO_SOCKET, $HELIOCTL_CONTEXT, the file's current one, the
 * installation's socket. target borrows from ctl, the environment and *contexts (may become NULL;
 * the caller's). Complains itself.
 */
int contexts_choose(
	const struct ctl *ctl, struct client_target *target, json_t **contexts) MUST_CHECK;

/* Why a name cannot be one of a context; NULL when it can. */
const char *contexts_judge_name(const char *name);
/* Why this cannot be the address of a server ("https://HOST[:PORT]"); NULL when it can. */
const char *contexts_judge_url(const char *url);

#endif
