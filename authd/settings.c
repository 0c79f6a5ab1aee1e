/*
 * settings: the option table of helio-authd and the checks of its values. Owns nothing but the
 * struct it returns; takes no resource and opens no file besides the settings file itself.
 */
#include "authd/settings.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/settings_check.h"
#include "proto/msg.h"

#define WEIGHT_MAX 1000
#define HASH_PASSES_MAX 16
#define RATE_MAX 100000000

__attribute__((format(printf, 2, 3))) static int fail(
	char error[SETTINGS_ERROR_SIZE], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error, SETTINGS_ERROR_SIZE, fmt, ap);
	va_end(ap);
	return ERR_CONFIG;
}

static const char *str_of(cfg_t *cfg, const char *key)
{
	const char *s = cfg_getstr(cfg, key);

	return s != NULL ? s : "";
}

/* The path as it is when absolute or missing, else joined to the folder of the settings file. */
static char *path_dup(const char *file, const char *path)
{
	const char *slash = strrchr(file, '/');
	char *out = NULL;

	if (path[0] == '\0' || path[0] == '/' || slash == NULL) {
		return strdup(path);
	}
	if (asprintf(&out, "%.*s/%s", (int)(slash - file), file, path) < 0) {
		return NULL;
	}
	return out;
}

static int check_required(cfg_t *cfg, const char *file, char *error)
{
	static const char *const required[] = { "cluster", "certificate", "key" };

	if (cfg_size(cfg, "listen") == 0) {
		return fail(error,
			"%s: listen is missing: say where to serve HTTPS, such as listen = {\"127.0.0.1:8443\"}",
			file);
	}
	for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
		if (str_of(cfg, required[i])[0] == '\0') {
			return fail(error, "%s: %s is missing: it is required, see authd.conf(5)",
				file, required[i]);
		}
	}
	if (cfg_size(cfg, "reflector") > 0 && str_of(cfg, "control-ca")[0] == '\0') {
		return fail(error,
			"%s: control-ca is missing: reflectors that stand here need it, enrolled ones do not",
			file);
	}
	if ((str_of(cfg, "control-certificate")[0] == '\0') !=
		(str_of(cfg, "control-key")[0] == '\0')) {
		return fail(error,
			"%s: control-certificate and control-key go together: set both or neither",
			file);
	}
	return 0;
}

/* Behind take_listen(): the first address is the default. */
static int take_public_url(struct authd_settings *s, cfg_t *cfg)
{
	const char *url = str_of(cfg, "public-url");
	size_t len = strlen(url);

	while (len > 0 && url[len - 1] == '/') {
		len--;
	}
	int rc = len > 0 ? asprintf(&s->public_url, "%.*s", (int)len, url)
			 : asprintf(&s->public_url, "https://%s", s->listen[0].text);
	if (rc < 0) {
		s->public_url = NULL;
		return ERR_NOMEM;
	}
	return 0;
}

static int take_paths(struct authd_settings *s, cfg_t *cfg, const char *file)
{
	bool own = str_of(cfg, "control-certificate")[0] != '\0';
	const struct {
		char **to;
		const char *key;
	} paths[] = {
		{ &s->certificate, "certificate" },
		{ &s->key, "key" },
		{ &s->control_certificate, own ? "control-certificate" : "certificate" },
		{ &s->control_key, own ? "control-key" : "key" },
		{ &s->control_ca, "control-ca" },
		{ &s->admin_socket, "admin-socket" },
		{ &s->state_dir, "state-dir" },
		{ &s->admin_ca, "admin-ca" },
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		*paths[i].to = path_dup(file, str_of(cfg, paths[i].key));
		if (*paths[i].to == NULL) {
			return ERR_NOMEM;
		}
	}
	int err = take_public_url(s, cfg);
	if (err != 0) {
		return err;
	}
	s->user = strdup(str_of(cfg, "user"));
	s->database = strdup(str_of(cfg, "database"));
	return s->user != NULL && s->database != NULL ? 0 : ERR_NOMEM;
}

static int take_addrs(struct settings_addr *to, size_t *to_count, cfg_t *cfg, const char *key,
	const char *file, char *error)
{
	unsigned count = cfg_size(cfg, key);

	if (count > AUTHD_LISTEN_MAX) {
		return fail(error, "%s: %s has %u addresses: at most %u are possible", file, key,
			count, AUTHD_LISTEN_MAX);
	}
	for (unsigned i = 0; i < count; i++) {
		int err = settings_parse_addr(cfg_getnstr(cfg, key, i), &to[i]);
		if (err != 0) {
			return err;
		}
	}
	*to_count = count;
	return 0;
}

static int take_listen(struct authd_settings *s, cfg_t *cfg, const char *file, char *error)
{
	int err = take_addrs(s->listen, &s->listen_count, cfg, "listen", file, error);

	if (err == 0) {
		err = take_addrs(
			s->admin_listen, &s->admin_listen_count, cfg, "admin-listen", file, error);
	}
	if (err == 0) {
		err = take_addrs(s->metrics_listen, &s->metrics_listen_count, cfg, "metrics-listen",
			file, error);
	}
	return err;
}

static int take_rate(cfg_t *cfg, const char *key, const char *file, char *error, unsigned *out)
{
	long value = cfg_getint(cfg, key);

	if (value < 1 || value > RATE_MAX) {
		return fail(error, "%s:%d: %s must be 1 to %d requests a minute, not %ld", file,
			settings_line_of(file, key), key, RATE_MAX, value);
	}
	*out = (unsigned)value;
	return 0;
}

static int take_admins(struct authd_settings *s, cfg_t *cfg, const char *file, char *error)
{
	unsigned count = cfg_size(cfg, "admin-names");

	if (count > AUTHD_ADMINS_MAX) {
		return fail(error, "%s: admin-names has %u names: at most %u are possible", file,
			count, AUTHD_ADMINS_MAX);
	}
	if ((count > 0) != (s->admin_ca[0] != '\0')) {
		return fail(error, "%s: admin-ca and admin-names go together: set both or neither",
			file);
	}
	for (unsigned i = 0; i < count; i++) {
		const char *name = cfg_getnstr(cfg, "admin-names", i);
		if (strlen(name) > AUTHD_ADMIN_NAME_MAX) {
			return fail(error, "%s: a name in admin-names is longer than %u bytes",
				file, AUTHD_ADMIN_NAME_MAX);
		}
		snprintf(s->admin_names[i], sizeof(s->admin_names[i]), "%s", name);
	}
	s->admin_name_count = count;
	int err = take_rate(cfg, "rate-address", file, error, &s->rate_address);
	if (err == 0) {
		err = take_rate(cfg, "rate-key", file, error, &s->rate_key);
	}
	return err == 0 ? take_rate(cfg, "rate-user", file, error, &s->rate_user) : err;
}

static int check_fallback(const char *text)
{
	char list[64];
	char *rest = NULL;

	if (strlen(text) >= sizeof(list)) {
		return ERR_CONFIG;
	}
	snprintf(list, sizeof(list), "%s", text);
	for (char *part = strtok_r(list, ", ", &rest); part != NULL;
		part = strtok_r(NULL, ", ", &rest)) {
		uint16_t first, last;
		if (settings_parse_port_range(part, &first, &last) != 0) {
			return ERR_CONFIG;
		}
	}
	return 0;
}

static int take_reflector(struct authd_settings *s, cfg_t *sec, const char *file, char *error)
{
	static const char *const required[] = { "control", "tls-name", "address", "ports" };
	struct authd_reflector *r = &s->reflectors[s->reflector_count];
	const char *title = cfg_title(sec);

	if (!msg_is_name(title)) {
		return fail(error,
			"%s:%d: reflector \"%s\": the name must be 1-64 characters of A-Z a-z 0-9 . _ @ -",
			file, sec->line, title);
	}
	for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
		if (str_of(sec, required[i])[0] == '\0') {
			return fail(error, "%s:%d: reflector \"%s\": %s is missing: it is required",
				file, sec->line, title, required[i]);
		}
	}
	if (strlen(str_of(sec, "tls-name")) > AUTHD_TLS_NAME_MAX) {
		return fail(error, "%s:%d: reflector \"%s\": tls-name is longer than %u characters",
			file, sec->line, title, AUTHD_TLS_NAME_MAX);
	}
	for (size_t i = 0; i < s->reflector_count; i++) {
		if (strcmp(s->reflectors[i].name, title) == 0) {
			return fail(error,
				"%s:%d: reflector \"%s\" is there twice: give each its own name",
				file, sec->line, title);
		}
	}
	snprintf(r->name, sizeof(r->name), "%s", title);
	snprintf(r->tls_name, sizeof(r->tls_name), "%s", str_of(sec, "tls-name"));
	snprintf(r->address, sizeof(r->address), "%s", str_of(sec, "address"));
	long weight = cfg_getint(sec, "weight");
	if (weight < 1 || weight > WEIGHT_MAX) {
		return fail(error, "%s:%d: reflector \"%s\": weight must be 1 to %d, not %ld", file,
			sec->line, title, WEIGHT_MAX, weight);
	}
	r->weight = weight;
	if (check_fallback(str_of(sec, "fallback-ports")) != 0) {
		return fail(error,
			"%s:%d: reflector \"%s\": fallback-ports must be ports like \"443,8443\"",
			file, sec->line, title);
	}
	snprintf(r->fallback_ports, sizeof(r->fallback_ports), "%s", str_of(sec, "fallback-ports"));
	int err = settings_parse_addr(str_of(sec, "control"), &r->control);
	if (err == 0) {
		err = settings_parse_port_range(
			str_of(sec, "ports"), &r->port_first, &r->port_last);
	}
	if (err == 0) {
		s->reflector_count++;
	}
	return err;
}

static int take_values(struct authd_settings *s, cfg_t *cfg, const char *file, char *error)
{
	long passes = cfg_getint(cfg, "hash-passes");
	unsigned reflectors = cfg_size(cfg, "reflector");
	uint64_t life_ms = 0;
	int err = settings_parse_duration(str_of(cfg, "token-life"), &life_ms);

	if (err == 0) {
		err = settings_parse_size(str_of(cfg, "hash-memory"), &s->hash_memory);
	}
	if (err != 0 || !log_level_from_name(str_of(cfg, "log-level"), &s->log_level) ||
		!log_format_from_name(str_of(cfg, "log-format"), &s->log_format)) {
		return fail(error, "%s: a value cannot be used", file);
	}
	if (passes < 1 || passes > HASH_PASSES_MAX) {
		return fail(error, "%s:%d: hash-passes must be 1 to %d, not %ld", file,
			settings_line_of(file, "hash-passes"), HASH_PASSES_MAX, passes);
	}
	if (reflectors > AUTHD_REFLECTORS_MAX) {
		return fail(error, "%s: %u reflectors are more than the %u that are possible", file,
			reflectors, AUTHD_REFLECTORS_MAX);
	}
	s->token_life_s = life_ms / 1000;
	s->hash_passes = (uint64_t)passes;
	snprintf(s->name, sizeof(s->name), "%s", str_of(cfg, "name"));
	snprintf(s->cluster, sizeof(s->cluster), "%s", str_of(cfg, "cluster"));
	for (unsigned i = 0; i < reflectors && err == 0; i++) {
		err = take_reflector(s, cfg_getnsec(cfg, "reflector", i), file, error);
	}
	return err;
}

int authd_settings_load(
	struct authd_settings **out, const char *file, char error[SETTINGS_ERROR_SIZE])
{
	cfg_opt_t reflector_opts[] = {
		CFG_STR_CB("control", NULL, CFGF_NONE, settings_cb_addr),
		CFG_STR_CB("tls-name", NULL, CFGF_NONE, authd_settings_check_text),
		CFG_STR_CB("address", NULL, CFGF_NONE, authd_settings_check_address),
		CFG_STR_CB("ports", NULL, CFGF_NONE, settings_cb_ports),
		CFG_STR("fallback-ports", "", CFGF_NONE),
		CFG_INT("weight", 100, CFGF_NONE),
		CFG_END(),
	};
	cfg_opt_t opts[] = {
		CFG_STR_CB("log-level", "info", CFGF_NONE, settings_cb_log_level),
		CFG_STR_CB("log-format", "logfmt", CFGF_NONE, settings_cb_log_format),
		CFG_STR("user", "", CFGF_NONE),
		CFG_STR_CB("name", "authd", CFGF_NONE, settings_cb_name),
		CFG_STR_CB("cluster", NULL, CFGF_NONE, settings_cb_name),
		CFG_STR_LIST_CB("listen", NULL, CFGF_NONE, settings_cb_addr),
		CFG_STR_CB("certificate", NULL, CFGF_NONE, authd_settings_check_text),
		CFG_STR_CB("key", NULL, CFGF_NONE, authd_settings_check_text),
		CFG_STR_CB("admin-socket", "/run/heliograph/authd.sock", CFGF_NONE,
			authd_settings_check_text),
		CFG_STR_CB(
			"state-dir", "/var/lib/heliograph", CFGF_NONE, authd_settings_check_text),
		CFG_STR_CB("public-url", "", CFGF_NONE, authd_settings_check_url),
		CFG_STR_CB("database", "", CFGF_NONE, authd_settings_check_database),
		CFG_STR_CB("control-certificate", NULL, CFGF_NONE, authd_settings_check_text),
		CFG_STR_CB("control-key", NULL, CFGF_NONE, authd_settings_check_text),
		CFG_STR_CB("control-ca", NULL, CFGF_NONE, authd_settings_check_text),
		CFG_STR_CB("token-life", "12h", CFGF_NONE, authd_settings_check_life),
		CFG_STR_CB("hash-memory", "64M", CFGF_NONE, authd_settings_check_memory),
		CFG_STR_LIST_CB("admin-listen", NULL, CFGF_NONE, settings_cb_addr),
		CFG_STR("admin-ca", "", CFGF_NONE),
		CFG_STR_LIST_CB("admin-names", NULL, CFGF_NONE, authd_settings_check_text),
		CFG_STR_LIST_CB("metrics-listen", NULL, CFGF_NONE, settings_cb_addr),
		CFG_INT("rate-address", 600, CFGF_NONE),
		CFG_INT("rate-key", 120000, CFGF_NONE),
		CFG_INT("rate-user", 600, CFGF_NONE),
		CFG_INT("hash-passes", 2, CFGF_NONE),
		CFG_SEC("reflector", reflector_opts, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_END(),
	};
	cfg_t *cfg = NULL;
	int err = settings_parse_file(&cfg, opts, file, error);

	if (err != 0) {
		return err;
	}
	struct authd_settings *s = calloc(1, sizeof(*s));
	if (s == NULL) {
		err = ERR_NOMEM;
		goto free_cfg;
	}
	err = check_required(cfg, file, error);
	if (err == 0) {
		err = take_listen(s, cfg, file, error);
	}
	if (err == 0) {
		err = take_paths(s, cfg, file);
	}
	if (err == 0) {
		err = take_admins(s, cfg, file, error);
	}
	if (err == 0) {
		err = take_values(s, cfg, file, error);
	}
	if (err != 0) {
		authd_settings_destroy(s);
	} else {
		*out = s;
	}
free_cfg:
	cfg_free(cfg);
	return err;
}

void authd_settings_destroy(struct authd_settings *s)
{
	if (s == NULL) {
		return;
	}
	free(s->user);
	free(s->certificate);
	free(s->key);
	free(s->control_certificate);
	free(s->control_key);
	free(s->control_ca);
	free(s->admin_socket);
	free(s->state_dir);
	free(s->admin_ca);
	free(s->public_url);
	free(s->database);
	free(s);
}
