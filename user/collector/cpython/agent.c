/* SPDX-License-Identifier: MIT */
/*
 * The probes of the extension flowtrace_agent, instead of any in the interpreter. Names come
 * first: the extension tells all that it has when it notices a listener. Entries come last, so that
 * no call is seen whose end would pass by.
 */
#include <errno.h>
#include <unistd.h>

#include "arch/machine.h"
#include "cpython/backends.h"
#include "cpython/memory.h"

static const char provider[] = "flowtrace";

static const struct {
	const char *name;
	enum hook_role role;
} probes[] = {
	{"name", HOOK_AGENT_NAME},
	{"listener", HOOK_AGENT_LISTENER},
	{"function__exception", HOOK_AGENT_RAISE},
	{"function__return", HOOK_AGENT_EXIT},
	{"function__entry", HOOK_AGENT_ENTER},
};

/* One of the nops at `listener` that no other collector has: the kernel puts a trap there. */
static unsigned free_place(const struct target *t, uint64_t vaddr)
{
	uint8_t places[FT_AGENT_LISTENERS];
	unsigned first = getpid() % FT_AGENT_LISTENERS; /* who starts with us takes another */

	if (memory_read(t->pid, t->agent.bias + vaddr, places, sizeof(places)))
		return first;
	for (unsigned i = 0; i < FT_AGENT_LISTENERS; i++) {
		unsigned at = (first + i) % FT_AGENT_LISTENERS;

		if (places[at] == machine.nop)
			return at;
	}
	return first;
}

/* hooks_probe() has added the first of them. */
static void move_listener(struct elf *e, const struct target *t, struct hooks *h)
{
	struct elf_usdt first;

	if (elf_usdt(e, provider, "listener", &first, 1, NULL) == 1)
		h->site[h->count - 1].file_offset += free_place(t, first.location);
}

static int add(struct elf *e, const struct target *t, const char *name, enum hook_role role,
	       struct hooks *h, struct why *w)
{
	int err = hooks_probe(e, t->agent.path, provider, name, role, h, w);

	if (!err && role == HOOK_AGENT_LISTENER)
		move_listener(e, t, h);
	return err;
}

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
	err = elf_open_as(&e, t->agent.open_path, t->agent.path, t->budget, w);
	if (err)
		return err;
	for (size_t i = 0; !err && i < sizeof(probes) / sizeof(probes[0]); i++)
		err = add(&e, t, probes[i].name, probes[i].role, h, w);
	if (!err)
		err = hooks_keep_code(h, &e, w);
	elf_release(&e);
	h->backend = "agent";
	h->in_agent = true;
	return err;
}
