/* SPDX-License-Identifier: MIT */
/* The ways to hook an interpreter; hooks.c chooses one of them. */
#ifndef FT_BACKENDS_H
#define FT_BACKENDS_H

#include "cpython/facts.h"
#include "discover/binary.h"

/* Adds one site; a second hook of the same role at the same place is left out. */
int hooks_add(struct hooks *h, struct elf *e, uint64_t vaddr, struct hook hook, struct why *w);

/* Called when all are added: keeps the code bytes at each, which must still be there when it is
 * hooked. */
int hooks_keep_code(struct hooks *h, struct elf *e, struct why *w);

/* Adds every location of a USDT probe; file: its name, for people. */
int hooks_probe(struct elf *e, const char *file, const char *provider, const char *name,
		enum hook_role role, struct hooks *h, struct why *w);

/* Is the binary built with dtrace probes on frames? */
bool hooks_usdt_present(struct elf *e);
int hooks_usdt(struct elf *e, const struct target *t, struct hooks *h, struct why *w);

int hooks_uprobe(struct elf *e, const struct target *t, const struct cpython_facts *facts,
		 struct hooks *h, struct why *w);

/* Adds a function, or its return, as the role says. 0: it is not there. */
int hooks_function(struct elf *e, const struct target *t, struct hook hook, uint64_t function,
		   struct hooks *h, struct why *w);

/* Runtime events: those that cannot be seen are in h->no_runtime. kinds: bits of enum ft_runtime.
 */
void hooks_runtime(struct elf *e, const struct target *t, unsigned kinds, struct hooks *h);

/* The function that a generator passes first when an exception is thrown into it. */
int hooks_traceback(struct elf *e, const struct target *t, struct hooks *h, struct why *w);

/* The functions that throw exceptions into generators. */
int hooks_throw(struct elf *e, const struct target *t, struct hooks *h, struct why *w);

/* The functions that free the objects of which BPF keeps something. */
int hooks_freed(struct elf *e, const struct target *t, struct hooks *h, struct why *w);

/* For HTTP requests: the functions that make contexts. */
int hooks_context(struct elf *e, const struct target *t, struct hooks *h, struct why *w);

/* The function by which the process is seen to load greenlet. */
int hooks_greenlet(struct elf *e, const struct target *t, struct hooks *h, struct why *w);

/* The probes in the extension's own file. */
int hooks_agent(struct binary *b, const struct target *t, struct hooks *ret_hooks, struct why *w);

#endif
