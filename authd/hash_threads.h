/*
 * hash_threads: threads of low priority that compute for others: what takes long and may be asked
 * for by strangers goes behind requests, TLS and links, also where there is one core. They hold no
 * lock of anybody else.
 */
#ifndef AUTHD_HASH_THREADS_H
#define AUTHD_HASH_THREADS_H

#include "proto/errcode.h"

#define HASH_THREADS_NICE 10

struct hash_threads;

/* ERR_NOMEM, ERR_SYSTEM. */
int hash_threads_create(struct hash_threads **out, unsigned count) MUST_CHECK;
/* Nobody may be in hash_threads_run() any more. */
void hash_threads_destroy(struct hash_threads *ht);

/* Has one of them call work(arg), and waits for its end. Any thread. */
void hash_threads_run(struct hash_threads *ht, void (*work)(void *arg), void *arg);

/* The processors that this process may use: not those that the machine has. */
unsigned hash_threads_cores(void);

#endif
