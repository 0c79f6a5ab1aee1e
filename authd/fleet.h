/*
 * fleet: what is said of a reflector, in the settings or in the store, put into the form that links
 * and placement work with.
 */
#ifndef AUTHD_FLEET_H
#define AUTHD_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "authd/settings.h"
#include "authd/store_reflectors.h"
#include "proto/errcode.h"

#define FLEET_RANGES_MAX 8u
#define FLEET_WEIGHT_MAX 1000

struct fleet_ports {
	struct {
		uint16_t first, last;
	} ranges[FLEET_RANGES_MAX];
	size_t count;
};

struct fleet_reflector {
	char name[LIMIT_NAME + 1];
	struct settings_addr control;
	char tls_name[AUTHD_TLS_NAME_MAX + 1];
	char address[64];
	struct fleet_ports ports, fallback;
	char pin[64]; /* of its link certificate; "": CA and name alone */
	char allowed[512]; /* "": where control is */
	int64_t weight;
	bool enrolled; /* from the store: authd's own CA signed for it; else from the settings */
	enum store_reflector_state state;
	char code[STORE_CODE + 1]; /* "": none is out */
	int64_t code_until;
	int64_t enrolled_at; /* 0: it never was */
};

/* "49152-49155,443"; "" is no port. ERR_BAD_FIELD. */
int fleet_ports_parse(struct fleet_ports *ports, const char *text) MUST_CHECK;
bool fleet_ports_have(const struct fleet_ports *ports, int64_t port);

/* "192.0.2.1,2001:db8::/32"; "" is none. ERR_BAD_FIELD. */
int fleet_allowed_check(const char *text) MUST_CHECK;
/* Whether a peer at this address (literal, "192.0.2.1:4711" or "[::1]:4711") may be the reflector.
 */
bool fleet_allows(const struct fleet_reflector *reflector, const char *peer);

void fleet_from_settings(struct fleet_reflector *out, const struct authd_reflector *conf);
/* ERR_BAD_FIELD: a row that nobody can use. */
int fleet_from_store(struct fleet_reflector *out, const struct store_reflector *row) MUST_CHECK;

/* Whether a link to the one is as good as a link to the other: weight and state may differ. */
bool fleet_same_link(const struct fleet_reflector *a, const struct fleet_reflector *b);

#endif
