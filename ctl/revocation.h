/*
 * revocation: POST /v1/revocations from --user, --room, --apikey; shared by token revoke and ban.
 */
#ifndef CTL_REVOCATION_H
#define CTL_REVOCATION_H

#include <stdint.h>

#include "ctl/ctl.h"

/* Asks first (or says what would happen). ban_s 0: tokens made so far, no ban. An exit status. */
int revocation_add(struct ctl *ctl, int64_t ban_s) MUST_CHECK;

#endif
