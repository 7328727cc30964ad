/* SPDX-License-Identifier: MIT */
/*
 * One instruction, reduced to what the search for hooks needs. In: code bytes of a file. Out: a
 * struct insn, in which only the numbers of registers depend on the machine. Each folder of arch/
 * implements it.
 */
#ifndef FT_INSN_H
#define FT_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INSN_BYTES_MAX 16
#define INSN_NO_REGISTER 31	  /* also part of a register, or a special one */
#define INSN_WRITES_UNKNOWN (~0u) /* a value of insn.written */

enum insn_flow {
	INSN_ON,     /* continues with the next one */
	INSN_BRANCH, /* continues with the next one, or at the target */
	INSN_JUMP,
	INSN_CALL, /* also of the kernel */
	INSN_RETURN,
	INSN_STOP, /* a trap: nothing follows */
};

/* A move of a pointer between a register and a structure. */
struct insn_move {
	bool stores;
	uint8_t reg, base; /* numbers of registers */
	uint8_t offset;
	uint8_t len; /* of the instruction; 0 = it is not such a move */
};

/* What an instruction loads into a register: a word, or the address of one. */
struct insn_source {
	enum { SOURCE_NONE, SOURCE_WORD, SOURCE_ADDRESS } kind;
	enum { BASE_CODE, BASE_THREAD, BASE_REGISTER } base;
	uint8_t reg;   /* BASE_REGISTER */
	int64_t place; /* offset from the base; BASE_CODE: the address itself */
};

struct insn {
	uint64_t vaddr;
	uint8_t len;
	enum insn_flow flow;
	uint64_t target;  /* of a direct branch, jump or call; 0 = none */
	uint32_t written; /* one bit per register */
	uint8_t copied; /* the register whose value is copied to another one, or INSN_NO_REGISTER */
	uint8_t saved;	/* the register whose value is stored on the stack, or INSN_NO_REGISTER */
	struct insn_move move;
	struct insn_source source;
	bool emulated;	/* the kernel executes it at a probe; it single-steps others */
	bool entry;	/* marks a valid target of an indirect call (endbr64), and does nothing */
	bool patchable; /* a nop that the kernel replaces with a call when a probe is there */
};

struct insn_reader;

/* NULL: no memory. */
struct insn_reader *insn_reader_new(void);
void insn_reader_free(struct insn_reader *r); /* NULL is fine */
/* The instruction at the start of code, whose address is vaddr; false: there is none. */
bool insn_read(struct insn_reader *r, const uint8_t *code, size_t len, uint64_t vaddr,
	       struct insn *ret_insn);

#endif
