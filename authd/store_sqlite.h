/*
 * store_sqlite: the store in one SQLite file.
 */
#ifndef AUTHD_STORE_SQLITE_H
#define AUTHD_STORE_SQLITE_H

#include "authd/store.h"

/* Opens or makes the database and brings its schema up to date. The file is made with mode 0600.
 * On failure why says what, why and what to do. ops->destroy() closes it. */
int store_sqlite_open(struct store **out, const char *file, char why[512]) MUST_CHECK;

#endif
