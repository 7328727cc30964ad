/* SPDX-License-Identifier: MIT */
/*
 * Where runtime events (ft_runtime.h) are seen: at the USDT probes of a build with dtrace probes,
 * else at a function of that event, where the file still has the names of static functions.
 */
#include <errno.h>

#include "arch/usdt_number.h"
#include "cpython/backends.h"
#include "cpython/cpython.h"
#include "cpython/site.h"

#define MAX_LOCATIONS 2 /* of one probe */

struct place {
	enum hook_role role;
	const char *probe; /* USDT; or, of a function, NULL */
	int number;	   /* which argument is wanted, from 1; 0 = none */
};

static const struct source {
	struct place begin, end; /* end: a probe's */
	const char *function;	 /* NULL: there is none that it could be seen by, ... */
	int until;		 /* ... which is so up to 3.N */
	int argument;		 /* of the function that begin comes with, from 1 */
	enum hook_role returns;	 /* what the function's return is */
	const char *missing, *deadly;
} sources[FT_RUNTIME_COUNT] = {
	[FT_RUNTIME_GC] =
		{
			.begin = {HOOK_GC_START, "gc__start", 1},
			.end = {HOOK_GC_DONE, "gc__done", 1},
			/* Modules/gcmodule.c (from 3.10): (tstate, generation, ...) -> how many.
			 * Each call is a collection up to 3.12; in 3.13 (Python/gc.c) it may find
			 * one under way, or nothing to be collected, and return at once. */
			.function = "gc_collect_main",
			.until = 12,
			.argument = 2,
			.returns = HOOK_GC_RETURN,
			.missing = "garbage collections (--gc): this build has neither USDT "
				   "probes (--with-dtrace) nor, in 3.10 to 3.12, the symbol "
				   "gc_collect_main",
			.deadly = "garbage collections (--gc): this build shows them by a "
				  "uretprobe alone, which this kernel does not allow safely",
		},
};

/* ---- USDT probes ----------------------------------------------------------------------------- */

static int add_location(struct elf *e, const struct elf_usdt *probe, const struct place *p,
			struct hooks *h)
{
	struct hook hook = {.role = p->role, .name = p->probe};
	struct site site;

	if (site_at(e, probe->location, &site) ||
	    (probe->semaphore && elf_offset(e, probe->semaphore, &hook.semaphore_offset)) ||
	    (p->number && usdt_number(probe->arguments, p->number, &hook.number)))
		return -ENOENT;
	hook.cost = site.cost;
	hook.number.ip = site.vaddr;
	return hooks_add(h, e, site.vaddr, hook, NULL);
}

static int add_probe(struct elf *e, const struct place *p, struct hooks *h)
{
	struct elf_usdt probe[MAX_LOCATIONS + 1];
	int n = elf_usdt(e, "python", p->probe, probe, MAX_LOCATIONS + 1, NULL);
	int err = n < 1 || n > MAX_LOCATIONS ? -ENOENT : 0;

	for (int i = 0; i < n && !err; i++)
		err = add_location(e, &probe[i], p, h);
	return err;
}

static int add_probes(struct elf *e, const struct source *s, struct hooks *h)
{
	int err = add_probe(e, &s->begin, h);

	return err || !s->end.role ? err : add_probe(e, &s->end, h);
}

/* ---- a function ------------------------------------------------------------------------------ */

static int add_calls(struct elf *e, const struct target *t, const struct source *s, struct hooks *h)
{
	struct hook begin = {.role = s->begin.role,
			     .name = s->function,
			     .number = {.how = FT_NUMBER_REGISTER, .size = 4, .has_sign = 1}};
	struct hook end = {.role = s->returns, .name = s->function};
	uint64_t at;
	int err;

	if (!s->function || t->minor > s->until || elf_static_function(e, s->function, &at))
		return -ENOENT;
	begin.number.reg = machine.argument[s->argument - 1];
	err = hooks_function(e, t, begin, at, h, NULL);
	return err ?: hooks_function(e, t, end, at, h, NULL);
}

/* ---- what the headers promise ---------------------------------------------------------------- */

/* Those of BPF's table. */
static bool numbers_fit(const struct hooks *h)
{
	int n = 0;

	for (int i = 0; i < h->count; i++)
		n += h->site[i].number.how != FT_NUMBER_NONE;
	return n <= FT_NUMBERS;
}

void hooks_runtime(struct elf *e, const struct target *t, unsigned kinds, struct hooks *h)
{
	for (int kind = FT_RUNTIME_NONE + 1; kind < FT_RUNTIME_COUNT; kind++) {
		const struct source *s = &sources[kind];
		int count = h->count;

		if (!(kinds & HOOKS_RUNTIME(kind)) || (!add_probes(e, s, h) && numbers_fit(h)))
			continue;
		h->count = count;
		if (!add_calls(e, t, s, h) && numbers_fit(h))
			continue;
		h->count = count;
		h->no_runtime |= HOOKS_RUNTIME(kind);
	}
}

unsigned cpython_idle_roles(unsigned asked)
{
	unsigned roles = 0;

	for (int kind = FT_RUNTIME_NONE + 1; kind < FT_RUNTIME_COUNT; kind++)
		if (!(asked & HOOKS_RUNTIME(kind)))
			roles |= 1U << sources[kind].begin.role | 1U << sources[kind].end.role |
				 1U << sources[kind].returns;
	return roles;
}

const char *cpython_no_runtime(const struct hooks *h, enum ft_runtime kind, bool returns)
{
	const struct source *s = &sources[kind];

	if (h->no_runtime & HOOKS_RUNTIME(kind))
		return s->missing;
	for (int i = 0; i < h->count && !returns; i++)
		if (s->returns && h->site[i].role == s->returns)
			return s->deadly;
	return NULL;
}
