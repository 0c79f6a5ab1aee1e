/*
 * privdrop: gives root away for good.
 */
#ifndef COMMON_PRIVDROP_H
#define COMMON_PRIVDROP_H

#include "proto/errcode.h"

/*
 * Becomes user (its primary group, no supplementary groups) and sets no_new_privs; checks that root
 * cannot be had back. Without root it only sets no_new_privs, and fails with ERR_DENIED when user
 * names somebody else. user NULL or "": only no_new_privs. ERR_NOT_FOUND: no such user.
 */
int privdrop_become(const char *user) MUST_CHECK;

#endif
