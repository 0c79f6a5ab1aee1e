/*
 * authd_load: many clients that ask authd for tokens, each with a connection of its own that stays
 * open, and how long the answers took.
 */
#ifndef TESTS_TOOLS_AUTHD_LOAD_H
#define TESTS_TOOLS_AUTHD_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOAD_CLIENTS_MAX 256u
#define LOAD_STATUS_COUNT 600u

struct load_options {
	const char *url, *ca_file;
	const char *key_file; /* an API key; NULL: a password */
	const char *password_file;
	const char *user, *room;
	bool number_users; /* user-0, user-1 ...: another for each request */
	unsigned clients;
	unsigned addresses; /* they come from so many, 127.0.1.1 on; 0: the kernel's choice */
	double seconds;
	double rate; /* requests a second over all clients; 0: as fast as they go */
};

/* What one client saw. */
struct load_result {
	uint32_t status[LOAD_STATUS_COUNT]; /* by HTTP status; 0: no answer */
	uint32_t *took_us; /* of every request, from the moment it was due */
	size_t count, room;
	char first_error[160];
};

/* Runs it; results has one entry per client. false when a thread or memory is not to be had. */
bool authd_load_run(const struct load_options *options, struct load_result *results);

#endif
