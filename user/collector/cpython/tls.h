/* SPDX-License-Identifier: MIT */
/*
 * Where the thread-local word lies that names the running thread's state (from 3.12,
 * _Py_tss_tstate in Python/pystate.c; a local symbol). The exported getter
 * _PyThreadState_GetCurrent() tells: it is nothing but that read.
 */
#ifndef FT_TLS_H
#define FT_TLS_H

#include "cpython/facts.h"
#include "discover/elf.h"

/* What the file tells of it: tstate_how, tstate_addr and tls_pair. -ENOEXEC (exit 6): the getter is
 * of another form. */
int tls_find(struct elf *e, const struct target *t, struct binary_layout *ret, struct why *w);

/* What the process tells. -EAGAIN (exit 3): the dynamic linker has not given the library its block
 * yet. */
int tls_resolve(const struct target *t, const struct binary_layout *file, struct ft_layout *l,
		struct why *w);

#endif
