/* SPDX-License-Identifier: MIT */
/*
 * All undefined opcodes share one handler, which no defined opcode has. So the search collects
 * every word that will hold a code address, looks at runs of 256 such words, and takes the run
 * whose pattern of "the shared handler" is the release's. Tables that send nearly all opcodes to
 * one place (the tracing table of later JIT builds) are recognised by their number of different
 * handlers. Nothing is assumed about where handlers are: compilers move them to .text.unlikely.
 */
#include <errno.h>
#include <stdlib.h>

#include "cpython/dispatch.h"

struct word {
	uint64_t where, value;
};

/* Interpreters have less than a tenth of it; sorting this many takes 30 ms. */
#define WORDS_MAX 262144
#define CANDIDATES_MAX 64 /* runs with the pattern that are examined more closely */

struct words {
	struct elf *elf;
	struct word *all;
	size_t count, room;
	bool failed;
	uint64_t lowest, highest; /* bounds of the executable segments */
};

static void add_word(void *ctx, uint64_t where, uint64_t value)
{
	struct words *w = ctx;

	if (value < w->lowest || value >= w->highest || (where & 7) || w->failed ||
	    !elf_is_code(w->elf, value))
		return;
	if (w->count == WORDS_MAX && !budget_relocations(w->elf->budget, UINT64_MAX))
		return;
	if (w->count == w->room) {
		size_t room = w->room ? w->room * 2 : 16384;
		struct word *all = reallocarray(w->all, room, sizeof(*all));

		w->failed = !all;
		if (!all)
			return;
		w->all = all;
		w->room = room;
	}
	w->all[w->count++] = (struct word){where, value};
}

static void bound_code(struct words *w)
{
	w->lowest = UINT64_MAX;
	for (int i = 0; i < w->elf->nload; i++) {
		const Elf64_Phdr *p = &w->elf->load[i];

		if (!(p->p_flags & PF_X))
			continue;
		if (p->p_vaddr < w->lowest)
			w->lowest = p->p_vaddr;
		if (p->p_vaddr + p->p_filesz > w->highest)
			w->highest = p->p_vaddr + p->p_filesz;
	}
}

static int by_place(const void *a, const void *b)
{
	const struct word *x = a, *y = b;

	return x->where < y->where ? -1 : x->where > y->where;
}

/* Relocations come sorted from every linker that we know; a crafted file may differ. */
static void sort_words(struct words *w)
{
	for (size_t i = 1; i < w->count; i++)
		if (w->all[i].where < w->all[i - 1].where) {
			qsort(w->all, w->count, sizeof(w->all[0]), by_place);
			return;
		}
}

/* The undefined opcodes of the table that is looked for. */
struct pattern {
	bool undefined[DISPATCH_ENTRIES];
	int first, last; /* of the undefined opcodes */
};

/* Parses "0,7-8,13". It comes from the release's row, so it is not validated. */
static void read_pattern(const char *list, struct pattern *ret)
{
	char *end = (char *)list;

	*ret = (struct pattern){.first = strtol(list, NULL, 10)};
	while (*list) {
		int from = strtol(list, &end, 10);
		int to = *end == '-' ? strtol(end + 1, &end, 10) : from;

		for (int op = from; op <= to && op < DISPATCH_ENTRIES; op++)
			ret->undefined[op] = true;
		ret->last = to;
		list = *end == ',' ? end + 1 : "";
	}
}

static bool matches(const struct word *w, const struct pattern *p)
{
	uint64_t shared = w[p->last].value;

	if (w[p->first].value != shared) /* most places fail here */
		return false;
	for (int op = 0; op < DISPATCH_ENTRIES; op++)
		if ((w[op].value == shared) != p->undefined[op])
			return false;
	return true;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool mostly_distinct(const struct word *w, const struct pattern *p)
{
	uint64_t value[DISPATCH_ENTRIES];
	int defined = 0, distinct = 0;

	for (int op = 0; op < DISPATCH_ENTRIES; op++)
		if (!p->undefined[op])
			value[defined++] = w[op].value;
	qsort(value, defined, sizeof(value[0]), by_value);
	for (int i = 0; i < defined; i++)
		distinct += !i || value[i] != value[i - 1];
	return distinct * 10 > defined * 9;
}

/* How many tables fit; *ret_at is the last one. */
static int scan(const struct words *w, const struct cpython_facts *f, size_t *ret_at)
{
	int hits = 0, candidates = 0;
	struct pattern p;

	read_pattern(f->undefined, &p);
	for (size_t i = 0; i + DISPATCH_ENTRIES <= w->count; i++) {
		const struct word *at = w->all + i;

		if (i % 4096 == 0 && !budget_time(w->elf->budget))
			break;
		if (at[DISPATCH_ENTRIES - 1].where - at[0].where != 8 * (DISPATCH_ENTRIES - 1) ||
		    !matches(at, &p))
			continue;
		if (candidates++ == CANDIDATES_MAX)
			return hits + 2; /* in any case not exactly one */
		if (!mostly_distinct(at, &p))
			continue;
		hits++;
		*ret_at = i;
	}
	return hits;
}

static int refuse(const struct cpython_facts *f, int hits, struct why *w)
{
	if (!hits)
		return why_exit(w, EXIT_PYTHON, -ENOEXEC,
				"no dispatch table of Python 3.%d in this binary (looked for 256 "
				"handlers with its undefined opcodes): built without computed "
				"gotos or with tail calls, or not Python 3.%d",
				f->minor, f->minor);
	return why_exit(w, EXIT_PYTHON, -ENOEXEC,
			"%d dispatch tables of Python 3.%d in this binary, expected one", hits,
			f->minor);
}

int dispatch_find(struct elf *e, const struct cpython_facts *facts, struct dispatch *ret,
		  struct why *w)
{
	struct words words = {.elf = e};
	size_t at = 0;
	int hits, err = 0;

	bound_code(&words);
	elf_each_relative(e, add_word, &words);
	if (words.failed) {
		err = why(w, -ENOMEM, "out of memory");
		goto out;
	}
	sort_words(&words);
	hits = scan(&words, facts, &at);
	if (hits != 1) {
		err = refuse(facts, hits, w);
		goto out;
	}
	ret->table = words.all[at].where;
	for (int op = 0; op < DISPATCH_ENTRIES; op++)
		ret->handler[op] = words.all[at + op].value;
out:
	free(words.all);
	return err;
}
