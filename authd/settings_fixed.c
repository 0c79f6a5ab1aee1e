/*
 * settings_fixed: which settings of helio-authd cannot change while it runs. Only compares.
 */
#include <stdbool.h>
#include <string.h>

#include "authd/settings.h"

static bool same_addrs(const struct settings_addr *a, size_t a_count, const struct settings_addr *b,
	size_t b_count)
{
	bool same = a_count == b_count;

	for (size_t i = 0; same && i < a_count; i++) {
		same = strcmp(a[i].text, b[i].text) == 0;
	}
	return same;
}

static const char *fixed_remote(const struct authd_settings *now, const struct authd_settings *then)
{
	if (!same_addrs(now->admin_listen, now->admin_listen_count, then->admin_listen,
		    then->admin_listen_count)) {
		return "admin-listen";
	}
	if (!same_addrs(now->metrics_listen, now->metrics_listen_count, then->metrics_listen,
		    then->metrics_listen_count)) {
		return "metrics-listen";
	}
	if (strcmp(now->admin_ca, then->admin_ca) != 0) {
		return "admin-ca";
	}
	if (memcmp(now->admin_names, then->admin_names, sizeof(now->admin_names)) != 0) {
		return "admin-names";
	}
	if (now->rate_address != then->rate_address) {
		return "rate-address";
	}
	if (now->rate_key != then->rate_key) {
		return "rate-key";
	}
	return now->rate_user != then->rate_user ? "rate-user" : NULL;
}

const char *authd_settings_fixed_change(
	const struct authd_settings *now, const struct authd_settings *then)
{
	if (strcmp(now->name, then->name) != 0) {
		return "name";
	}
	if (strcmp(now->cluster, then->cluster) != 0) {
		return "cluster";
	}
	if (strcmp(now->user, then->user) != 0) {
		return "user";
	}
	if (strcmp(now->admin_socket, then->admin_socket) != 0) {
		return "admin-socket";
	}
	if (strcmp(now->state_dir, then->state_dir) != 0) {
		return "state-dir";
	}
	if (strcmp(now->database, then->database) != 0) {
		return "database";
	}
	if (!same_addrs(now->listen, now->listen_count, then->listen, then->listen_count)) {
		return "listen";
	}
	if (strcmp(now->public_url, then->public_url) != 0) {
		return "public-url";
	}
	return fixed_remote(now, then);
}
