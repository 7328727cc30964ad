/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "decode/name.h"
#include "decode/types.h"

#define FAMILY_MAX 8 /* generations of forks that are searched */

static void pytype_free(struct pytype *t)
{
	if (!t)
		return;
	free(t->name);
	free(t->qualname);
	free(t->full_name);
	free(t);
}

static bool free_one(void *arg, const struct map_slot *s)
{
	pytype_free(s->value);
	return true;
}

static bool free_of_process(void *arg, const struct map_slot *s)
{
	return s->a == *(uint32_t *)arg && free_one(NULL, s);
}

void types_release(struct types *t)
{
	map_sweep(&t->by_address, free_one, NULL);
	map_release(&t->by_address);
	map_release(&t->parent);
}

const struct pytype *types_find(const struct types *t, uint32_t pid, uint64_t address)
{
	return map_get(&t->by_address, pid, address);
}

void types_forget_process(struct types *t, uint32_t pid)
{
	map_sweep(&t->by_address, free_of_process, &pid);
	map_take(&t->parent, pid, 0);
}

int types_forked(struct types *t, uint32_t parent, uint32_t child)
{
	return parent ? map_put(&t->parent, child, 0, (void *)(uintptr_t)parent, NULL) : 0;
}

/* The name of its class in a process from which this one was forked; NULL: not known. */
static const char *inherited_name(const struct types *t, uint32_t pid, uint64_t address)
{
	const struct pytype *type;

	for (int i = 0; i < FAMILY_MAX; i++) {
		pid = (uintptr_t)map_get(&t->parent, pid, 0);
		type = pid ? types_find(t, pid, address) : NULL;
		if (type && type->full_name[0])
			return type->full_name;
	}
	return NULL;
}

static const char *after_last_dot(const char *s)
{
	const char *dot = strrchr(s, '.');

	return dot ? dot + 1 : s;
}

/*
 * __name__ of a heap type is its whole tp_name: a class may be called "a.b". But types that C code
 * makes from a PyType_Spec have "module.Name" in tp_name; their __qualname__ shows that.
 */
static const char *name_of(const char *tp_name, const char *qualname)
{
	const char *last = after_last_dot(tp_name);

	return !qualname || !strcmp(last, qualname) ? last : tp_name;
}

/* What object.__repr__ prints before " object at". */
static char *full_name_of(const char *tp_name, const char *qualname, const char *module)
{
	char *full = NULL;

	/* Static types carry the module in tp_name, and those of builtins have none there. */
	if (!qualname || !module || !strcmp(module, "builtins"))
		return strdup(tp_name);
	return asprintf(&full, "%s.%s", module, qualname) < 0 ? NULL : full;
}

static int names_fill(struct pytype *type, const char *tp_name, const char *qualname,
		      const char *module)
{
	const char *name = name_of(tp_name, qualname);

	type->name = strdup(name);
	type->qualname = strdup(qualname ? qualname : name);
	type->full_name = full_name_of(tp_name, qualname, module);
	return type->name && type->qualname && type->full_name ? 0 : -ENOMEM;
}

int types_learn(struct types *t, const struct ft_rec_pytype *rec, const void *end)
{
	char *tp_name = NULL, *qualname = NULL, *module = NULL;
	struct pytype *type = calloc(1, sizeof(*type));
	struct tokens tokens;
	void *old = NULL;
	int err = -ENOMEM;

	if (!type)
		goto out;
	type->kind = rec->kind;
	tokens_init(&tokens, rec + 1, end);
	/* tp_name is a C string: UTF-8 whatever its width says. */
	err = name_read_utf8(&tokens, &tp_name);
	if (!err)
		err = name_read(&tokens, &qualname);
	if (!err)
		err = name_read(&tokens, &module);
	if (!err && (!tp_name || !*tp_name)) {
		const char *name = inherited_name(t, rec->hdr.pid, rec->type);

		free(tp_name);
		tp_name = name ? strdup(name) : NULL;
	}
	if (!err)
		err = names_fill(type, tp_name ? tp_name : "", qualname, module);
	if (!err)
		err = map_put(&t->by_address, rec->hdr.pid, rec->type, type, &old);
out:
	pytype_free(err ? type : old);
	free(tp_name);
	free(qualname);
	free(module);
	return err;
}
