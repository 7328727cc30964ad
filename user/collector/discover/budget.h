/* SPDX-License-Identifier: MIT */
/*
 * Limits on the work for the files of one process, which anyone may have crafted: a file of a few
 * kilobytes can claim gigabytes of segments, and name each of them in relocations. Everything that
 * reads an ELF file takes from here. Once a limit is reached it stays so, and nothing that was read
 * is used.
 */
#ifndef FT_BUDGET_H
#define FT_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"

/* A normal interpreter needs less than a tenth of each. */
struct budget {
	uint64_t memory_bytes; /* of files at one time; returned when a file is closed */
	uint64_t read_bytes;
	uint64_t symbols;     /* symbols and notes that may be looked at */
	uint64_t relocations; /* relocations that may be looked at */
	uint64_t cpu_end_ns;  /* of this thread's CPU time */
	const char *spent;    /* static: what was used up; NULL = nothing yet */
};

/* CPU time in ns for the files of one process; measured once, since machines differ. */
uint64_t budget_cpu_ns(void);
void budget_begin(struct budget *b);

/* Takes n from a limit; false, then and from then on: it is used up. */
bool budget_memory(struct budget *b, uint64_t n);
bool budget_read(struct budget *b, uint64_t n);
bool budget_symbols(struct budget *b, uint64_t n);
bool budget_relocations(struct budget *b, uint64_t n);
bool budget_time(struct budget *b);

/* 0, or -EFBIG (exit 6) when a limit was reached, whatever the file seemed to be. */
int budget_check(const struct budget *b, const char *name, struct why *w);

#endif
