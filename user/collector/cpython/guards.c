/* SPDX-License-Identifier: MIT */
/*
 * At each way in and out, a build with dtrace probes tests whether a tracer listens to its probes
 * (Python/ceval.c, PyDTrace_FUNCTION_RETURN_ENABLED): it compares a 16-bit word with 0, and a
 * conditional jump follows. At that jump the frame is the thread's current one, listener or not. So
 * these jumps are hook places too, in as many copies as the compiler made; they are all of them if
 * no other code refers to the word.
 */
#include "cpython/eval.h"

#define SLICE 65536 /* bytes between two looks at the clock */
#define OVERLAP 7   /* of two slices: one byte less than the instruction */

struct guards {
	struct elf *elf;
	struct site *site;
	int n;
};

static bool add_guard(void *ctx, uint64_t vaddr)
{
	struct guards *g = ctx;
	struct site *s = &g->site[g->n];

	if (g->n == EVAL_PLACES || site_in_handler(g->elf, vaddr, s) || s->cost != HOOK_EMULATED)
		return false;
	g->n++;
	return true;
}

static bool look_through(struct guards *g, const Elf64_Phdr *segment, uint64_t word)
{
	const uint8_t *code;
	size_t len;

	code = elf_code(g->elf, segment->p_vaddr, segment->p_filesz, &len);
	for (size_t at = 0; code && at < len; at += SLICE) {
		size_t left = len - at;
		struct scan slice = {code + at, left < SLICE + OVERLAP ? left : SLICE + OVERLAP,
				     segment->p_vaddr + at};

		if (!budget_time(g->elf->budget) || !scan_word_tests(&slice, word, add_guard, g))
			return false;
	}
	return code;
}

static int find_guards(struct elf *e, const char *probe, struct site *ret)
{
	struct guards g = {.elf = e, .site = ret};
	struct elf_usdt usdt;

	if (elf_usdt(e, "python", probe, &usdt, 1, NULL) != 1 || !usdt.semaphore)
		return 0;
	for (int i = 0; i < e->nload; i++)
		if (e->load[i].p_flags & PF_X && !look_through(&g, &e->load[i], usdt.semaphore))
			return 0;
	return g.n;
}

bool eval_find_guards(struct elf *e, struct eval_sites *ret)
{
	struct eval_sites sites = {0};

	sites.nin = find_guards(e, "function__entry", sites.in);
	sites.nout = sites.nin ? find_guards(e, "function__return", sites.out) : 0;
	if (!sites.nout)
		return false;
	*ret = sites;
	return true;
}
