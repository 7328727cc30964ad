/* SPDX-License-Identifier: MIT */
/*
 * Where to hook an interpreter, or the extension in it: cpython/ finds the sites, attach/ puts BPF
 * programs there.
 */
#ifndef FT_HOOKS_H
#define FT_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "ft_layout.h"

#define HOOKS_MAX 28
#define HOOK_CODE_MAX 16 /* no instruction is longer */

/*
 * What an instruction at a hook site means; one BPF program each. A row: the role, its program in
 * bpf/, and what people read (--check).
 */
#define HOOK_ROLES(X)                                                                              \
	/* a RESUME-family handler: a body starts or resumes (3.11+)  */                           \
	X(RESUME, ft_resume, "start, resumption")                                                  \
	/* RETURN_VALUE: the value is in the first stack slot */                                   \
	X(RETURN, ft_return, "return")                                                             \
	/* YIELD_VALUE: a generator or coroutine is suspended */                                   \
	X(YIELD, ft_yield, "suspension")                                                           \
	/* USDT function__entry, or a frame has become the thread's: it starts or resumes (3.8 */  \
	/* to 3.10) */                                                                             \
	X(FRAME_ENTRY, ft_frame_entry, "start, resumption")                                        \
	/* USDT function__return, or a frame is no longer the thread's (to 3.10): return, yield */ \
	/* or exception; with a RETURN where an exception leaves the eval function (3.11) */       \
	X(FRAME_EXIT, ft_frame_exit, "any exit")                                                   \
	/* PyTraceBack_Here */                                                                     \
	X(TRACEBACK, ft_traceback, "exception")                                                    \
	/* _PyEval_FrameClearAndPop(tstate, frame): any exit (3.12 on) */                          \
	X(FRAME_CLEAR, ft_frame_clear, "any exit")                                                 \
	/* _PyEval_EvalFrameDefault: a call starts or resumes (to 3.10) */                         \
	X(EVAL_ENTRY, ft_eval_entry, "start, resumption")                                          \
	/* USDT probes of flowtrace_agent, which come with a record; NAME: a function, class or */ \
	/* thread, or a loss */                                                                    \
	X(AGENT_NAME, ft_agent_name, "names, losses")                                              \
	X(AGENT_RAISE, ft_agent_raise, "exception")                                                \
	X(AGENT_EXIT, ft_agent_exit, "any exit")                                                   \
	X(AGENT_ENTER, ft_agent_enter, "start")                                                    \
	/* never hit: its semaphore tells the agent that a tracer listens */                       \
	X(AGENT_LISTENER, ft_agent_name, "never hit")                                              \
	/* the return of PyContext_CopyCurrent, or of Context.copy() */                            \
	X(CONTEXT_COPIED, ft_context_copied, "context copied")                                     \
	/* ... of what PyContext_New calls: an empty one */                                        \
	X(CONTEXT_MADE, ft_context_made, "context made")                                           \
	/* PyCapsule_New: the module greenlet makes one */                                         \
	X(GREENLET, ft_greenlet_loaded, "greenlet loaded")                                         \
	/* Py_FinalizeEx: the program is over (to 3.11) */                                         \
	X(FINALIZE, ft_finalize, "end of the program")                                             \
	/* what frees a code object or a class: its address may be used again */                   \
	X(FREED, ft_freed, "code or class freed")                                                  \
	/* generator.throw() and its like: something is thrown into one */                         \
	X(THROW, ft_throw, "throw()")                                                              \
	/* runtime events (ft_runtime.h) */                                                        \
	X(GC_START, ft_gc_start, "collection begins")                                              \
	X(GC_DONE, ft_gc_done, "collection ends")                                                  \
	X(GC_RETURN, ft_gc_return, "collection ends")

enum hook_role {
	HOOK_NONE,
#define X(role, program, text) HOOK_##role,
	HOOK_ROLES(X)
#undef X
		HOOK_END,
};

/* Is the hook put on the return of the function at the site (a uretprobe)? */
static inline bool hook_is_return(enum hook_role role)
{
	return role == HOOK_CONTEXT_COPIED || role == HOOK_CONTEXT_MADE || role == HOOK_GC_RETURN;
}

/* What is asked for beside calls: bits. */
#define HOOKS_HTTP 1U
#define HOOKS_RUNTIME(kind) (1U << (kind)) /* enum ft_runtime, of which 0 is none */

enum hook_cost { HOOK_EMULATED, HOOK_SINGLE_STEPPED };

struct hook {
	enum hook_role role;
	uint64_t file_offset;	   /* of the instruction, as perf_event_open wants it */
	uint64_t semaphore_offset; /* USDT semaphore, file offset; 0 = none */
	/* The bytes at this place in the file: an instruction and what follows. */
	uint8_t code[HOOK_CODE_MAX];
	uint8_t ncode;
	enum hook_cost cost;
	struct ft_number number; /* that it comes with; its address is that in the file */
	const char *name;	 /* static: "RESUME", "function__entry", ... for --check and -v */
};

struct hooks {
	struct hook site[HOOKS_MAX];
	int count;
	const char *backend; /* static: "usdt", "uprobe" or "agent" */
	/* Number of the register that has the frame at a HOOK_FRAME_EXIT, where it is no longer the
	 * thread's current frame; 0: it still is current. */
	uint8_t exit_register;
	unsigned no_runtime; /* bits of enum ft_runtime: asked for, and cannot be seen here */
	bool in_agent;	     /* the sites are in the target's agent.path, not in its binary */
};

#endif
