/*
 * contexts: the file of servers, and which of them is asked. Never prints a key, and never uses a
 * file that others can read.
 */
#include "ctl/contexts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/suggest.h"

#define PATH_SIZE 4096
#define FILE_SIZE_MAX (256 * 1024)

static const char socket_default[] = RUNSTATEDIR "/heliograph/authd.sock";

/* The folder, and the file in it; false when there is no home to put it in. */
static bool find_file(char folder[PATH_SIZE], char file[PATH_SIZE + 16])
{
	const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	int length;

	if (base != NULL && base[0] == '/') {
		length = snprintf(folder, PATH_SIZE, "%s/helioctl", base);
	} else if (home != NULL && home[0] == '/') {
		length = snprintf(folder, PATH_SIZE, "%s/.config/helioctl", home);
	} else {
		return false;
	}
	snprintf(file, PATH_SIZE + 16, "%s/config", folder);
	return length < PATH_SIZE;
}

static json_t *empty(void)
{
	return json_pack("{s:{}}", "contexts");
}

/* What makes the open file unfit, or NULL. */
static const char *judge_file(int fd)
{
	struct stat info;

	if (fstat(fd, &info) != 0) {
		return strerror(errno);
	}
	if (!S_ISREG(info.st_mode)) {
		return "it is no regular file";
	}
	if (info.st_uid != geteuid() && info.st_uid != 0) {
		return "it belongs to somebody else";
	}
	if ((info.st_mode & 077) != 0) {
		return "others can read it, and there are keys in it";
	}
	return info.st_size > FILE_SIZE_MAX ? "it is larger than 256 KiB" : NULL;
}

static const char *judge_contexts(const json_t *json)
{
	const char *name;
	json_t *context;

	if (!json_is_object(json) || !json_is_object(json_object_get(json, "contexts"))) {
		return "it is not of the form {\"contexts\": {...}}";
	}
	json_object_foreach(json_object_get(json, "contexts"), name, context) {
		const char *url = json_string_value(json_object_get(context, "url"));

		if (contexts_judge_name(name) != NULL || url == NULL ||
			contexts_judge_url(url) != NULL) {
			return "a context in it has no usable name or url";
		}
	}
	return NULL;
}

int contexts_load(json_t **out)
{
	char folder[PATH_SIZE], file[PATH_SIZE + 16], what[PATH_SIZE + 64];
	json_error_t error = { .text = "" };
	const char *why;
	int fd;

	*out = NULL;
	if (!find_file(folder, file) ||
		((fd = open(file, O_RDONLY | O_CLOEXEC)) < 0 &&
			(errno == ENOENT || errno == ENOTDIR))) {
		*out = empty();
		return *out != NULL ? CTL_OK : CTL_FAILED;
	}
	why = fd < 0 ? strerror(errno) : judge_file(fd);
	if (why == NULL) {
		*out = json_loadfd(fd, JSON_REJECT_DUPLICATES, &error);
		why = *out == NULL ? error.text : judge_contexts(*out);
	}
	if (fd >= 0) {
		close(fd);
	}
	if (why == NULL) {
		return CTL_OK;
	}
	snprintf(what, sizeof(what), "use the contexts in %s", file);
	ctl_complain(what, why, "chmod 600 the file, correct it, or remove it and add them anew");
	json_decref(*out);
	*out = NULL;
	return CTL_FAILED;
}

/* mkdir -p for the folder and the one above. */
static int make_folder(char folder[PATH_SIZE])
{
	char *last = strrchr(folder, '/');

	*last = '\0';
	if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
		return -1;
	}
	*last = '/';
	return mkdir(folder, 0700) != 0 && errno != EEXIST ? -1 : 0;
}

static int write_file(const char *file, const char *text)
{
	char beside[PATH_SIZE + 32];
	size_t length = strlen(text);
	int fd, saved;

	snprintf(beside, sizeof(beside), "%s.XXXXXX", file);
	fd = mkstemp(beside); /* mode 0600 */
	if (fd < 0) {
		return -1;
	}
	if (write(fd, text, length) == (ssize_t)length && fsync(fd) == 0) {
		close(fd);
		if (rename(beside, file) == 0) {
			return 0;
		}
	} else {
		close(fd);
	}
	saved = errno;
	unlink(beside);
	errno = saved;
	return -1;
}

int contexts_save(const json_t *contexts)
{
	char folder[PATH_SIZE], file[PATH_SIZE + 16];
	char *text = json_dumps(contexts, JSON_INDENT(2) | JSON_SORT_KEYS);
	const char *why = NULL;

	if (text == NULL) {
		why = "out of memory";
	} else if (!find_file(folder, file)) {
		why = "neither XDG_CONFIG_HOME nor HOME is set";
	} else if (make_folder(folder) != 0 || write_file(file, text) != 0) {
		why = strerror(errno);
	}
	if (text != NULL) {
		explicit_bzero(text, strlen(text));
		free(text);
	}
	if (why != NULL) {
		ctl_complain("write the file of contexts", why,
			"check $XDG_CONFIG_HOME/helioctl or ~/.config/helioctl");
		return CTL_FAILED;
	}
	return CTL_OK;
}

const char *contexts_judge_name(const char *name)
{
	size_t length = strspn(name,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789._-");

	if (length == 0 || name[length] != '\0' || length > 64 || name[0] == '-') {
		return "names are 1-64 of A-Z a-z 0-9 . _ - and do not begin with -";
	}
	return strcmp(name, CONTEXT_LOCAL) == 0 ? "local is the Unix socket" : NULL;
}

const char *contexts_judge_url(const char *url)
{
	const char *host = url + strlen("https://");

	if (strncmp(url, "https://", strlen("https://")) != 0) {
		return "it does not begin with https://";
	}
	if (strlen(url) > 300 || host[0] == '\0') {
		return "there is no host in it, or it is longer than 300 bytes";
	}
	if (host[strcspn(host, "/?#@ \t\r\n\\")] != '\0') {
		return "it is more than https://HOST or https://HOST:PORT";
	}
	return NULL;
}

static int unknown_context(const char *name, const json_t *contexts)
{
	struct suggest near;
	char why[256];
	const char *known;
	json_t *context;

	suggest_init(&near, name, strlen(name));
	json_object_foreach((json_t *)json_object_get(contexts, "contexts"), known, context) {
		suggest_offer(&near, known);
	}
	snprintf(why, sizeof(why), "there is no such context%s%.64s%s",
		near.best != NULL ? "; did you mean " : "", near.best != NULL ? near.best : "",
		near.best != NULL ? "?" : "");
	ctl_complain("use the context", why,
		"`helioctl context list` shows them, `helioctl context add NAME URL` adds one");
	return CTL_USAGE;
}

static int take_context(const char *name, struct client_target *target, const json_t *contexts)
{
	const json_t *context = json_object_get(json_object_get(contexts, "contexts"), name);

	if (strcmp(name, CONTEXT_LOCAL) == 0) {
		target->socket = socket_default;
		return CTL_OK;
	}
	if (context == NULL) {
		return unknown_context(name, contexts);
	}
	*target = (struct client_target){
		.url = json_string_value(json_object_get(context, "url")),
		.ca = json_string_value(json_object_get(context, "ca")),
		.key = json_string_value(json_object_get(context, "key")),
		.certificate = json_string_value(json_object_get(context, "certificate")),
		.certificate_key = json_string_value(json_object_get(context, "certificate_key")),
	};
	return CTL_OK;
}

static const char *from_environment(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

int contexts_choose(const struct ctl *ctl, struct client_target *target, json_t **contexts)
{
	const char *name = ctl->options.value[OPT_CONTEXT];
	int status;

	*contexts = NULL;
	*target = (struct client_target){ .socket = ctl->options.value[OPT_SOCKET] };
	if (target->socket == NULL && name == NULL) {
		target->socket = from_environment("HELIO_SOCKET");
		name = from_environment("HELIOCTL_CONTEXT");
	}
	if (target->socket != NULL) {
		return CTL_OK;
	}
	status = contexts_load(contexts);
	if (status != CTL_OK) {
		return status;
	}
	if (name == NULL) {
		name = json_string_value(json_object_get(*contexts, "current"));
	}
	return take_context(name != NULL ? name : CONTEXT_LOCAL, target, *contexts);
}
