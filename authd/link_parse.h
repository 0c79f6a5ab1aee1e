/*
 * link_parse: what reflectors say on the control link, checked. A reflector stands in the DMZ: what
 * it says is believed about itself only, and within bounds.
 */
#ifndef AUTHD_LINK_PARSE_H
#define AUTHD_LINK_PARSE_H

#include <jansson.h>

#include "authd/link.h"

/* link-welcome: fills pin and workers. ERR_VERSION, ERR_BAD_FIELD; view->detail says why. */
int link_parse_welcome(struct link_view *view, const json_t *msg) MUST_CHECK;

/* report: updates the workers it names; those that the welcome did not name are passed over. */
int link_parse_report(struct link_view *view, const json_t *msg, uint64_t now_ms) MUST_CHECK;

#endif
