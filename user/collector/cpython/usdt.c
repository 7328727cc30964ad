/* SPDX-License-Identifier: MIT */
/*
 * The frame probes of a build with --with-dtrace: function__entry when a frame starts or resumes,
 * function__return when it is left in any way. The compiler may copy a probe, so one can have
 * several locations. A generator that waits in `yield from` passes neither when an exception is
 * thrown into the inner generator.
 */
#include <errno.h>

#include "cpython/backends.h"
#include "cpython/site.h"

#define MAX_LOCATIONS 6 /* of one probe; two probes fit into HOOKS_MAX */

static const char provider[] = "python";

bool hooks_usdt_present(struct elf *e)
{
	struct elf_usdt probe;

	return elf_usdt(e, provider, "function__entry", &probe, 1, NULL) > 0 &&
	       elf_usdt(e, provider, "function__return", &probe, 1, NULL) > 0;
}

static int add_location(struct elf *e, const char *file, const struct elf_usdt *probe,
			enum hook_role role, const char *name, struct hooks *h, struct why *w)
{
	struct hook hook = {.role = role, .name = name};
	struct site site;

	if (site_at(e, probe->location, &site) ||
	    (probe->semaphore && elf_offset(e, probe->semaphore, &hook.semaphore_offset)))
		return why_exit(w, EXIT_PYTHON, -ENOEXEC,
				"%s: the USDT probe %s points outside the file", file, name);
	hook.cost = site.cost;
	return hooks_add(h, e, probe->location, hook, w);
}

int hooks_probe(struct elf *e, const char *file, const char *of, const char *name,
		enum hook_role role, struct hooks *h, struct why *w)
{
	struct elf_usdt probe[MAX_LOCATIONS + 1];
	int n = elf_usdt(e, of, name, probe, MAX_LOCATIONS + 1, w), err = 0;

	if (n < 0)
		return n;
	if (n == 0 || n > MAX_LOCATIONS)
		return why_exit(w, EXIT_PYTHON, -ENOEXEC,
				"%s has %s locations of the USDT probe %s:%s", file,
				n ? "too many" : "no", of, name);
	for (int i = 0; i < n && !err; i++)
		err = add_location(e, file, &probe[i], role, name, h, w);
	return err;
}

int hooks_usdt(struct elf *e, const struct target *t, struct hooks *h, struct why *w)
{
	int err = hooks_probe(e, t->binary, provider, "function__entry", HOOK_FRAME_ENTRY, h, w);

	if (!err)
		err = hooks_probe(e, t->binary, provider, "function__return", HOOK_FRAME_EXIT, h,
				  w);
	if (!err)
		err = hooks_traceback(e, t, h, w);
	h->backend = "usdt";
	return err;
}
