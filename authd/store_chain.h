/* store_chain: the hash chain of audit records, for store_chain.c and store_audit.c. */
#ifndef AUTHD_STORE_CHAIN_H
#define AUTHD_STORE_CHAIN_H

#include "authd/store_audit.h"
#include "authd/store_txn.h"

/* The end of the chain, as a transaction has it so far. */
struct store_chain {
	bool loaded, grown;
	bool broken; /* what is kept of the end makes no sense: somebody was there */
	int64_t seq; /* the greatest number that any of them knows; 0: no record yet */
	char hash[STORE_AUDIT_HASH + 1];
};

/* The hash of a record behind one with the hash before ("" for the first). ERR_NOMEM. */
int store_chain_hash(const char *before, const struct store_audit_record *row,
	char out[STORE_AUDIT_HASH + 1]) MUST_CHECK;

/* The end of the chain as the database has it. */
int store_chain_load(struct store_txn *txn, struct store_chain *chain) MUST_CHECK;
/* Writes the end of the chain, when it has grown. */
int store_chain_save(struct store_txn *txn) MUST_CHECK;

#endif
