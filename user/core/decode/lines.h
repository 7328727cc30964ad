/* SPDX-License-Identifier: MIT */
/*
 * Code that a stack names, by (pid, code address), as FT_REC_LINES described it: where it is, what
 * it is called, and which line an instruction of it is of. And stacks of it: the entries of a
 * traceback as a JSON array of "file:line function".
 *
 * The tables of lines are CPython's own (Objects/lnotab_notes.txt, from 3.11 locations.md), of a
 * program that may have written anything there: reading ends at their end.
 */
#ifndef FT_LINES_H
#define FT_LINES_H

#include "base/buf.h"
#include "base/map.h"
#include "decode/token.h"
#include "ft_abi.h"
#include "model/event.h"

/* Of the code in a record; above it stands which of the modules it runs as. */
#define CODE_ADDRESS ((1ULL << 48) - 1)

struct lines {
	struct map by_code; /* (pid, code) -> struct code_lines, owned */
};

void lines_release(struct lines *l);
/* FT_REC_LINES, at least as long as its struct. 0, -EBADMSG, -ENOMEM. */
int lines_learn(struct lines *l, const struct ft_rec_lines *rec, const void *end);
void lines_forget_process(struct lines *l, uint32_t pid);

/*
 * The line of the instruction at byte `at` of a code object's instructions, whose first line is
 * `first`; 0: none, or not to be told.
 */
uint32_t lines_find(enum ft_lines_how how, const unsigned char *table, size_t size, uint32_t first,
		    uint32_t at);

/*
 * Reads the LIST of entries that stands behind the EXC of a RAISE record. below: of this code's
 * entry alone and what is inside of it; without one, or with several, there is no stack to be told.
 * ret_stack->s borrows from out; untouched where there is none. 0, -EBADMSG, -ENOMEM.
 */
int lines_stack(const struct lines *l, struct tokens *t, uint32_t pid, uint64_t below,
		struct buf *out, struct text *ret_stack);

#endif
