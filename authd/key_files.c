/*
 * key_files: owns the names of the private keys' files; what is in them stays inside jws_sign.c.
 * Must never leave a key under its name that is not whole.
 */
#include "authd/key_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file_store.h"

#define KID_LEN (sizeof(((struct jws_public *)NULL)->kid) - 1)
#define PATH_SIZE (sizeof(((struct key_files *)NULL)->dir) + KID_LEN + sizeof("/.pem"))

static void path_of(const struct key_files *files, const char *kid, char out[PATH_SIZE])
{
	snprintf(out, PATH_SIZE, "%s/%.*s.pem", files->dir, (int)KID_LEN, kid);
}

/* The one key of versions that had no folder of keys. */
static int take_over(const struct key_files *files, const char *state_dir, char why[512])
{
	char from[PATH_SIZE], to[PATH_SIZE];
	struct jws_signer *signer = NULL;

	snprintf(from, sizeof(from), "%s/signing-key.pem", state_dir);
	if (access(from, F_OK) != 0) {
		return 0;
	}
	int err = jws_signer_open(&signer, from, why);
	if (err != 0) {
		return err;
	}
	path_of(files, jws_signer_public(signer)->kid, to);
	jws_signer_destroy(signer);
	err = file_store_rename(from, to);
	if (err != 0) {
		snprintf(why, 512, "the signing key %.300s cannot be moved into %.100s: %s", from,
			files->dir, strerror(errno));
	}
	return err;
}

int key_files_open(struct key_files *files, const char *state_dir, char why[512])
{
	int len = snprintf(files->dir, sizeof(files->dir), "%s/keys", state_dir);

	if (len < 0 || (size_t)len >= sizeof(files->dir)) {
		snprintf(why, 512, "the path of state-dir is too long");
		return ERR_CONFIG;
	}
	if (mkdir(files->dir, 0700) != 0 && errno != EEXIST) {
		snprintf(why, 512,
			"the folder %.300s cannot be made: %s: check the owner of state-dir",
			files->dir, strerror(errno));
		return ERR_CONFIG;
	}
	return take_over(files, state_dir, why);
}

int key_files_read(const struct key_files *files, struct jws_signer **list, size_t max,
	size_t *count, char why[512])
{
	DIR *dir = opendir(files->dir);
	const struct dirent *entry;
	int err = 0;

	*count = 0;
	if (dir == NULL) {
		snprintf(why, 512, "the folder %.300s cannot be read: %s: check its owner",
			files->dir, strerror(errno));
		return ERR_CONFIG;
	}
	while (err == 0 && (entry = readdir(dir)) != NULL) {
		char file[PATH_SIZE];
		if (strlen(entry->d_name) != KID_LEN + 4 ||
			strcmp(entry->d_name + KID_LEN, ".pem") != 0) {
			continue;
		}
		if (*count == max) {
			snprintf(why, 512, "there are more than %zu keys in %.300s", max,
				files->dir);
			err = ERR_FULL;
			continue;
		}
		path_of(files, entry->d_name, file);
		err = jws_signer_open(&list[*count], file, why);
		*count += err == 0 ? 1 : 0;
	}
	closedir(dir);
	return err;
}

/* In a file of its own first, which then gets the key's name. */
int key_files_make(const struct key_files *files, struct jws_signer **out, char why[512])
{
	char fresh[PATH_SIZE], file[PATH_SIZE];

	path_of(files, "fresh", fresh);
	unlink(fresh); /* from a start that was cut off: nothing was ever signed with it */
	int err = jws_signer_open(out, fresh, why);
	if (err != 0) {
		return err;
	}
	path_of(files, jws_signer_public(*out)->kid, file);
	err = file_store_rename(fresh, file);
	if (err != 0) {
		snprintf(why, 512, "the signing key %.300s cannot be written: %s", file,
			strerror(errno));
		jws_signer_destroy(*out);
		*out = NULL;
	}
	return err;
}

int key_files_remove(const struct key_files *files, const char *kid)
{
	char file[PATH_SIZE];

	path_of(files, kid, file);
	return unlink(file) == 0 || errno == ENOENT ? 0 : ERR_SYSTEM;
}
