/*
 * store_schema: the migrations, as SQL scripts; number 1 is store_migrations[0].
 */
#ifndef AUTHD_STORE_SCHEMA_H
#define AUTHD_STORE_SCHEMA_H

extern const char *const store_migrations[];
extern const int store_migration_count;

#endif
