/*
 * suggest: optimal string alignment distance over short ASCII words, three rows at a time.
 */
#include "ctl/suggest.h"

#include <string.h>

#define WORD_MAX 32
#define FAR 1000

static size_t min_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t suggest_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t rows[3][WORD_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];

	if (a_length > WORD_MAX || b_length > WORD_MAX) {
		return FAR;
	}
	for (size_t j = 0; j <= b_length; j++) {
		last[j] = j;
		before[j] = j;
	}
	for (size_t i = 1; i <= a_length; i++) {
		row[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			row[j] = min_of(min_of(last[j] + 1, row[j - 1] + 1),
				last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
				row[j] = min_of(row[j], before[j - 2] + 1);
			}
		}
		size_t *spare = before;

		before = last;
		last = row;
		row = spare;
	}
	return last[b_length];
}

void suggest_init(struct suggest *s, const char *typed, size_t length)
{
	*s = (struct suggest){ .typed = typed, .length = length, .best_distance = FAR };
}

void suggest_offer(struct suggest *s, const char *word)
{
	size_t length = strlen(word);
	size_t distance = suggest_distance(s->typed, s->length, word, length);
	/* Short words must be nearly right: "ls" is not "add". */
	size_t bound = min_of(s->length, length) >= 6 ? 3 : min_of(s->length, length) >= 3 ? 2 : 1;

	if (s->length >= 3 && s->length < length && memcmp(s->typed, word, s->length) == 0) {
		distance = 1; /* the beginning of the word */
	}
	if (distance <= bound && distance < s->best_distance) {
		s->best = word;
		s->best_distance = distance;
	}
}
