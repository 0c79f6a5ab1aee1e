/*
 * outfile: mkstemp, write, fsync, rename. A file of the name that was there before stays until the
 * new one is whole.
 */
#include "ctl/outfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int outfile_open(struct outfile *file, const char *name)
{
	int fd;

	*file = (struct outfile){ .name = name };
	if (asprintf(&file->beside, "%s.XXXXXX", name) < 0) {
		file->beside = NULL;
		errno = ENOMEM;
		return ERR_SYSTEM;
	}
	fd = mkstemp(file->beside);
	file->out = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (file->out == NULL) {
		int saved = errno;

		if (fd >= 0) {
			close(fd);
			unlink(file->beside);
		}
		free(file->beside);
		*file = (struct outfile){ .name = name };
		errno = saved;
		return ERR_SYSTEM;
	}
	return 0;
}

void outfile_cancel(struct outfile *file)
{
	if (file->out != NULL) {
		fclose(file->out);
		unlink(file->beside);
	}
	free(file->beside);
	*file = (struct outfile){ .name = file->name };
}

int outfile_commit(struct outfile *file)
{
	if (fflush(file->out) != 0 || ferror(file->out) || fsync(fileno(file->out)) != 0 ||
		rename(file->beside, file->name) != 0) {
		int saved = errno;

		outfile_cancel(file);
		errno = saved;
		return ERR_SYSTEM;
	}
	fclose(file->out);
	free(file->beside);
	*file = (struct outfile){ .name = file->name };
	return 0;
}
