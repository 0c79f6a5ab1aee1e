/*
 * moderate_inbox: "moderate" messages of authd, as the gate passes them on to a worker.
 */
#ifndef REFLECTOR_MODERATE_INBOX_H
#define REFLECTOR_MODERATE_INBOX_H

#include <jansson.h>

struct worker;

/* Does what it says and answers the gate with "moderated". */
void moderate_inbox_handle(struct worker *worker, const json_t *msg);

#endif
