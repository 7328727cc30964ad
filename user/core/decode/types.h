/* SPDX-License-Identifier: MIT */
/*
 * Python classes by (pid, address), as FT_REC_TYPE described them.
 */
#ifndef FT_TYPES_H
#define FT_TYPES_H

#include "base/map.h"
#include "ft_abi.h"

struct pytype {
	uint32_t kind;	 /* enum ft_kind */
	char *name;	 /* __name__ */
	char *qualname;	 /* __qualname__; the same as name for a static type */
	char *full_name; /* as object.__repr__ names it: "module.qualname", no "builtins." */
};

struct types {
	struct map by_address; /* (pid, address) -> struct pytype, owned */
	struct map parent;     /* pid, 0 -> pid that it was forked from, as a pointer */
};

void types_release(struct types *t);
/* FT_REC_TYPE, at least as long as its struct; end is that of the record. */
int types_learn(struct types *t, const struct ft_rec_pytype *rec, const void *end);
/* NULL when it was never described. */
const struct pytype *types_find(const struct types *t, uint32_t pid, uint64_t address);
void types_forget_process(struct types *t, uint32_t pid);
/* A forked child's classes have the addresses of its parent's. A class that is described without
 * its name gets the parent's name: BPF cannot read a page of a file that the child has not touched
 * yet. */
int types_forked(struct types *t, uint32_t parent, uint32_t child);

#endif
