/*
 * store_writer: owns the one thread that changes the database. It takes all works that wait, runs
 * them in one transaction, commits, and lets their callers go. Must never answer 0 for what was not
 * committed, nor refuse a work for the fault of another one.
 */
#include <stdlib.h>
#include <string.h>

#include "authd/store_core.h"
#include "common/clock.h"

/* A caller that waits; on its stack. */
struct store_job {
	struct list node;
	store_work work;
	void *arg;
	int result;
	bool done;
	pthread_cond_t changed;
};

/* Works that are in one transaction, oldest first. */
struct batch {
	struct store_job *jobs[STORE_BATCH_MAX];
	size_t count;
};

static int plain(struct store_txn *txn, const char *sql)
{
	int err = txn->db->ops->run(txn->db, sql, NULL, 0, NULL, NULL, NULL);

	txn->failed = txn->failed || err != 0;
	return err;
}

enum outcome {
	COMMITTED,
	NEEDS_CARE, /* a work has to be taken back: all again, with savepoints */
	TAKEN_BACK, /* the database failed: each again, alone */
	UNKNOWN
};

/* Most works that refuse have changed nothing by then: no savepoints, which cost PostgreSQL two
 * round trips for each work. */
static enum outcome run_plain(struct store_txn *txn, struct store_job *job)
{
	txn->touched = false;
	job->result = job->work(txn, job->arg);
	if (txn->failed || job->result == ERR_STORE) {
		return TAKEN_BACK;
	}
	return job->result != 0 && txn->touched ? NEEDS_CARE : COMMITTED;
}

/* One work in its savepoint. */
static enum outcome run_careful(struct store_txn *txn, struct store_job *job)
{
	struct store_chain chain = txn->chain;
	bool wake = txn->wake;

	if (plain(txn, "SAVEPOINT work") != 0) {
		return TAKEN_BACK;
	}
	job->result = job->work(txn, job->arg);
	if (txn->failed || job->result == ERR_STORE) {
		return TAKEN_BACK;
	}
	if (job->result != 0) {
		txn->chain = chain;
		txn->wake = wake;
		if (plain(txn, "ROLLBACK TO SAVEPOINT work") != 0) {
			return TAKEN_BACK;
		}
	}
	return plain(txn, "RELEASE SAVEPOINT work") == 0 ? COMMITTED : TAKEN_BACK;
}

static int take_hash(const struct db_row *row, void *arg)
{
	struct store_txn *txn = arg;

	txn->changed = strcmp(txn->db->ops->row_text(row, 0), txn->chain.hash) == 0;
	return 0;
}

/*
 * The answer to a commit can be lost on its way although the commit was done; to run everything
 * again would then do it twice. The last audit record tells; begin() waits for the end of what the
 * server may still be at. ERR_STORE: nobody can say.
 */
static int was_committed(struct store_txn *txn, bool *committed)
{
	const struct db_value seq[] = { DB_I(txn->chain.seq) };
	int err = txn->db->ops->begin(txn->db);

	txn->changed = 0;
	if (err == 0 && txn->chain.grown) {
		err = txn->db->ops->run(txn->db, "SELECT hash FROM audit WHERE seq = $1", seq, 1,
			take_hash, txn, NULL);
	}
	txn->db->ops->rollback(txn->db);
	*committed = txn->changed != 0;
	return err;
}

static enum outcome commit(struct store_txn *txn)
{
	bool committed = false;

	if (txn->db->ops->commit(txn->db) == 0) {
		return COMMITTED;
	}
	txn->db->ops->rollback(txn->db);
	if (was_committed(txn, &committed) != 0) {
		return UNKNOWN;
	}
	return committed ? COMMITTED : TAKEN_BACK;
}

static void count_commit(struct store_stats *stats, size_t changes)
{
	unsigned size = 0;

	while (size < STORE_SIZES - 1 && changes > (size_t)1 << size) {
		size++;
	}
	stats->commits++;
	stats->changes += changes;
	stats->sizes[size]++;
}

static void add_stats(struct store_stats *to, const struct store_stats *more)
{
	to->commits += more->commits;
	to->changes += more->changes;
	for (unsigned i = 0; i < STORE_SIZES; i++) {
		to->sizes[i] += more->sizes[i];
	}
}

static enum outcome run_batch(
	struct db *db, struct batch *batch, bool careful, struct store_news *news)
{
	struct store_txn txn = { .db = db };
	enum outcome outcome = db->ops->begin(db) == 0 ? COMMITTED : TAKEN_BACK;

	for (size_t i = 0; i < batch->count && outcome == COMMITTED; i++) {
		outcome = careful ? run_careful(&txn, batch->jobs[i])
				  : run_plain(&txn, batch->jobs[i]);
	}
	if (outcome == COMMITTED &&
		(store_chain_save(&txn) != 0 || (txn.wake && db->ops->notify(db) != 0))) {
		outcome = TAKEN_BACK;
	}
	if (outcome != COMMITTED) {
		db->ops->rollback(db);
		return outcome;
	}
	news->links = news->links || txn.wake;
	news->records = news->records || txn.chain.grown;
	outcome = commit(&txn);
	if (outcome == COMMITTED) {
		count_commit(&news->stats, batch->count);
	}
	return outcome;
}

static void run_each(struct db *db, struct batch *batch, struct store_news *news)
{
	for (size_t i = 0; i < batch->count; i++) {
		struct batch one = { .jobs = { batch->jobs[i] }, .count = 1 };

		if (run_batch(db, &one, true, news) != COMMITTED) {
			one.jobs[0]->result = ERR_STORE;
		}
	}
}

/* First all at once; then, when one has to be taken back, with savepoints; and after a
 * failure each in a transaction of its own, once. */
static void run_all(struct db *db, struct batch *batch, struct store_news *news)
{
	enum outcome outcome = run_batch(db, batch, false, news);

	if (outcome == NEEDS_CARE) {
		outcome = run_batch(db, batch, true, news);
	}
	if (outcome == COMMITTED) {
		return;
	}
	if (outcome == TAKEN_BACK && batch->count > 1) {
		run_each(db, batch, news);
		return;
	}
	for (size_t i = 0; i < batch->count; i++) {
		batch->jobs[i]->result = ERR_STORE;
	}
}

/* With the mutex held. */
static void take_batch(struct store *st, struct batch *batch)
{
	batch->count = 0;
	while (!list_empty(&st->waiting) && batch->count < STORE_BATCH_MAX) {
		struct store_job *job = LIST_ENTRY(st->waiting.next, struct store_job, node);

		list_remove(&job->node);
		batch->jobs[batch->count++] = job;
	}
	st->waiting_count -= batch->count;
	pthread_cond_broadcast(&st->space);
}

static void finish_batch(struct store *st, struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		struct store_job *job = batch->jobs[i];

		if (job->result == 0 || job->result == ERR_STORE) {
			st->checked_ms = job->result == 0 ? (int64_t)clock_now_ms() : 0;
		}
		st->stats.failures += job->result == ERR_STORE;
		job->done = true;
		pthread_cond_signal(&job->changed);
	}
}

static void *run(void *arg)
{
	struct store *st = arg;
	struct batch batch;

	pthread_mutex_lock(&st->mutex);
	for (;;) {
		while (list_empty(&st->waiting) && !st->stop) {
			pthread_cond_wait(&st->more, &st->mutex);
		}
		if (list_empty(&st->waiting)) {
			break;
		}
		take_batch(st, &batch);
		pthread_mutex_unlock(&st->mutex);
		struct store_news news = { 0 };
		run_all(st->writer, &batch, &news);
		pthread_mutex_lock(&st->mutex);
		add_stats(&st->stats, &news.stats);
		finish_batch(st, &batch);
		if (news.links || news.records) {
			pthread_mutex_unlock(&st->mutex);
			store_changed_tell(st, news);
			pthread_mutex_lock(&st->mutex);
		}
	}
	pthread_mutex_unlock(&st->mutex);
	return NULL;
}

int store_write(struct store *st, store_work work, void *arg)
{
	struct store_job job = { .work = work, .arg = arg };

	pthread_cond_init(&job.changed, NULL);
	pthread_mutex_lock(&st->mutex);
	while (st->waiting_count >= STORE_WAITING_MAX) {
		pthread_cond_wait(&st->space, &st->mutex);
	}
	list_append(&st->waiting, &job.node);
	if (st->waiting_count++ == 0) {
		pthread_cond_signal(&st->more);
	}
	while (!job.done) {
		pthread_cond_wait(&job.changed, &st->mutex);
	}
	pthread_mutex_unlock(&st->mutex);
	pthread_cond_destroy(&job.changed);
	return job.result;
}

int store_writer_start(struct store *st)
{
	if (pthread_create(&st->thread, NULL, run, st) != 0) {
		return ERR_SYSTEM;
	}
	st->running = true;
	return 0;
}

void store_writer_stop(struct store *st)
{
	if (!st->running) {
		return;
	}
	pthread_mutex_lock(&st->mutex);
	st->stop = true;
	pthread_cond_signal(&st->more);
	pthread_mutex_unlock(&st->mutex);
	pthread_join(st->thread, NULL);
	st->running = false;
}
