/* SPDX-License-Identifier: MIT */
/*
 * The version of Python in a file: from the constant Py_Version (exported since 3.11), else from
 * its name ("python3.9", "libpython3.8.so.1.0"), with the micro version from the text that
 * Py_GetVersion() prints.
 */
#ifndef FT_VERSION_H
#define FT_VERSION_H

#include "discover/elf.h"

struct version {
	int major, minor, micro; /* micro -1 = not known */
};

/* names: file names to try, ends in NULL. -ENOENT when none has a version. */
int version_of(struct elf *e, const char *const *names, struct version *ret);

/* Finds "python3.11" in a name; false when there is nothing like it. */
bool version_from_name(const char *name, struct version *ret);

#endif
