/*
 * json_page: cuts a long JSON array into pages that fit a message.
 */
#ifndef REFLECTOR_JSON_PAGE_H
#define REFLECTOR_JSON_PAGE_H

#include <jansson.h>
#include <stddef.h>

#include "proto/errcode.h"

/* Bytes of the compact text of a value; 0 when it cannot be told (out of memory). */
size_t json_page_size(const json_t *value);

/*
 * Takes items from *at on (which moves) into a new array, as many as fit into limit bytes of text,
 * but at least one if there is one. ERR_NOMEM.
 */
int json_page_take(const json_t *items, size_t *at, size_t limit, json_t **page) MUST_CHECK;

#endif
