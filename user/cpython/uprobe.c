/* SPDX-License-Identifier: MIT */
/* Hooks in the handlers of the opcodes that start, suspend and end a body. */
#include <errno.h>

#include "cpython/backends.h"
#include "cpython/dispatch.h"
#include "cpython/site.h"

bool hooks_uprobe_known(const struct cpython_facts *facts)
{
	return facts->opcode[0].name != NULL;
}

static int add_handler(struct elf *e, const struct target *t, const struct dispatch *d,
		       const struct opcode_hook *op, struct hooks *h, struct why *w)
{
	struct hook hook = {.role = op->role, .name = op->name};
	struct site site;

	if (site_in_handler(e, d->handler[op->opcode], &site))
		return why_exit(w, EXIT_PYTHON, -ENOEXEC,
				"%s: the handler of %s at %#llx cannot be read", t->binary,
				op->name, (unsigned long long)d->handler[op->opcode]);
	hook.cost = site.cost;
	return hooks_add(h, e, site.vaddr, hook, w);
}

/* Called once for every frame that an exception is raised in or passes through. */
static int add_traceback(struct elf *e, const struct target *t, struct hooks *h, struct why *w)
{
	struct hook hook = {.role = HOOK_TRACEBACK, .name = "PyTraceBack_Here"};
	struct site site;
	Elf64_Sym s;

	if (elf_symbol(e, hook.name, &s) || site_at_function(e, s.st_value, &site))
		return why_exit(w, EXIT_PYTHON, -ENOEXEC, "%s has no function %s", t->binary,
				hook.name);
	hook.cost = site.cost;
	return hooks_add(h, e, site.vaddr, hook, w);
}

int hooks_uprobe(struct elf *e, const struct target *t, const struct cpython_facts *facts,
		 struct hooks *h, struct why *w)
{
	struct dispatch d;
	int err = dispatch_find(e, facts, &d, w);

	for (int i = 0; !err && i < FACTS_MAX_OPCODES && facts->opcode[i].name; i++)
		err = add_handler(e, t, &d, &facts->opcode[i], h, w);
	if (!err)
		err = add_traceback(e, t, h, w);
	h->backend = "uprobe";
	return err;
}
