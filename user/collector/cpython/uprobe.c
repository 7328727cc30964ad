/* SPDX-License-Identifier: MIT */
/* Hooks in the handlers of the opcodes that start, suspend and end a body. */
#include <errno.h>
#include <string.h>

#include "cpython/backends.h"
#include "cpython/dispatch.h"
#include "cpython/eval.h"
#include "cpython/leaving.h"
#include "cpython/site.h"

#define OP_RETURN_VALUE_3_12 83

static int add_handler(struct elf *e, const struct target *t, const struct dispatch *d,
		       const struct opcode_hook *op, struct hooks *h, struct why *w)
{
	struct hook hook = {.role = op->role, .name = op->name};
	struct site site;

	if (op->first ? site_at(e, d->handler[op->opcode], &site)
		      : site_in_handler(e, d->handler[op->opcode], &site))
		return why_exit(w, EXIT_PYTHON, -ENOEXEC,
				"%s: the handler of %s at %#llx cannot be read", t->binary,
				op->name, (unsigned long long)d->handler[op->opcode]);
	hook.cost = site.cost;
	return hooks_add(h, e, site.vaddr, hook, w);
}

int hooks_function(struct elf *e, const struct target *t, struct hook hook, uint64_t function,
		   struct hooks *h, struct why *w)
{
	struct site site;
	int err = -ENOENT;

	if (function && hook_is_return(hook.role))
		err = site_for_return(e, function, &site);
	else if (function)
		err = site_at_function(e, function, &site);
	if (err)
		return why_exit(w, EXIT_PYTHON, -ENOEXEC, "%s has no function %s", t->binary,
				hook.name);
	hook.cost = site.cost;
	hook.number.ip = site.vaddr;
	return hooks_add(h, e, site.vaddr, hook, w);
}

static uint64_t exported(struct elf *e, const char *name)
{
	Elf64_Sym s;

	return elf_symbol(e, name, &s) ? 0 : s.st_value;
}

/*
 * 3.12 does not export the function, but RETURN_VALUE and RETURN_CONST call it first
 * (Python/bytecodes.c). 0 unless both call the same.
 */
static uint64_t called_by_returns(struct elf *e, const struct cpython_facts *facts,
				  const struct dispatch *d)
{
	uint64_t by_value, by_const;

	if (site_first_call(e, d->handler[OP_RETURN_VALUE_3_12], &by_value) ||
	    site_first_call(e, d->handler[facts->layout.op_return_const[0]], &by_const))
		return 0;
	return by_value == by_const ? by_value : 0;
}

/* Called once for every frame in which an exception is raised, through which it passes, or into
 * which it is thrown. */
int hooks_traceback(struct elf *e, const struct target *t, struct hooks *h, struct why *w)
{
	static const struct hook traceback = {.role = HOOK_TRACEBACK, .name = "PyTraceBack_Here"};

	return hooks_function(e, t, traceback, exported(e, traceback.name), h, w);
}

/*
 * For releases without a function that clears every frame. A hook sees exceptions leave a frame, if
 * its place is found; else the thread's next event shows that the frame is gone. For the last ones
 * there may be no next event, so then the end of the program is hooked too.
 */
static int add_unwinding(struct elf *e, const struct target *t, const struct cpython_facts *facts,
			 const struct dispatch *d, struct hooks *h, struct why *w)
{
	static const struct hook finalize = {.role = HOOK_FINALIZE, .name = "Py_FinalizeEx"};
	struct hook unwind = {.role = HOOK_FRAME_EXIT, .name = "exit_unwind"};
	uint64_t at = leaving_by_exception(e, facts, d);
	struct site site;

	if (!at || site_in_handler(e, at, &site))
		return exported(e, finalize.name)
			       ? hooks_function(e, t, finalize, exported(e, finalize.name), h, w)
			       : 0;
	unwind.cost = site.cost;
	return hooks_add(h, e, site.vaddr, unwind, w);
}

static int add_functions(struct elf *e, const struct target *t, const struct cpython_facts *facts,
			 const struct dispatch *d, struct hooks *h, struct why *w)
{
	static const struct hook clear = {.role = HOOK_FRAME_CLEAR,
					  .name = "_PyEval_FrameClearAndPop"};
	static const struct hook entry = {.role = HOOK_EVAL_ENTRY,
					  .name = "_PyEval_EvalFrameDefault"};
	int err = 0;

	if (facts->frame_clear == FRAME_CLEAR_EXPORTED)
		err = hooks_function(e, t, clear, exported(e, clear.name), h, w);
	else if (facts->frame_clear == FRAME_CLEAR_CALLED)
		err = hooks_function(e, t, clear, called_by_returns(e, facts, d), h, w);
	else
		err = add_unwinding(e, t, facts, d, h, w);
	if (!err)
		err = hooks_traceback(e, t, h, w);
	if (!err && facts->eval_entry)
		err = hooks_function(e, t, entry, exported(e, entry.name), h, w);
	return err;
}

/* PyTypeObject (cpython/object.h) and PyMethodDef (methodobject.h), in every release. */
#define TYPE_METHODS 232
#define METHOD_SIZE 32
#define METHOD_CODE 8
#define METHODS_MAX 32

static uint64_t pointer_at(struct elf *e, uint64_t vaddr)
{
	uint64_t value;

	return vaddr && !elf_pointer(e, vaddr, &value) ? value : 0;
}

/* The C function of a method; 0: the type is missing, or has no method of that name. */
static uint64_t method_of(struct elf *e, const char *type, const char *name)
{
	uint64_t object = exported(e, type);
	uint64_t method = object ? pointer_at(e, object + TYPE_METHODS) : 0;

	for (int i = 0; method && i < METHODS_MAX; i++, method += METHOD_SIZE) {
		const char *text = elf_at(e, pointer_at(e, method), strlen(name) + 1);

		if (!text)
			return 0;
		if (!strcmp(text, name))
			return pointer_at(e, method + METHOD_CODE);
	}
	return 0;
}

#define TYPE_DEALLOC 48

/* Functions that free code objects and classes: their addresses may be reused. */
int hooks_freed(struct elf *e, const struct target *t, struct hooks *h, struct why *w)
{
	static const struct hook code = {.role = HOOK_FREED, .name = "code.tp_dealloc"};
	static const struct hook type = {.role = HOOK_FREED, .name = "type.tp_dealloc"};
	uint64_t code_type = exported(e, "PyCode_Type"), type_type = exported(e, "PyType_Type");
	int err = hooks_function(e, t, code,
				 code_type ? pointer_at(e, code_type + TYPE_DEALLOC) : 0, h, w);

	return err
		       ?: hooks_function(e, t, type,
					 type_type ? pointer_at(e, type_type + TYPE_DEALLOC) : 0, h,
					 w);
}

/*
 * The functions that make a contextvars.Context (Python/context.c). PyContext_New may be only a
 * jump to a function that others in that file call. asyncio copies a server's context for each
 * connection (from 3.15).
 */
int hooks_context(struct elf *e, const struct target *t, struct hooks *h, struct why *w)
{
	static const struct hook copied = {.role = HOOK_CONTEXT_COPIED,
					   .name = "PyContext_CopyCurrent"};
	static const struct hook copy = {.role = HOOK_CONTEXT_COPIED, .name = "Context.copy"};
	static const struct hook made = {.role = HOOK_CONTEXT_MADE, .name = "PyContext_New"};
	int err = hooks_function(e, t, copied, exported(e, copied.name), h, w);

	if (!err)
		err = hooks_function(e, t, copy, method_of(e, "PyContext_Type", "copy"), h, w);
	if (err)
		return err;
	return hooks_function(e, t, made, site_behind_jump(e, exported(e, made.name)), h, w);
}

int hooks_greenlet(struct elf *e, const struct target *t, struct hooks *h, struct why *w)
{
	static const struct hook capsule = {.role = HOOK_GREENLET, .name = "PyCapsule_New"};

	return hooks_function(e, t, capsule, exported(e, capsule.name), h, w);
}

/*
 * The throw() of generators, coroutines and the like. Some types share one function. A type that is
 * not exported is reached through the others: only debuggers and tests use its throw() directly.
 */
int hooks_throw(struct elf *e, const struct target *t, struct hooks *h, struct why *w)
{
	static const char *const type[] = {"PyGen_Type", "PyCoro_Type", "_PyCoroWrapper_Type",
					   "_PyAsyncGenASend_Type", "_PyAsyncGenAThrow_Type"};
	static const struct hook hook = {.role = HOOK_THROW, .name = "generator.throw"};
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(type) / sizeof(type[0]); i++)
		if (exported(e, type[i]))
			err = hooks_function(e, t, hook, method_of(e, type[i], "throw"), h, w);
	return err;
}

static int add_opcodes(struct elf *e, const struct target *t, const struct cpython_facts *facts,
		       const struct dispatch *d, struct hooks *h, struct why *w)
{
	int err = 0;

	for (int i = 0; !err && i < FACTS_MAX_OPCODES && facts->opcode[i].name; i++)
		err = add_handler(e, t, d, &facts->opcode[i], h, w);
	return err ?: add_functions(e, t, facts, d, h, w);
}

/* The same places as the dtrace probes: every way in and out, and what generators pass first. */
static int add_frames(struct elf *e, const struct target *t, const struct eval_sites *s,
		      struct hooks *h, struct why *w)
{
	struct hook in = {.role = HOOK_FRAME_ENTRY, .name = "_PyEval_EvalFrameDefault"};
	struct hook out = {.role = HOOK_FRAME_EXIT, .name = "exit_eval_frame"};
	int err = 0;

	for (int i = 0; !err && i < s->nin; i++) {
		in.cost = s->in[i].cost;
		err = hooks_add(h, e, s->in[i].vaddr, in, w);
	}
	for (int i = 0; !err && i < s->nout; i++) {
		out.cost = s->out[i].cost;
		err = hooks_add(h, e, s->out[i].vaddr, out, w);
	}
	h->exit_register = s->frame_register;
	return err ?: hooks_traceback(e, t, h, w);
}

int hooks_uprobe(struct elf *e, const struct target *t, const struct cpython_facts *facts,
		 struct hooks *h, struct why *w)
{
	struct eval_sites sites;
	struct dispatch d;
	int err = dispatch_find(e, facts, &d,
				w); /* refuses a file that is not the release it claims to be */

	h->backend = "uprobe";
	if (err)
		return err;
	if (facts->eval_entry && (eval_find_guards(e, &sites) || eval_find(e, facts, &sites)))
		return add_frames(e, t, &sites, h, w);
	return add_opcodes(e, t, facts, &d, h, w);
}
