/* SPDX-License-Identifier: MIT */
/*
 * The probes of the extension flowtrace_agent, instead of any in the interpreter. Names come
 * first: the extension tells all that it has as soon as it is listened to. Entries come last, so
 * that no call is seen whose end would pass by.
 */
#include <errno.h>

#include "cpython/backends.h"

static const struct {
	const char *name;
	enum hook_role role;
} probes[] = {
	{"name", HOOK_AGENT_NAME},
	{"function__exception", HOOK_AGENT_RAISE},
	{"function__return", HOOK_AGENT_EXIT},
	{"function__entry", HOOK_AGENT_ENTER},
};

int hooks_agent(const struct target *t, struct hooks *h, struct why *w)
{
	struct elf e;
	int err;

	if (!t->agent.path)
		return why_exit(w, EXIT_PYTHON, -ENOEXEC,
				"process %d has no flowtrace_agent loaded (no mapped file "
				"flowtrace_agent/_core.*.so): import flowtrace_agent there and "
				"call start_tracing(), or use --backend auto",
				t->pid);
	err = elf_open(&e, t->agent.open_path, w);
	if (err)
		return err;
	for (size_t i = 0; !err && i < sizeof(probes) / sizeof(probes[0]); i++)
		err = hooks_probe(&e, t->agent.path, "flowtrace", probes[i].name, probes[i].role, h,
				  w);
	elf_release(&e);
	h->backend = "agent";
	h->in_agent = true;
	return err;
}
