/* SPDX-License-Identifier: MIT */
/*
 * The probes of the extension flowtrace_agent, which are used instead of any in the interpreter.
 * Names are hooked first: the extension sends all its names when it notices a listener. Entries are
 * hooked last, so that every call whose begin is seen has an end that is seen too.
 */
#include <errno.h>
#include <unistd.h>

#include "arch/machine.h"
#include "cpython/backends.h"
#include "cpython/memory.h"

#define HOW_AGENT (~0u) /* a value of binary_hooks.how; those of interpreters are smaller */

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

/* Index of a nop at `listener` that no other collector uses: a used one holds the kernel's trap. */
static unsigned free_place(const struct target *t, uint64_t vaddr)
{
	uint8_t places[FT_AGENT_LISTENERS];
	unsigned first = getpid() % FT_AGENT_LISTENERS; /* collectors begin at different ones */

	if (memory_read(t->pid, t->agent.bias + vaddr, places, sizeof(places)))
		return first;
	for (unsigned i = 0; i < FT_AGENT_LISTENERS; i++) {
		unsigned at = (first + i) % FT_AGENT_LISTENERS;

		if (places[at] == machine.nop)
			return at;
	}
	return first;
}

static int find_hooks(struct binary_hooks *ret, struct elf *e, const struct target *t,
		      struct why *w)
{
	struct elf_usdt first;
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(probes) / sizeof(probes[0]); i++)
		err = hooks_probe(e, t->agent.path, provider, probes[i].name, probes[i].role,
				  &ret->hooks, w);
	if (err)
		return err;
	if (elf_usdt(e, provider, "listener", &first, 1, NULL) == 1)
		ret->listener = first.location;
	ret->hooks.backend = "agent";
	ret->hooks.in_agent = true;
	return hooks_keep_code(&ret->hooks, e, w);
}

static int hooks_of_file(struct binary *b, const struct target *t, struct why *w)
{
	struct binary_hooks hooks = {.known = true, .how = HOW_AGENT};
	struct elf *e;
	int err;

	if (b->hooks.known && b->hooks.how == hooks.how)
		return 0;
	err = binary_open(b, t->agent.open_path, t->agent.path, t->budget, &e, w);
	if (!err)
		err = find_hooks(&hooks, e, t, w);
	if (!err)
		b->hooks = hooks;
	return err;
}

/* Moves the hook to the nop that is free in this process. */
static void move_listener(const struct binary_hooks *file, const struct target *t, struct hooks *h)
{
	unsigned places = file->listener ? free_place(t, file->listener) : 0;

	for (int i = 0; i < h->count; i++) {
		if (h->site[i].role != HOOK_AGENT_LISTENER)
			continue;
		h->site[i].file_offset += places;
		h->site[i].ncode = 1; /* the byte after the last nop is not a nop */
	}
}

int hooks_agent(struct binary *b, const struct target *t, struct hooks *ret_hooks, struct why *w)
{
	struct hooks h;
	int err;

	if (!t->agent.path)
		return why_exit(w, EXIT_PYTHON, -ENOEXEC,
				"process %d has no flowtrace_agent loaded (no mapped file "
				"flowtrace_agent/_core.*.so): import flowtrace_agent there and "
				"call start_tracing(), or use --backend auto",
				t->pid);
	err = hooks_of_file(b, t, w);
	if (err)
		return err;
	h = b->hooks.hooks;
	move_listener(&b->hooks, t, &h);
	*ret_hooks = h;
	return 0;
}
