/*
 * starve: makes the Nth allocation of a child process fail, and counts what it has not freed. For
 * programs linked with malloc, calloc, realloc, strdup, free and json_loadb wrapped.
 */
#ifndef TESTS_UNIT_STARVE_H
#define TESTS_UNIT_STARVE_H

#include <stdbool.h>

/* Shared with the child, so that it can be read while and after that runs. */
struct tally {
	unsigned fail_at; /* 0: never */
	bool for_good; /* all from that one on fail */
	unsigned allocations;
	bool failed;
	long live;
};

extern struct tally *tally;
extern bool starve_counting; /* to be set in the child alone */

void starve_init(void);
void starve_finish(void);

#endif
