/*
 * ask: questions to a person on the terminal, and passwords from where nobody else can read them.
 */
#ifndef CTL_ASK_H
#define CTL_ASK_H

#include <stddef.h>

#include "ctl/ctl.h"

#define ASK_PASSWORD_MAX 1026 /* bytes: 1,024, a newline, a NUL */

/*
 * The password for a user: the first line of file ("-": stdin), or, with file NULL, typed twice on
 * the terminal without echo. Complains itself. CTL_OK, CTL_USAGE (no file and no terminal),
 * CTL_FAILED. The caller wipes out with explicit_bzero().
 */
int ask_password(const char *user, const char *file, char out[ASK_PASSWORD_MAX]) MUST_CHECK;

/*
 * The same for other secrets: prompt asks once, option is named in the message when there is no
 * terminal to ask on.
 */
int ask_secret(const char *prompt, const char *file, const char *option,
	char out[ASK_PASSWORD_MAX]) MUST_CHECK;

/*
 * Before something is destroyed: asks "QUESTION [y/N]" when stdin and stderr are a terminal and
 * --yes was not given. CTL_OK to go on; CTL_FAILED when the answer is not yes; CTL_USAGE when there
 * is nobody to ask.
 */
int ask_confirm(const struct ctl *ctl, const char *question) MUST_CHECK;

#endif
