/*
 * store_chain: writes audit records, each with the SHA-256 over the hash of the record before and
 * its own fields. The end of the chain is in the table setting as well, so that a record which was
 * taken off the end is missed. store_audit.c reads and verifies.
 */
#include "authd/store_chain.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gnutls/crypto.h>

#include "authd/store_core.h"

#define HEAD "audit-head"

/* ---- the hash ---- */

/* Every field with its length before it: no two records have the same bytes. */
static int add_field(gnutls_hash_hd_t hash, const char *text)
{
	char head[24];
	size_t len = strlen(text);
	int n = snprintf(head, sizeof(head), "%zu:", len);

	return gnutls_hash(hash, head, (size_t)n) != 0 || gnutls_hash(hash, text, len) != 0
		? ERR_NOMEM
		: 0;
}

static int add_number(gnutls_hash_hd_t hash, int64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, number);
	return add_field(hash, text);
}

static void to_hex(const unsigned char *bytes, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * len] = '\0';
}

int store_chain_hash(
	const char *before, const struct store_audit_record *row, char out[STORE_AUDIT_HASH + 1])
{
	unsigned char digest[STORE_AUDIT_HASH / 2];
	gnutls_hash_hd_t hash;

	if (gnutls_hash_init(&hash, GNUTLS_DIG_SHA256) != 0) {
		return ERR_NOMEM;
	}
	const char *const texts[] = { row->actor, row->address, row->action, row->object,
		row->detail };
	int err = add_field(hash, before);
	if (err == 0) {
		err = add_number(hash, row->seq);
	}
	if (err == 0) {
		err = add_number(hash, row->at);
	}
	for (size_t i = 0; err == 0 && i < sizeof(texts) / sizeof(texts[0]); i++) {
		err = add_field(hash, texts[i]);
	}
	gnutls_hash_deinit(hash, digest);
	to_hex(digest, sizeof(digest), out);
	return err;
}

/* ---- the end of the chain ---- */

struct load {
	const struct store_txn *txn;
	struct store_chain *chain;
};

/*
 * The counter, "SEQ HASH" of the setting, and the greatest number that was given. All three say
 * the same number, or somebody was there: then it goes on behind the greatest, so that the service
 * does, and the chain shows the break.
 */
static int take_end(const struct db_row *row, void *arg)
{
	struct load *load = arg;
	struct store_chain *chain = load->chain;
	char text[STORE_AUDIT_HASH + 32];
	char *end = NULL;

	int64_t counter = store_row_int(load->txn, row, 0);
	store_row_text(load->txn, row, 1, text, sizeof(text));
	int64_t greatest = store_row_int(load->txn, row, 2);
	int64_t kept = strtoll(text, &end, 10);
	bool whole = *end == ' ' && strlen(end + 1) == STORE_AUDIT_HASH;
	chain->seq = counter > kept ? counter : kept;
	chain->seq = chain->seq > greatest ? chain->seq : greatest;
	chain->broken = counter != chain->seq || kept != chain->seq || greatest != chain->seq ||
		(chain->seq > 0 && !whole);
	if (whole) {
		memcpy(chain->hash, end + 1, STORE_AUDIT_HASH + 1);
	}
	return 0;
}

/* One statement: the three are of one moment. */
int store_chain_load(struct store_txn *txn, struct store_chain *chain)
{
	struct load load = { .txn = txn, .chain = chain };

	memset(chain, 0, sizeof(*chain));
	int err = store_run(txn,
		"SELECT coalesce((SELECT value FROM counter WHERE name = 'audit'), 0),"
		" coalesce((SELECT value FROM setting WHERE name = '" HEAD "'), ''),"
		" coalesce((SELECT max(seq) FROM audit), 0)",
		NULL, 0, take_end, &load);
	chain->loaded = err == 0;
	return err;
}

int store_chain_save(struct store_txn *txn)
{
	char head[STORE_AUDIT_HASH + 32];

	if (!txn->chain.grown) {
		return 0;
	}
	snprintf(head, sizeof(head), "%" PRId64 " %s", txn->chain.seq, txn->chain.hash);
	int err = store_run(txn, "UPDATE counter SET value = $1 WHERE name = 'audit'",
		STORE_VALUES(DB_I(txn->chain.seq)), NULL, NULL);
	if (err == 0) {
		err = store_run(txn,
			"INSERT INTO setting (name, value) VALUES ('" HEAD "', $1)"
			" ON CONFLICT (name) DO UPDATE SET value = $1",
			STORE_VALUES(DB_T(head)), NULL, NULL);
	}
	return err;
}

/* ---- one record ---- */

/* A detail that does not fit says so: what was done must not fail for its length. */
static int dump_detail(struct store_audit_record *row, const json_t *detail)
{
	size_t len = json_dumpb(
		detail, row->detail, sizeof(row->detail) - 1, JSON_COMPACT | JSON_SORT_KEYS);
	if (len == 0) {
		return ERR_NOMEM;
	}
	if (len >= sizeof(row->detail)) {
		len = (size_t)snprintf(row->detail, sizeof(row->detail), "{\"cut\":true}");
	}
	row->detail[len] = '\0';
	return 0;
}

static int fill_detail(
	struct store_audit_record *row, const json_t *detail, const struct store_actor *who)
{
	if (who->moderator[0] == '\0') {
		memcpy(row->detail, "{}", 3);
		return detail != NULL ? dump_detail(row, detail) : 0;
	}
	json_t *whole = json_object();
	int err = ERR_NOMEM;
	if (whole != NULL &&
		(detail == NULL || json_object_update(whole, (json_t *)(uintptr_t)detail) == 0) &&
		json_object_set_new(whole, "moderator", json_string(who->moderator)) == 0) {
		err = dump_detail(row, whole);
	}
	json_decref(whole);
	return err;
}

static int append(struct store_txn *txn, struct store_audit_record *row)
{
	struct store_chain *chain = &txn->chain;

	row->seq = chain->seq + 1;
	int err = store_chain_hash(chain->hash, row, row->hash);
	if (err == 0) {
		err = store_run(txn,
			"INSERT INTO audit (seq, at, actor, address, action, object, detail, hash)"
			" VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
			STORE_VALUES(DB_I(row->seq), DB_I(row->at), DB_T(row->actor),
				DB_T(row->address), DB_T(row->action), DB_T(row->object),
				DB_T(row->detail), DB_T(row->hash)),
			NULL, NULL);
	}
	if (err == 0) {
		chain->seq = row->seq;
		memcpy(chain->hash, row->hash, sizeof(chain->hash));
		chain->grown = true;
	}
	return err;
}

json_t *store_audit_json(const char *text)
{
	json_t *value = json_loads(text, 0, NULL);

	return value != NULL ? value : json_string(text);
}

json_t *store_audit_json_or_none(const char *text)
{
	json_t *value = store_audit_json(text);

	if (value != NULL && (json_is_string(value) || json_is_object(value)) &&
		json_object_size(value) == 0 && json_string_length(value) == 0) {
		json_decref(value);
		value = NULL;
	}
	return value;
}

int store_audit(struct store_txn *txn, const struct store_actor *who, const char *action,
	const char *object, const json_t *detail)
{
	struct store_audit_record row = { .at = (int64_t)time(NULL) };

	snprintf(row.actor, sizeof(row.actor), "%s", who->name);
	snprintf(row.address, sizeof(row.address), "%s", who->address);
	snprintf(row.action, sizeof(row.action), "%s", action);
	snprintf(row.object, sizeof(row.object), "%s", object);
	int err = fill_detail(&row, detail, who);
	if (err == 0 && !txn->chain.loaded) {
		err = store_chain_load(txn, &txn->chain);
	}
	return err != 0 ? err : append(txn, &row);
}
