/*
 * query: a worker's answers to what authd asks about rooms and participants.
 */
#ifndef REFLECTOR_QUERY_H
#define REFLECTOR_QUERY_H

#include <jansson.h>

#define QUERY_PAGE_BYTES 49152u /* of items; a message stays under 64 KiB */

struct worker;

/* msg is a query: one or more answers go to the gate, the last with "more" false. */
void query_handle(struct worker *worker, const json_t *msg);

#endif
