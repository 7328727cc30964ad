/* SPDX-License-Identifier: MIT */
/*
 * _PyEval_EvalFrameDefault (Python/ceval.c, 3.8 to 3.10) is called for each frame, and returns at
 * its one end:
 *
 *         if (Py_EnterRecursiveCall(...)) return NULL;
 *         tstate->frame = f;                                  in
 *         ...
 *     exit_eval_frame:            a value, a yield or an exception
 *         f->f_executing = 0;                                 (not in 3.10)
 *         tstate->frame = f->f_back;                          out
 *         return _Py_CheckFunctionResult(...);
 *
 * In: every path from the start of the function reaches either a store of its argument to
 * tstate->frame, or the function's end.
 *
 * Out: f_back is loaded through one register and stored through another, with no jump between the
 * two. Both registers hold variables that live as long as the function runs, so any other store
 * through the second one to that offset must store the first one. The next instruction that the
 * kernel emulates is mostly the call, and up to it the frame's register must not be overwritten. If
 * any of this does not hold, nothing is found: Debian's compiler loads f_back into the frame's own
 * register (but see guards.c).
 */
#include <string.h>

#include "arch/insn.h"
#include "arch/machine.h"
#include "arch/scan.h"
#include "cpython/eval.h"

#define EVAL_BYTES_MAX (256 << 10)
#define LOAD_TO_STORE 16 /* instructions */
#define STORE_TO_HOOK 8
#define WAYS_MAX 32
#define WAY_INSNS 256 /* on all paths together */

/* ---- code ------------------------------------------------------------------------------------ */

struct code {
	struct elf *elf;
	struct insn_reader *reader;
	struct insn insn;
};

/* Reads the instruction at vaddr; false: there is none. */
static bool code_read(struct code *c, uint64_t vaddr)
{
	const uint8_t *p;
	size_t left;

	p = elf_code(c->elf, vaddr, INSN_BYTES_MAX, &left);
	return p && insn_read(c->reader, p, left, vaddr, &c->insn) &&
	       c->insn.written != INSN_WRITES_UNKNOWN;
}

static bool is_jump(const struct insn *i)
{
	return i->flow == INSN_BRANCH || i->flow == INSN_JUMP;
}

static bool ends_the_way(const struct insn *i)
{
	return i->flow == INSN_RETURN || i->flow == INSN_STOP;
}

/* Is it a move from or to that offset? */
static bool is_move(const struct insn *i, uint16_t offset)
{
	return i->move.len && i->move.offset == offset;
}

/* ---- in -------------------------------------------------------------------------------------- */

struct way {
	uint64_t at;
	unsigned holds; /* registers that hold the frame */
};

struct ways {
	struct code *code;
	const struct cpython_facts *facts;
	struct way todo[WAYS_MAX];
	int ntodo, steps;
	struct eval_sites *ret;
};

static bool add_in(struct ways *w, uint64_t vaddr)
{
	struct eval_sites *r = w->ret;
	struct site site;

	if (site_in_handler(w->code->elf, vaddr, &site))
		return false;
	for (int i = 0; i < r->nin; i++)
		if (r->in[i].vaddr == site.vaddr)
			return true;
	if (r->nin == EVAL_PLACES)
		return false;
	r->in[r->nin++] = site;
	return true;
}

static bool add_way(struct ways *w, uint64_t at, unsigned holds)
{
	if (!at || w->ntodo == WAYS_MAX)
		return false;
	w->todo[w->ntodo++] = (struct way){at, holds};
	return true;
}

/* The registers that hold the frame after this instruction. */
static unsigned holds_behind(const struct insn *i, unsigned holds)
{
	if (i->flow == INSN_CALL)
		return holds & machine.kept;
	return (holds & ~i->written) | (holds >> i->copied & 1 ? i->written : 0);
}

/* Is a register that holds the frame stored on the stack? The stack is not followed. */
static bool is_put_away(const struct insn *i, unsigned holds)
{
	return holds >> i->saved & 1;
}

/*
 * Follows one path until it ends or stores the frame into the thread state. If a call leaves no
 * register that holds the frame, the path ends there: that call does not return (a fatal error).
 */
static bool follow(struct ways *w, struct way way)
{
	uint16_t offset = w->facts->layout.tstate_frame;
	const struct insn *i = &w->code->insn;

	while (w->steps++ < WAY_INSNS && code_read(w->code, way.at)) {
		way.at = i->vaddr + i->len;
		if (is_move(i, offset) && i->move.stores && way.holds >> i->move.reg & 1)
			return add_in(w, way.at);
		if (ends_the_way(i))
			return true;
		if (is_put_away(i, way.holds))
			return false;
		if (is_jump(i) && !add_way(w, i->target, way.holds))
			return false;
		if (i->flow == INSN_JUMP)
			return true;
		way.holds = holds_behind(i, way.holds);
		if (!way.holds && i->flow == INSN_CALL)
			return true;
	}
	return false;
}

static bool find_in(struct code *c, const struct cpython_facts *facts, uint64_t function,
		    struct eval_sites *ret)
{
	struct ways w = {.code = c, .facts = facts, .ret = ret};
	int arg = facts->layout.entry_frame_arg; /* counted from 1 */

	if (arg < 1 || arg > MACHINE_ARGUMENTS ||
	    !add_way(&w, function, 1u << machine.argument[arg - 1]))
		return false;
	while (w.ntodo)
		if (!follow(&w, w.todo[--w.ntodo]))
			return false;
	return ret->nin > 0;
}

/* ---- out ------------------------------------------------------------------------------------- */

struct out {
	uint8_t frame, tstate; /* registers */
	uint64_t store;
	struct site site;
};

/* From a load of f_back: the store that belongs to it, and a hook after the store. 1: found; 0: it
 * is not such a load; -1: there is no place for a hook. */
static int out_of(struct code *c, const struct cpython_facts *facts, uint64_t load,
		  struct insn_move m, struct out *ret)
{
	const struct insn *insn = &c->insn;
	bool lost = m.reg == m.base;
	uint64_t at = load + m.len;
	int i;

	*ret = (struct out){.frame = m.base};
	for (i = 0; i < LOAD_TO_STORE && !ret->store; i++, at += insn->len) {
		if (!code_read(c, at) || is_jump(insn) || insn->flow == INSN_CALL ||
		    ends_the_way(insn))
			return 0;
		if (is_move(insn, facts->layout.tstate_frame) && insn->move.stores &&
		    insn->move.reg == m.reg) {
			ret->tstate = insn->move.base;
			ret->store = at;
		} else if (insn->written >> m.reg & 1) {
			return 0;
		}
		lost |= insn->written >> m.base & 1;
	}
	if (!ret->store)
		return 0;
	if (lost)
		return -1;
	for (i = 0; i < STORE_TO_HOOK; i++, at += insn->len) {
		if (!code_read(c, at) || site_at(c->elf, at, &ret->site))
			return -1;
		if (ret->site.cost == HOOK_EMULATED)
			return 1;
		if (insn->flow != INSN_ON || insn->written >> m.base & 1)
			return -1;
	}
	return -1;
}

struct outs {
	struct out out[EVAL_PLACES];
	int n;
};

/* Adds a place, which must use the same registers as the others. */
static bool add_out(struct outs *o, const struct out *out)
{
	if (o->n == EVAL_PLACES ||
	    (o->n && (out->frame != o->out[0].frame || out->tstate != o->out[0].tstate)))
		return false;
	o->out[o->n++] = *out;
	return true;
}

/* Is this one of the stores found, or does it store the frame itself? */
static bool is_known_store(const struct outs *o, uint64_t vaddr, struct insn_move m)
{
	if (m.base != o->out[0].tstate || m.reg == o->out[0].frame)
		return true;
	for (int i = 0; i < o->n; i++)
		if (o->out[i].store == vaddr)
			return true;
	return false;
}

/* Finds every place where f_back is stored; false: there is none, or one that cannot be hooked. */
static bool find_outs(struct code *c, const struct cpython_facts *facts, const struct scan *s,
		      struct outs *ret)
{
	struct insn_move m;
	struct out out;
	size_t at = 0;

	while (scan_move(s, facts->layout.frame_previous, &at, &m)) {
		if (m.stores)
			continue;
		if (!budget_time(c->elf->budget))
			return false;
		switch (out_of(c, facts, s->vaddr + at - 1, m, &out)) {
		case 1:
			if (!add_out(ret, &out))
				return false;
			break;
		case -1:
			return false;
		}
	}
	return ret->n && machine.kept >> ret->out[0].frame & 1;
}

static bool find_out(struct code *c, const struct cpython_facts *facts, const struct scan *s,
		     struct eval_sites *ret)
{
	struct outs o = {0};
	struct insn_move m;
	size_t at = 0;

	if (!find_outs(c, facts, s, &o))
		return false;
	while (scan_move(s, facts->layout.tstate_frame, &at, &m))
		if (m.stores && !is_known_store(&o, s->vaddr + at - 1, m))
			return false;
	for (int i = 0; i < o.n; i++)
		ret->out[ret->nout++] = o.out[i].site;
	ret->frame_register = o.out[0].frame;
	return true;
}

bool eval_code(struct elf *e, struct scan *ret)
{
	Elf64_Sym s;

	if (elf_symbol(e, "_PyEval_EvalFrameDefault", &s))
		return false;
	ret->vaddr = s.st_value;
	ret->code = elf_code(e, s.st_value, s.st_size < EVAL_BYTES_MAX ? s.st_size : EVAL_BYTES_MAX,
			     &ret->len);
	return ret->code;
}

bool eval_find(struct elf *e, const struct cpython_facts *facts, struct eval_sites *ret)
{
	struct eval_sites sites = {0};
	struct code c = {.elf = e};
	struct scan s;
	bool found;

	if (!eval_code(e, &s))
		return false;
	c.reader = insn_reader_new();
	found = c.reader && find_out(&c, facts, &s, &sites) && find_in(&c, facts, s.vaddr, &sites);
	insn_reader_free(c.reader);
	if (found)
		*ret = sites;
	return found;
}
