/* SPDX-License-Identifier: MIT */
/*
 * Several texts that grow at the same time, kept in one temporary file and read back one after
 * another. Memory: one block a text.
 *
 *     file:  [ a | b | a | a | b ... ]   each block knows the one before it
 */
#ifndef FT_EXPORT_SPOOL_H
#define FT_EXPORT_SPOOL_H

#include "export/export.h"

#define SPOOL_BLOCK 8192

struct spool {
	int fd; /* of a file without a name; -1: none yet */
	uint64_t size;
};

struct spool_text {
	struct buf b;	    /* owned: not in the file yet */
	uint64_t *block;    /* owned: where its blocks are */
	uint32_t *len;	    /* owned: of each */
	size_t count, room; /* blocks */
};

void spool_release(struct spool *s);
void spool_text_release(struct spool_text *t);
/* Moves t->b to the file when it is a block. 0 or -errno. */
int spool_spare(struct spool *s, struct spool_text *t, struct why *w);
/* Appends the whole text to `to`. */
int spool_copy(struct spool *s, struct spool_text *t, struct export_to *to, struct why *w);

#endif
