/*
 * metrics: numbers for Prometheus (text format 0.0.4). Requests are counted here; what others know
 * of themselves is asked when somebody looks.
 */
#ifndef AUTHD_METRICS_H
#define AUTHD_METRICS_H

#include <stdint.h>
#include <stdio.h>

#include "proto/errcode.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct metrics;

enum metrics_count {
	METRICS_LOGIN_OK,
	METRICS_LOGIN_FAILED,
	METRICS_LOGIN_LIMITED,
	METRICS_TOKEN_PASSWORD,
	METRICS_TOKEN_INVITE,
	METRICS_TOKEN_APIKEY,
	METRICS_RATE_LIMITED, /* requests refused by address, key or user */
	METRICS_COUNTS
};

int metrics_create(struct metrics **out) MUST_CHECK;
void metrics_destroy(struct metrics *m);

/* A request was answered. method and route are static text. NULL for m is fine. Any thread. */
void metrics_request(
	struct metrics *m, const char *method, const char *route, int status, uint64_t ms);
void metrics_add(struct metrics *m, enum metrics_count what);

/* Writes what is counted here. */
void metrics_write(struct metrics *m, FILE *out);

/* For others' numbers: "# HELP" and "# TYPE" (gauge, counter), once before the samples. */
void metrics_head(FILE *out, const char *name, const char *type, const char *help);
/* value of a label, escaped */
void metrics_label(FILE *out, const char *value);

#endif
