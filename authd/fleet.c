/*
 * fleet: parses ports and allowed addresses. Opens nothing and looks nothing up.
 */
#include "authd/fleet.h"

#include <stdio.h>
#include <string.h>

#include "common/settings.h"
#include "proto/token_claims.h"

int fleet_ports_parse(struct fleet_ports *ports, const char *text)
{
	char list[128];
	char *rest = NULL;

	memset(ports, 0, sizeof(*ports));
	if (strlen(text) >= sizeof(list)) {
		return ERR_BAD_FIELD;
	}
	snprintf(list, sizeof(list), "%s", text);
	for (char *part = strtok_r(list, ", ", &rest); part != NULL;
		part = strtok_r(NULL, ", ", &rest)) {
		uint16_t first = 0, last = 0;
		if (ports->count == FLEET_RANGES_MAX ||
			settings_parse_port_range(part, &first, &last) != 0) {
			return ERR_BAD_FIELD;
		}
		ports->ranges[ports->count].first = first;
		ports->ranges[ports->count++].last = last;
	}
	return 0;
}

bool fleet_ports_have(const struct fleet_ports *ports, int64_t port)
{
	for (size_t i = 0; i < ports->count; i++) {
		if (port >= ports->ranges[i].first && port <= ports->ranges[i].last) {
			return true;
		}
	}
	return false;
}

/* Without port and brackets. */
static void host_of(const char *peer, char out[64])
{
	const char *colon = strchr(peer, ':');
	size_t len = strlen(peer);

	if (peer[0] == '[') {
		peer++;
		len = strcspn(peer, "]");
	} else if (colon != NULL && strchr(colon + 1, ':') == NULL) {
		len = (size_t)(colon - peer);
	}
	snprintf(out, 64, "%.*s", (int)(len < 63 ? len : 63), peer);
}

/* Calls each network of the list; the first answer that is not 0 ends it. */
static int each_net(const char *text, int (*each)(const struct token_net *net, const void *arg),
	const void *arg)
{
	char list[512];
	char *rest = NULL;
	int err = 0;

	if (strlen(text) >= sizeof(list)) {
		return ERR_BAD_FIELD;
	}
	snprintf(list, sizeof(list), "%s", text);
	for (char *part = strtok_r(list, ", ", &rest); part != NULL && err == 0;
		part = strtok_r(NULL, ", ", &rest)) {
		struct token_net net;
		err = token_net_parse(&net, part) == 0 ? each(&net, arg) : ERR_BAD_FIELD;
	}
	return err;
}

static int pass(const struct token_net *net, const void *arg)
{
	(void)net;
	(void)arg;
	return 0;
}

static int has(const struct token_net *net, const void *arg)
{
	return token_net_has(net, arg) ? ERR_EXISTS : 0;
}

int fleet_allowed_check(const char *text)
{
	return each_net(text, pass, NULL);
}

bool fleet_allows(const struct fleet_reflector *reflector, const char *peer)
{
	char host[64], own[64];

	host_of(peer, host);
	if (reflector->allowed[0] != '\0') {
		return each_net(reflector->allowed, has, host) == ERR_EXISTS;
	}
	struct token_net net;
	host_of(reflector->control.text, own);
	return token_net_parse(&net, own) == 0 && token_net_has(&net, host);
}

void fleet_from_settings(struct fleet_reflector *out, const struct authd_reflector *conf)
{
	memset(out, 0, sizeof(*out));
	snprintf(out->name, sizeof(out->name), "%s", conf->name);
	snprintf(out->tls_name, sizeof(out->tls_name), "%s", conf->tls_name);
	snprintf(out->address, sizeof(out->address), "%s", conf->address);
	out->control = conf->control;
	out->ports.ranges[0].first = conf->port_first;
	out->ports.ranges[0].last = conf->port_last;
	out->ports.count = 1;
	/* judged by the settings already */
	(void)!fleet_ports_parse(&out->fallback, conf->fallback_ports);
	out->weight = conf->weight > 0 ? conf->weight : 100;
	out->state = STORE_REFLECTOR_UP;
}

int fleet_from_store(struct fleet_reflector *out, const struct store_reflector *row)
{
	memset(out, 0, sizeof(*out));
	snprintf(out->name, sizeof(out->name), "%s", row->name);
	snprintf(out->tls_name, sizeof(out->tls_name), "%s", row->tls_name);
	snprintf(out->address, sizeof(out->address), "%s", row->address);
	snprintf(out->pin, sizeof(out->pin), "%s", row->pin);
	snprintf(out->allowed, sizeof(out->allowed), "%s", row->allowed);
	snprintf(out->code, sizeof(out->code), "%s", row->code);
	out->weight = row->weight > 0 && row->weight <= FLEET_WEIGHT_MAX ? row->weight : 100;
	out->enrolled = true;
	out->state = row->state;
	out->code_until = row->code_until;
	out->enrolled_at = row->enrolled_at;
	int err = settings_parse_addr(row->control, &out->control) == 0 ? 0 : ERR_BAD_FIELD;
	if (err == 0) {
		err = fleet_ports_parse(&out->ports, row->ports);
	}
	return err == 0 ? fleet_ports_parse(&out->fallback, row->fallback_ports) : err;
}

static bool same_ports(const struct fleet_ports *a, const struct fleet_ports *b)
{
	return a->count == b->count &&
		memcmp(a->ranges, b->ranges, a->count * sizeof(a->ranges[0])) == 0;
}

bool fleet_same_link(const struct fleet_reflector *a, const struct fleet_reflector *b)
{
	return strcmp(a->name, b->name) == 0 && strcmp(a->control.text, b->control.text) == 0 &&
		strcmp(a->tls_name, b->tls_name) == 0 && strcmp(a->address, b->address) == 0 &&
		strcmp(a->pin, b->pin) == 0 && strcmp(a->allowed, b->allowed) == 0 &&
		a->enrolled == b->enrolled && same_ports(&a->ports, &b->ports) &&
		same_ports(&a->fallback, &b->fallback);
}
