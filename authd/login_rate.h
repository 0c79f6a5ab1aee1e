/*
 * login_rate: how often logins may fail, by address, by user, and by both. A table of fixed size
 * (1.5 MiB): when it is full, the entry nearest to being forgotten gives way, which a pair that
 * logged in never is before strangers' are gone. Every key has a budget of failures that fills up
 * again with time. It lives in memory: after a start nobody is known, and no failure counted.
 */
#ifndef AUTHD_LOGIN_RATE_H
#define AUTHD_LOGIN_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/errcode.h"

/* Failures in a row, and the time after which one of them is forgiven. */
#define LOGIN_RATE_ADDRESS_BURST 30u
#define LOGIN_RATE_ADDRESS_MS 2000u
#define LOGIN_RATE_USER_BURST 10u
#define LOGIN_RATE_USER_MS 6000u

struct login_rate;

int login_rate_create(struct login_rate **out) MUST_CHECK;
void login_rate_destroy(struct login_rate *rate);

/* Before a login: takes one failure from the budgets of address and user in advance, so that many
 * attempts at once count too. 0, or the seconds to wait; then nothing was taken. now_ms is
 * monotonic. A user who logged in from this address before (*known, which may be NULL) has one
 * budget of his own there instead, so that strangers elsewhere, or behind the same address, cannot
 * lock him out. An address is an IPv6 /64, or one IPv4 address. Any thread. */
unsigned login_rate_take(struct login_rate *rate, const char *address, const char *user,
	uint64_t now_ms, bool *known);

/* The login held: gives back what was taken, and remembers address and user as a pair that works.
 */
void login_rate_success(
	struct login_rate *rate, const char *address, const char *user, uint64_t now_ms);

/* The login was not tried (no room in the queue): gives back. */
void login_rate_return(
	struct login_rate *rate, const char *address, const char *user, uint64_t now_ms);

#endif
