/* SPDX-License-Identifier: MIT */
/*
 * Where to hook an interpreter, or the extension in it: cpython/ finds the sites, attach/ puts BPF
 * programs there.
 */
#ifndef FT_HOOKS_H
#define FT_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

#define HOOKS_MAX 26
#define HOOK_CODE_MAX 16 /* no instruction is longer */

/* What an instruction at a hook site means; one BPF program each. */
enum hook_role {
	HOOK_RESUME = 1,      /* a RESUME-family handler: a body starts or goes on (3.11+) */
	HOOK_RETURN = 2,      /* RETURN_VALUE: the value is in the first stack slot */
	HOOK_YIELD = 3,	      /* YIELD_VALUE: a generator or coroutine is suspended */
	HOOK_FRAME_ENTRY = 4, /* USDT function__entry, or a frame has become the thread's: starts
			       * or goes on (up to 3.10) */
	HOOK_FRAME_EXIT = 5,  /* USDT function__return, or a frame is no longer the thread's (up to
			       * 3.10): return, yield or exception; with a HOOK_RETURN where an
			       * exception leaves the eval function (3.11) */
	HOOK_TRACEBACK = 6,   /* PyTraceBack_Here */
	HOOK_EVAL_ENTRY = 8,  /* _PyEval_EvalFrameDefault: starts or goes on (up to 3.10) */
	HOOK_FRAME_CLEAR = 7, /* _PyEval_FrameClearAndPop(tstate, frame): any exit (3.12 on) */
	/* USDT probes of flowtrace_agent, which come with a record */
	HOOK_AGENT_NAME = 9, /* a function, class or thread, or a loss */
	HOOK_AGENT_RAISE = 10,
	HOOK_AGENT_EXIT = 11,
	HOOK_AGENT_ENTER = 12,
	HOOK_AGENT_LISTENER = 13, /* never hit: its semaphore says that somebody more is there */
	HOOK_CONTEXT_COPIED = 14, /* the return of PyContext_CopyCurrent, or of Context.copy() */
	HOOK_CONTEXT_MADE = 15,	  /* ... of what PyContext_New calls: an empty one */
	HOOK_GREENLET = 16,	  /* PyCapsule_New: the module greenlet makes one */
	HOOK_FINALIZE = 17,	  /* Py_FinalizeEx: the program is over (up to 3.11) */
	HOOK_FREED = 18, /* what frees a code object or a class: its address may be used again */
	HOOK_THROW = 19, /* generator.throw() and its like: something is thrown into one */
	HOOK_LAST = HOOK_THROW,
};

/* Is it the return of the function at the site that is hooked? */
static inline bool hook_is_return(enum hook_role role)
{
	return role == HOOK_CONTEXT_COPIED || role == HOOK_CONTEXT_MADE;
}

enum hook_cost { HOOK_EMULATED, HOOK_SINGLE_STEPPED };

struct hook {
	enum hook_role role;
	uint64_t file_offset;	   /* of the instruction, as perf_event_open wants it */
	uint64_t semaphore_offset; /* USDT semaphore, file offset; 0 = none */
	/* What lies there in the file, as it was read: an instruction and what follows. */
	uint8_t code[HOOK_CODE_MAX];
	uint8_t ncode;
	enum hook_cost cost;
	const char *name; /* static: "RESUME", "function__entry", ... for --check and -v */
};

struct hooks {
	struct hook site[HOOKS_MAX];
	int count;
	const char *backend; /* static: "usdt", "uprobe" or "agent" */
	/* At a HOOK_FRAME_EXIT the frame is no longer the thread's current one, but this register
	 * has it: its number in an instruction; 0: it still is. */
	uint8_t exit_register;
	bool in_agent; /* the sites are in the target's agent.path, not in its binary */
};

#endif
