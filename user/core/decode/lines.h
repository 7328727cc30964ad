/* SPDX-License-Identifier: MIT */
/*
 * The code objects of stacks by (pid, code address), as FT_REC_LINES described them: file, name and
 * table of lines. And the stacks themselves: the entries of a traceback as a JSON array of
 * "file:line function".
 *
 * The tables of lines are CPython's own (Objects/lnotab_notes.txt, from 3.11 locations.md). The
 * target may have written anything into them: no read passes their end.
 */
#ifndef FT_LINES_H
#define FT_LINES_H

#include "base/buf.h"
#include "base/map.h"
#include "decode/token.h"
#include "ft_abi.h"
#include "model/event.h"

/* The address of the code in a record; the bits above it number the module that it runs as. */
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
 * `first`; 0: it has no line, or the table does not tell.
 */
uint32_t lines_find(enum ft_lines_how how, const unsigned char *table, size_t size, uint32_t first,
		    uint32_t at);

/*
 * Reads the LIST of entries after the EXC of a RAISE record. below: only the entry of this code and
 * those inside it (0 = all); if this code has no entry, or several, there is no stack. ret_stack->s
 * borrows from out; untouched if there is no stack. 0, -EBADMSG, -ENOMEM.
 */
int lines_stack(const struct lines *l, struct tokens *t, uint32_t pid, uint64_t below,
		struct buf *out, struct text *ret_stack);

#endif
