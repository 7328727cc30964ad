/* SPDX-License-Identifier: MIT */
/*
 * What may be spent on the files of one process, whoever made them: a file of a few kilobytes can
 * claim gigabytes of segments, and name each of them in relocations. Everything that reads an ELF
 * file draws from here; what is spent stays spent, and then nothing is believed that was read.
 */
#ifndef FT_BUDGET_H
#define FT_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"

/* A usual interpreter needs less than a tenth of each. */
struct budget {
	uint64_t memory_bytes; /* of files, at one time; given back when a file is closed */
	uint64_t read_bytes;
	uint64_t symbols;     /* and notes, looked at */
	uint64_t relocations; /* looked at */
	uint64_t cpu_end_ns;  /* of this thread's CPU time */
	const char *spent;    /* static: what there was too little of; NULL = enough so far */
};

/* CPU time for the files of one process; measured once, more where everything takes longer. */
uint64_t budget_cpu_ns(void);
void budget_begin(struct budget *b);

/* Takes n of one of them; false, from then on each time: there is not enough. */
bool budget_memory(struct budget *b, uint64_t n);
bool budget_read(struct budget *b, uint64_t n);
bool budget_symbols(struct budget *b, uint64_t n);
bool budget_relocations(struct budget *b, uint64_t n);
bool budget_time(struct budget *b);

/* 0, or the refusal (-EFBIG, exit 6) of what was read within it, whatever it seemed to be. */
int budget_check(const struct budget *b, const char *name, struct why *w);

#endif
