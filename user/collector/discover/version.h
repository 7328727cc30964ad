/* SPDX-License-Identifier: MIT */
/*
 * Which Python a file holds: from the constant Py_Version (exported since 3.11), else
 * from its name ("python3.9", "libpython3.8.so.1.0"), with the micro version from the
 * text that Py_GetVersion() prints.
 */
#ifndef FT_VERSION_H
#define FT_VERSION_H

#include "discover/elf.h"

struct version {
	int major, minor, micro; /* micro -1 = not known */
};

/* names: file names to look at, NULL-ended. -ENOENT when nothing tells. */
int version_of(struct elf *e, const char *const *names, struct version *ret);

/* "…python3.11…": false when there is no such thing in the name. */
bool version_from_name(const char *name, struct version *ret);

#endif
