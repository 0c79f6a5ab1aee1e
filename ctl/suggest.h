/*
 * suggest: finds the known word that somebody who mistyped probably meant.
 */
#ifndef CTL_SUGGEST_H
#define CTL_SUGGEST_H

#include <stddef.h>

struct suggest {
	const char *typed; /* borrowed */
	size_t length;
	const char *best; /* borrowed from the caller of suggest_offer(); NULL: nothing is near
			     enough */
	size_t best_distance;
};

void suggest_init(struct suggest *s, const char *typed, size_t length);
/* Takes word as best when it is nearer than what was offered before and near enough at all. */
void suggest_offer(struct suggest *s, const char *word);

/* Edits (insert, delete, replace, swap of neighbours) between two words; words over 32 bytes count
 * as far away. */
size_t suggest_distance(const char *a, size_t a_length, const char *b, size_t b_length);

#endif
