/*
 * participant: the table of participants, shared with `room show`.
 */
#ifndef CTL_PARTICIPANT_H
#define CTL_PARTICIPANT_H

#include <jansson.h>

#include "ctl/ctl.h"

/* items is an array as in the answer of GET /v1/participants; borrowed. Returns an exit status. */
int participant_table(struct ctl *ctl, const json_t *items) MUST_CHECK;

#endif
