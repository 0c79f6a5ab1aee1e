/*
 * outfile: a file that is there whole, or not at all: written beside its name, then renamed.
 */
#ifndef CTL_OUTFILE_H
#define CTL_OUTFILE_H

#include <stdio.h>

#include "proto/errcode.h"

struct outfile {
	const char *name; /* borrowed */
	char *beside;
	FILE *out;
};

/* mode 0600. ERR_SYSTEM with errno. */
int outfile_open(struct outfile *file, const char *name) MUST_CHECK;
/* Puts it in its place; ERR_SYSTEM with errno, and then nothing is left of it. */
int outfile_commit(struct outfile *file) MUST_CHECK;
/* Takes it back. */
void outfile_cancel(struct outfile *file);

#endif
