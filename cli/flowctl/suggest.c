/* SPDX-License-Identifier: MIT */
/*
 * What a misspelt word was meant to be: the nearest by edits (insert, delete, replace, swap of
 * two neighbours).
 */
#include <string.h>

#include "command.h"

#define MAX_WORD 32

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Both shorter than MAX_WORD. */
static unsigned distance(const char *a, const char *b)
{
	unsigned d[MAX_WORD + 1][MAX_WORD + 1];
	size_t na = strlen(a), nb = strlen(b);

	for (size_t i = 0; i <= na; i++)
		d[i][0] = (unsigned)i;
	for (size_t j = 0; j <= nb; j++)
		d[0][j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		for (size_t j = 1; j <= nb; j++) {
			unsigned n = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			n = least(n, least(d[i - 1][j], d[i][j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				n = least(n, d[i - 2][j - 2] + 1);
			d[i][j] = n;
		}
	}
	return d[na][nb];
}

const char *suggestion(const char *word, const char *(*next)(void *arg), void *arg)
{
	size_t len = strlen(word);
	/* A third of the word may be wrong. */
	unsigned best = (unsigned)(len + 2) / 3 + 1;
	const char *nearest = NULL, *name;

	while (len < MAX_WORD && (name = next(arg))) {
		unsigned n = strlen(name) < MAX_WORD ? distance(word, name) : best;

		if (n >= best)
			continue;
		best = n;
		nearest = name;
	}
	return nearest;
}
