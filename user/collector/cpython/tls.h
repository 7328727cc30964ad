/* SPDX-License-Identifier: MIT */
/*
 * Finds the thread-local word that points to the running thread's state (from 3.12, _Py_tss_tstate
 * in Python/pystate.c; a local symbol). The code of the exported getter _PyThreadState_GetCurrent()
 * shows it: the getter only reads that word.
 */
#ifndef FT_TLS_H
#define FT_TLS_H

#include "cpython/facts.h"
#include "discover/elf.h"

/* From the file: tstate_how, tstate_addr and tls_pair. -ENOEXEC (exit 6): the getter has another
 * form. */
int tls_find(struct elf *e, const struct target *t, struct binary_layout *ret, struct why *w);

/* From the process. -EAGAIN (exit 3): the dynamic linker has not yet assigned the library its TLS
 * block. */
int tls_resolve(const struct target *t, const struct binary_layout *file, struct ft_layout *l,
		struct why *w);

#endif
