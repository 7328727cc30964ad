/* SPDX-License-Identifier: MIT */
/*
 * The open calls of one thread: the stack that it is on, and those of greenlets that wait, each
 * known by what is at its bottom. Only that thread touches it.
 */
#ifndef FT_AGENT_CALL_STACK_H
#define FT_AGENT_CALL_STACK_H

#include "python.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"

/* A call that is open. */
struct call {
	void *frame;
	PyCodeObject *code; /* borrowed; told from others by its address only */
	uint64_t function;  /* what the records call it */
	uint64_t start_ns;
	uint32_t start_tid;
	bool lost; /* its ENTER could not be recorded: no EXIT either */
};

struct call_stack {
	struct call *call; /* owned; what runs now, the innermost last */
	size_t depth, cap;
	/* Where there are greenlets: stacks.h. */
	uintptr_t bottom;   /* what this stack is known by; 0: the first one */
	uintptr_t first;    /* the bottom frame of the first one; 0: not known, or needed */
	struct map waiting; /* bottom -> the other stacks, owned */
};

/* The innermost one; NULL: nothing is open. */
static inline struct call *call_stack_top(const struct call_stack *s)
{
	return s->depth ? &s->call[s->depth - 1] : NULL;
}

/* Puts a copy on it. NULL without memory. */
struct call *call_stack_push(struct call_stack *s, const struct call *call);
/* The innermost call of the first stack, whether it is the current one or waits; NULL: none is. */
const struct call *call_stack_first_top(const struct call_stack *s);
/* The current one waits, and that with this bottom is it. Returns how many calls are lost for want
 * of memory. */
size_t call_stack_switch(struct call_stack *s, uintptr_t bottom);
/* Nothing is open on any. */
void call_stack_clear(struct call_stack *s);
void call_stack_release(struct call_stack *s);

#endif
