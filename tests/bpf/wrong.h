/* SPDX-License-Identifier: MIT */
/* Words of an image that are made wrong, and right again. The same ones in each run of a test. */
#ifndef FT_WRONG_H
#define FT_WRONG_H

#include "subject.h"

#define WRONG_WORDS 24

struct wrong {
	uint64_t *place[WRONG_WORDS], was[WRONG_WORDS]; /* place NULL: none */
};

/* Some near an address, and near what lies there points to. */
void wrong_make(struct wrong *ret, const struct subject *s, uint64_t addr);
void wrong_undo(const struct wrong *w);

#endif
