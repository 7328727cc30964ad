/* SPDX-License-Identifier: MIT */
/* Chooses the backend, or says why it is not available. */
#include <errno.h>
#include <string.h>

#include "cpython/backends.h"
#include "cpython/cpython.h"

int hooks_add(struct hooks *h, struct elf *e, uint64_t vaddr, struct hook hook, struct why *w)
{
	if (elf_offset(e, vaddr, &hook.file_offset) || !elf_is_code(e, vaddr))
		return why_exit(w, EXIT_PYTHON, -ENOEXEC, "the hook %s at %#llx is not in the code",
				hook.name, (unsigned long long)vaddr);
	for (int i = 0; i < h->count; i++)
		if (h->site[i].file_offset == hook.file_offset && h->site[i].role == hook.role)
			return 0;
	if (h->count == HOOKS_MAX)
		return why_exit(w, EXIT_PYTHON, -ENOEXEC, "more than %d places to hook", HOOKS_MAX);
	h->site[h->count++] = hook;
	return 0;
}

int hooks_keep_code(struct hooks *h, struct elf *e, struct why *w)
{
	for (int i = 0; i < h->count; i++) {
		struct hook *hook = &h->site[i];
		uint64_t left = e->bytes.size - hook->file_offset;
		const void *code;

		hook->ncode = left < HOOK_CODE_MAX ? left : HOOK_CODE_MAX;
		code = bytes_at(&e->bytes, hook->file_offset, hook->ncode);
		if (!code)
			return why_exit(w, EXIT_PYTHON, -ENOEXEC,
					"the code at the hook %s cannot be read", hook->name);
		memcpy(hook->code, code, hook->ncode);
	}
	return 0;
}

static int refuse_usdt(const struct target *t, const struct cpython_facts *facts, bool present,
		       struct why *w)
{
	if (!present)
		return why_exit(w, EXIT_PYTHON, -ENOEXEC,
				"%s was built without USDT probes (--with-dtrace): use --backend "
				"auto",
				t->binary);
	return why_exit(w, EXIT_PYTHON, -ENOEXEC,
			"the USDT probes of Python 3.%d do not see every call (a call between "
			"Python functions passes none): use --backend auto",
			facts->minor);
}

static int choose_backend(struct elf *e, const struct target *t, const struct cpython_facts *facts,
			  enum backend backend, struct hooks *h, struct why *w)
{
	bool present = hooks_usdt_present(e);
	bool usdt = present && facts->usdt_sees_every_call;

	switch (backend) {
	case BACKEND_USDT:
		return usdt ? hooks_usdt(e, t, h, w) : refuse_usdt(t, facts, present, w);
	case BACKEND_AUTO:
		if (usdt)
			return hooks_usdt(e, t, h, w);
		break;
	case BACKEND_UPROBE:
		break;
	case BACKEND_AGENT: /* it has no hooks in the interpreter */
		break;
	}
	return hooks_uprobe(e, t, facts, h, w);
}

static int find_hooks(struct elf *e, const struct target *t, enum backend backend, unsigned asked,
		      struct hooks *h, struct why *w)
{
	const struct cpython_facts *facts;
	int err = cpython_facts(t, &facts, w);

	if (!err)
		err = choose_backend(e, t, facts, backend, h, w);
	if (!err)
		err = hooks_freed(e, t, h, w);
	if (!err && asked & HOOKS_HTTP)
		err = hooks_context(e, t, h, w);
	if (!err)
		err = hooks_greenlet(e, t, h, w);
	if (!err)
		err = hooks_throw(e, t, h, w);
	if (!err)
		hooks_runtime(e, t, asked, h);
	return err ? err : hooks_keep_code(h, e, w);
}

static int hooks_interpreter(struct binary *b, const struct target *t, enum backend backend,
			     unsigned asked, struct why *w)
{
	struct binary_hooks hooks = {.known = true, .how = asked << 8 | backend};
	struct elf *e;
	int err;

	if (b->hooks.known && b->hooks.how == hooks.how)
		return 0;
	err = binary_open(b, t->open_path, t->binary, t->budget, &e, w);
	if (!err)
		err = find_hooks(e, t, backend, asked, &hooks.hooks, w);
	if (!err)
		b->hooks = hooks;
	return err;
}

int cpython_hooks(const struct target *t, enum backend backend, unsigned asked,
		  struct hooks *ret_hooks, struct why *w)
{
	struct binary own = {0}, *b;
	int err;

	if (backend == BACKEND_AGENT) {
		b = t->agent.file ?: &own;
		err = hooks_agent(b, t, ret_hooks, w);
	} else {
		b = t->file ?: &own;
		err = hooks_interpreter(b, t, backend, asked, w);
		if (!err)
			*ret_hooks = b->hooks.hooks;
	}
	binary_release(&own);
	return err;
}
