/*
 * half_open: connections that have not joined yet, by where they come from, so that one network
 * which opens many takes its own places and not those of others. Networks share a source by chance
 * where there are more of them than sources.
 */
#ifndef REFLECTOR_HALF_OPEN_H
#define REFLECTOR_HALF_OPEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/list.h"

#define HALF_OPEN_SOURCES 256u

struct half_open {
	struct list from[HALF_OPEN_SOURCES]; /* oldest first */
	unsigned counts[HALF_OPEN_SOURCES];
	unsigned total;
	uint32_t seed; /* nobody outside can choose whom to share a source with */
};

/* What is kept in each connection. */
struct half_open_node {
	struct list node;
	unsigned source;
	bool listed;
};

void half_open_init(struct half_open *table, uint32_t seed);
void half_open_add(struct half_open *table, struct half_open_node *node, const struct sockaddr *sa);
/* Does nothing for one that was taken out already. */
void half_open_remove(struct half_open *table, struct half_open_node *node);

/* The oldest one of the source that has most; NULL where none has at least min. */
struct half_open_node *half_open_crowd(struct half_open *table, unsigned min);

#endif
