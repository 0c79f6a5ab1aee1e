/*
 * store_core: the insides of struct store, for store.c, store_writer.c, store_migrate.c and
 * store_chain.c. Nobody else includes it (its unit test does, to fill the disk).
 */
#ifndef AUTHD_STORE_CORE_H
#define AUTHD_STORE_CORE_H

#include <pthread.h>

#include "authd/store_chain.h"
#include "authd/store_txn.h"
#include "common/list.h"

#define STORE_WAITING_MAX 1024u
#define STORE_BATCH_MAX 256u /* works in one transaction */

struct store_txn {
	struct db *db;
	bool failed; /* the database refused a statement: nothing of this transaction may stay */
	bool touched; /* the work that runs has changed something */
	bool wake;
	int64_t changed; /* by the last statement */
	struct store_chain chain;
};

struct store {
	const char *kind;
	int schema;

	pthread_mutex_t read_mutex; /* guards reader */
	struct db *reader;

	struct db *writer; /* the writer thread's alone, once it runs */
	pthread_t thread;
	bool running;
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t more, space;
	struct list waiting; /* struct store_job */
	size_t waiting_count;
	bool stop;
	struct store_stats stats;
	int64_t checked_ms; /* monotonic, of the last commit or check that was good; 0: none */

	struct db *watcher; /* PostgreSQL alone */
	pthread_t watch_thread;
	bool watching;
	pthread_mutex_t watch_mutex; /* guards what follows, also during the call */
	void (*watch_fn)(void *arg);
	void *watch_arg;
	void (*records_fn)(void *arg);
	void *records_arg;
};

/* What there is to tell behind a commit. */
struct store_news {
	bool links, records;
	struct store_stats stats; /* to be added to the store's */
};

/* Calls who watches. */
void store_changed_tell(struct store *st, struct store_news news);

/* Starts the writer thread. */
int store_writer_start(struct store *st) MUST_CHECK;
/* Ends it behind what is waiting. */
void store_writer_stop(struct store *st);

/* SQLite: ERR_STORE with why for a database that an old development version made, or for none. */
int store_migrate_check_old(struct db *db, char why[DB_WHY_SIZE]) MUST_CHECK;
/* ERR_STORE with why. */
int store_migrate(struct db *db, int *schema, char why[DB_WHY_SIZE]) MUST_CHECK;

#endif
