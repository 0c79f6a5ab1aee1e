/*
 * half_open: a list per source, and the choice of who gives way. Closes nothing itself.
 */
#include "reflector/half_open.h"

#include <netinet/in.h>
#include <stddef.h>

/* As much of an address as one customer usually has. */
#define PREFIX_V4 3u
#define PREFIX_V6 6u

void half_open_init(struct half_open *table, uint32_t seed)
{
	for (unsigned i = 0; i < HALF_OPEN_SOURCES; i++) {
		list_init(&table->from[i]);
		table->counts[i] = 0;
	}
	table->total = 0;
	table->seed = seed;
}

static unsigned source_of(const struct half_open *table, const struct sockaddr *sa)
{
	const uint8_t *bytes = NULL;
	size_t len = 0;
	uint32_t hash = 2166136261u ^ table->seed;

	if (sa->sa_family == AF_INET) {
		bytes = (const void *)&((const struct sockaddr_in *)(const void *)sa)->sin_addr;
		len = PREFIX_V4;
	} else if (sa->sa_family == AF_INET6) {
		bytes = ((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr.s6_addr;
		len = PREFIX_V6;
	}
	for (size_t i = 0; i < len; i++) {
		hash = (hash ^ bytes[i]) * 16777619u;
	}
	return (hash ^ hash >> 16) % HALF_OPEN_SOURCES;
}

void half_open_add(struct half_open *table, struct half_open_node *node, const struct sockaddr *sa)
{
	node->source = source_of(table, sa);
	node->listed = true;
	list_append(&table->from[node->source], &node->node);
	table->counts[node->source]++;
	table->total++;
}

void half_open_remove(struct half_open *table, struct half_open_node *node)
{
	if (!node->listed) {
		return;
	}
	node->listed = false;
	list_remove(&node->node);
	table->counts[node->source]--;
	table->total--;
}

struct half_open_node *half_open_crowd(struct half_open *table, unsigned min)
{
	unsigned most = 0;

	for (unsigned i = 1; i < HALF_OPEN_SOURCES; i++) {
		most = table->counts[i] > table->counts[most] ? i : most;
	}
	if (table->counts[most] == 0 || table->counts[most] < min) {
		return NULL;
	}
	return LIST_ENTRY(table->from[most].next, struct half_open_node, node);
}
