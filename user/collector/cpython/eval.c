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
 * In: each way from the start of the function leads to a store of its argument, or to its end.
 *
 * Out: f_back is loaded from one register and stored through another, with no jump between. Both
 * are variables that live as long as the function runs, so other stores through the second one to
 * that place must be of the first. The next instruction that the kernel emulates is mostly the
 * call, and at it the frame's register must still be untouched. Where any of this is not so,
 * nothing is found: Debian's compiler loads f_back into the frame's own register
 * (but see guards.c).
 */
#include <capstone/capstone.h>
#include <string.h>

#include "cpython/eval.h"

#define EVAL_BYTES_MAX (256 << 10)
#define LOAD_TO_STORE 16 /* instructions */
#define STORE_TO_HOOK 8
#define WAYS_MAX 32
#define WAY_INSNS 256 /* on all the ways in */
#define INSN_BYTES_MAX 16

#define RAX 0
#define RSP 4
#define REGISTERS 16
/* Calls keep these, and so a compiler keeps in them what lives long. */
#define KEPT (1 << 3 | 1 << 5 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 15)

/* Numbers of registers as in instructions; REGISTERS: none of them, or a part. */
static int number_of(unsigned reg)
{
	static const unsigned wide[REGISTERS] = {
		X86_REG_RAX, X86_REG_RCX, X86_REG_RDX, X86_REG_RBX, X86_REG_RSP, X86_REG_RBP,
		X86_REG_RSI, X86_REG_RDI, X86_REG_R8,  X86_REG_R9,  X86_REG_R10, X86_REG_R11,
		X86_REG_R12, X86_REG_R13, X86_REG_R14, X86_REG_R15};
	static const unsigned half[REGISTERS] = {
		X86_REG_EAX,  X86_REG_ECX,  X86_REG_EDX,  X86_REG_EBX, X86_REG_ESP,  X86_REG_EBP,
		X86_REG_ESI,  X86_REG_EDI,  X86_REG_R8D,  X86_REG_R9D, X86_REG_R10D, X86_REG_R11D,
		X86_REG_R12D, X86_REG_R13D, X86_REG_R14D, X86_REG_R15D};

	for (int i = 0; i < REGISTERS; i++)
		if (wide[i] == reg || half[i] == reg)
			return i;
	return REGISTERS;
}

/* ---- code --------------------------------------------------------------------------------------
 */

struct code {
	struct elf *elf;
	csh cs;
	cs_insn *insn;
	unsigned written; /* by the instruction: a bit for each register */
};

static int code_open(struct code *c, struct elf *e)
{
	*c = (struct code){.elf = e};
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &c->cs))
		return -1;
	cs_option(c->cs, CS_OPT_DETAIL, CS_OPT_ON);
	c->insn = cs_malloc(c->cs);
	return c->insn ? 0 : -1;
}

static void code_close(struct code *c)
{
	if (c->insn)
		cs_free(c->insn, 1);
	if (c->cs)
		cs_close(&c->cs);
}

/* Reads the instruction there; false: it is none. */
static bool code_read(struct code *c, uint64_t vaddr)
{
	cs_regs read, written;
	uint8_t reads, writes;
	const uint8_t *p;
	size_t left;

	p = elf_code(c->elf, vaddr, INSN_BYTES_MAX, &left);
	if (!p || !cs_disasm_iter(c->cs, &p, &left, &vaddr, c->insn) ||
	    cs_regs_access(c->cs, c->insn, read, &reads, written, &writes))
		return false;
	c->written = 0;
	for (int i = 0; i < writes; i++)
		c->written |= 1u << number_of(written[i]);
	return true;
}

static bool is_jump(const struct code *c)
{
	return cs_insn_group(c->cs, c->insn, X86_GRP_JUMP);
}

static bool is_call(const struct code *c)
{
	return cs_insn_group(c->cs, c->insn, X86_GRP_CALL);
}

static bool ends_the_way(const struct code *c)
{
	return cs_insn_group(c->cs, c->insn, X86_GRP_RET) || c->insn->id == X86_INS_UD2 ||
	       c->insn->id == X86_INS_INT3 || c->insn->id == X86_INS_HLT;
}

/* Where a direct jump leads; 0: it is another one. */
static uint64_t target_of(const struct code *c)
{
	const cs_x86_op *op = &c->insn->detail->x86.operands[0];

	return op->type == X86_OP_IMM ? (uint64_t)op->imm : 0;
}

/* A pointer that goes between a register and a structure. */
struct move {
	bool stores;
	uint8_t reg, base;
	uint8_t len;
};

/* `mov offset(%base), %reg` or `mov %reg, offset(%base)` at p? */
static bool move_at(const uint8_t *p, size_t left, uint16_t offset, struct move *ret)
{
	uint8_t rex, modrm;
	bool sib;

	if (left < 4 || (p[0] & 0xfa) != 0x48 || (p[1] != 0x8b && p[1] != 0x89))
		return false;
	rex = p[0];
	modrm = p[2];
	sib = (modrm & 7) == 4; /* follows for r12, and for rsp, which is no structure */
	if (modrm >> 6 != 1 || left < 4u + sib || p[3 + sib] != offset ||
	    (sib && (p[3] != 0x24 || !(rex & 1))))
		return false;
	*ret = (struct move){
		.stores = p[1] == 0x89,
		.reg = (modrm >> 3 & 7) | (rex & 4) << 1,
		.base = (modrm & 7) | (rex & 1) << 3,
		.len = 4 + sib,
	};
	return true;
}

static bool move_read(const struct code *c, uint16_t offset, struct move *ret)
{
	return move_at(c->insn->bytes, c->insn->size, offset, ret);
}

/* ---- in ----------------------------------------------------------------------------------------
 */

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

/* The registers that hold the frame behind this instruction. */
static unsigned holds_behind(const struct code *c, unsigned holds)
{
	const cs_x86_op *op = c->insn->detail->x86.operands;
	int from;

	if (is_call(c))
		return holds & KEPT;
	if (c->insn->id == X86_INS_MOV && op[0].type == X86_OP_REG && op[1].type == X86_OP_REG &&
	    op[1].size == 8) {
		from = number_of(op[1].reg);
		return (holds & ~c->written) | (holds >> from & 1 ? c->written : 0);
	}
	return holds & ~c->written;
}

/* Is a register that holds the frame put on the stack, where it is not followed? */
static bool is_put_away(const struct code *c, unsigned holds)
{
	const cs_x86_op *op = c->insn->detail->x86.operands;

	if (c->insn->id == X86_INS_PUSH)
		return op[0].type == X86_OP_REG && holds >> number_of(op[0].reg) & 1;
	return c->insn->id == X86_INS_MOV && op[0].type == X86_OP_MEM &&
	       number_of(op[0].mem.base) == RSP && op[1].type == X86_OP_REG &&
	       holds >> number_of(op[1].reg) & 1;
}

/*
 * Follows one way to where it ends or makes the frame the thread's. Behind a call that comes before
 * the frame is in a register that is kept, nothing has it: that call does not return (a fatal
 * error).
 */
static bool follow(struct ways *w, struct way way)
{
	uint16_t offset = w->facts->layout.tstate_frame;
	struct code *c = w->code;
	struct move m;

	while (w->steps++ < WAY_INSNS && code_read(c, way.at)) {
		way.at = c->insn->address + c->insn->size;
		if (move_read(c, offset, &m) && m.stores && way.holds >> m.reg & 1)
			return add_in(w, way.at);
		if (ends_the_way(c))
			return true;
		if (is_put_away(c, way.holds))
			return false;
		if (is_jump(c) && !add_way(w, target_of(c), way.holds))
			return false;
		if (c->insn->id == X86_INS_JMP)
			return true;
		way.holds = holds_behind(c, way.holds);
		if (!way.holds && is_call(c))
			return true;
	}
	return false;
}

static bool find_in(struct code *c, const struct cpython_facts *facts, uint64_t function,
		    struct eval_sites *ret)
{
	static const uint8_t argument[] = {RAX, 7, 6}; /* rdi, rsi */
	struct ways w = {.code = c, .facts = facts, .ret = ret};

	if (!add_way(&w, function, 1u << argument[facts->layout.entry_frame_arg]))
		return false;
	while (w.ntodo)
		if (!follow(&w, w.todo[--w.ntodo]))
			return false;
	return ret->nin > 0;
}

/* ---- out ---------------------------------------------------------------------------------------
 */

struct out {
	uint8_t frame, tstate; /* registers */
	uint64_t store;
	struct site site;
};

/* From the load of f_back on: its store, and a hook behind it. 1: found; 0: it is no such load; -1:
 * there is no place for a hook. */
static int out_of(struct code *c, const struct cpython_facts *facts, uint64_t load, struct move m,
		  struct out *ret)
{
	uint64_t at = load + m.len;
	bool lost = m.reg == m.base;
	struct move store;
	int i;

	*ret = (struct out){.frame = m.base};
	for (i = 0; i < LOAD_TO_STORE && !ret->store; i++, at += c->insn->size) {
		if (!code_read(c, at) || is_jump(c) || is_call(c) || ends_the_way(c))
			return 0;
		if (move_read(c, facts->layout.tstate_frame, &store) && store.stores &&
		    store.reg == m.reg) {
			ret->tstate = store.base;
			ret->store = at;
		} else if (c->written >> m.reg & 1) {
			return 0;
		}
		lost |= c->written >> m.base & 1;
	}
	if (!ret->store)
		return 0;
	if (lost)
		return -1;
	for (i = 0; i < STORE_TO_HOOK; i++, at += c->insn->size) {
		if (!code_read(c, at) || site_at(c->elf, at, &ret->site))
			return -1;
		if (ret->site.cost == HOOK_EMULATED)
			return 1;
		if (is_jump(c) || is_call(c) || ends_the_way(c) || c->written >> m.base & 1)
			return -1;
	}
	return -1;
}

struct outs {
	struct out out[EVAL_PLACES];
	int n;
};

/* One more, of the same variables. */
static bool add_out(struct outs *o, const struct out *out)
{
	if (o->n == EVAL_PLACES ||
	    (o->n && (out->frame != o->out[0].frame || out->tstate != o->out[0].tstate)))
		return false;
	o->out[o->n++] = *out;
	return true;
}

/* Is this store one of those, or does it put the frame itself there? */
static bool is_known_store(const struct outs *o, uint64_t vaddr, struct move m)
{
	if (m.base != o->out[0].tstate || m.reg == o->out[0].frame)
		return true;
	for (int i = 0; i < o->n; i++)
		if (o->out[i].store == vaddr)
			return true;
	return false;
}

static bool find_out(struct code *c, const struct cpython_facts *facts, const uint8_t *p,
		     size_t left, uint64_t function, struct eval_sites *ret)
{
	struct outs o = {0};
	struct move m;
	struct out out;

	for (size_t i = 0; i < left; i++) {
		if (!move_at(p + i, left - i, facts->layout.frame_previous, &m) || m.stores)
			continue;
		if (!budget_time(c->elf->budget))
			return false;
		switch (out_of(c, facts, function + i, m, &out)) {
		case 1:
			if (!add_out(&o, &out))
				return false;
			break;
		case -1:
			return false;
		}
	}
	if (!o.n || !(KEPT >> o.out[0].frame & 1))
		return false;
	for (size_t i = 0; i < left; i++)
		if (move_at(p + i, left - i, facts->layout.tstate_frame, &m) && m.stores &&
		    !is_known_store(&o, function + i, m))
			return false;
	for (int i = 0; i < o.n; i++)
		ret->out[ret->nout++] = o.out[i].site;
	ret->frame_register = o.out[0].frame;
	return true;
}

const uint8_t *eval_code(struct elf *e, uint64_t *ret_vaddr, size_t *ret_len)
{
	Elf64_Sym s;

	if (elf_symbol(e, "_PyEval_EvalFrameDefault", &s))
		return NULL;
	*ret_vaddr = s.st_value;
	return elf_code(e, s.st_value, s.st_size < EVAL_BYTES_MAX ? s.st_size : EVAL_BYTES_MAX,
			ret_len);
}

bool eval_find(struct elf *e, const struct cpython_facts *facts, struct eval_sites *ret)
{
	struct eval_sites sites = {0};
	uint64_t function;
	const uint8_t *p;
	struct code c;
	size_t left;
	bool found;

	p = eval_code(e, &function, &left);
	if (!p)
		return false;
	found = !code_open(&c, e) && find_out(&c, facts, p, left, function, &sites) &&
		find_in(&c, facts, function, &sites);
	code_close(&c);
	if (found)
		*ret = sites;
	return found;
}
