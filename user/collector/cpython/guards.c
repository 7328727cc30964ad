/* SPDX-License-Identifier: MIT */
/*
 * A build with dtrace probes asks at each way in and out whether anybody listens to its probes
 * (Python/ceval.c, PyDTrace_FUNCTION_RETURN_ENABLED): a 16-bit word is compared with 0, and what
 * comes next jumps. There the frame is the thread's. So without a listener these are the places
 * too, in as many copies as the compiler made; all of them if nothing else refers to the word.
 */
#include <string.h>

#include "cpython/eval.h"

/* cmpw $0, word(%rip): the place of the word counts from the end of the instruction. */
#define COMPARES "\x66\x83\x3d"
#define OPCODE_BYTES 3
#define WORD_BYTES 4
#define IMMEDIATE_BYTES 1
#define IMMEDIATE_MAX 4

struct guards {
	struct elf *elf;
	uint64_t word;
	struct site *site;
	int n;
};

static bool add_guard(struct guards *g, uint64_t vaddr)
{
	struct site *s = &g->site[g->n];

	if (g->n == EVAL_PLACES || site_in_handler(g->elf, vaddr, s) || s->cost != HOOK_EMULATED)
		return false;
	g->n++;
	return true;
}

/* lea: the word is the first of its section, whose address the C runtime compares with another. */
static bool is_lea(const uint8_t *p)
{
	return p[-2] == 0x8d;
}

/* False: the four bytes at p refer to the word in another way. */
static bool look_at(struct guards *g, const uint8_t *p, uint64_t vaddr)
{
	uint64_t behind = vaddr + WORD_BYTES, immediate;
	int32_t value;

	memcpy(&value, p, sizeof(value));
	immediate = g->word - (behind + value);
	if (immediate > IMMEDIATE_MAX) /* asked first: nearly all bytes end here */
		return true;
	if (memcmp(p - OPCODE_BYTES, COMPARES, OPCODE_BYTES))
		return is_lea(p);
	if (immediate != IMMEDIATE_BYTES)
		return true; /* of another word */
	return !p[WORD_BYTES] && add_guard(g, behind + IMMEDIATE_BYTES);
}

static bool look_through(struct guards *g, const Elf64_Phdr *segment)
{
	const uint8_t *code;
	size_t len;

	code = elf_code(g->elf, segment->p_vaddr, segment->p_filesz, &len);
	for (size_t i = OPCODE_BYTES; code && i + WORD_BYTES < len; i++) {
		if (i % 65536 == 0 && !budget_time(g->elf->budget))
			return false;
		if (!look_at(g, code + i, segment->p_vaddr + i))
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
	g.word = usdt.semaphore;
	for (int i = 0; i < e->nload; i++)
		if (e->load[i].p_flags & PF_X && !look_through(&g, &e->load[i]))
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
