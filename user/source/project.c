/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "source/files.h"
#include "source/project.h"

void project_release(struct project *p)
{
	for (size_t i = 0; i < p->npackages; i++)
		free(p->package[i].name);
	free(p->package);
	free(p->frameworks);
	memset(p, 0, sizeof(*p));
}

/* Could it be imported? What is run only is __main__. */
static bool is_module_name(const char *s)
{
	if (!*s || (*s >= '0' && *s <= '9'))
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && *s != '_' && !((unsigned char)*s & 0x80))
			return false;
	return true;
}

/* Takes the name. */
static int add_package(struct project *p, char *name, size_t functions)
{
	struct project_package *more;

	if (!is_module_name(name)) {
		free(name);
		return 0;
	}
	for (size_t i = 0; i < p->npackages; i++) {
		if (strcmp(p->package[i].name, name))
			continue;
		p->package[i].functions += functions;
		free(name);
		return 0;
	}
	more = realloc(p->package, (p->npackages + 1) * sizeof(*more));
	if (!more) {
		free(name);
		return -ENOMEM;
	}
	p->package = more;
	p->package[p->npackages++] = (struct project_package){name, functions};
	return 0;
}

/* Is the name one of "a, b"? */
static bool lists(const char *list, const char *name, size_t len)
{
	while (list && *list) {
		size_t n = strcspn(list, ",");

		if (n == len && !strncmp(list, name, len))
			return true;
		list += n;
		list += strspn(list, ", ");
	}
	return false;
}

static int add_framework(struct project *p, const char *name, size_t len)
{
	struct buf all = {};

	if (lists(p->frameworks, name, len))
		return 0;
	if (p->frameworks) {
		buf_str(&all, p->frameworks);
		buf_str(&all, ", ");
	}
	buf_add(&all, name, len);
	free(p->frameworks);
	p->frameworks = buf_dup(&all);
	buf_release(&all);
	return p->frameworks ? 0 : -ENOMEM;
}

static int add_frameworks(struct project *p, const char *list)
{
	int err = 0;

	while (*list && !err) {
		size_t n = strcspn(list, ",");

		err = add_framework(p, list, n);
		list += n;
		list += strspn(list, ", ");
	}
	return err;
}

static void count(struct project *p, const struct found *f)
{
	p->files++;
	p->functions += f->nfunctions;
	p->classes += f->nclasses;
	p->is_script |= f->is_script;
	for (size_t i = 0; i < f->nfunctions; i++) {
		unsigned flags = f->function[i].flags;

		p->state[f->function[i].state]++;
		p->async += !!(flags & FOUND_ASYNC);
		p->generators += !!(flags & FOUND_GENERATOR);
		p->methods += !!(flags & FOUND_METHOD);
		p->nested += !!(flags & FOUND_NESTED);
	}
}

int project_add(struct project *p, const char *path, const struct found *f)
{
	char *package = file_package(path);
	int err;

	count(p, f);
	if (!package)
		return -ENOMEM;
	err = add_package(p, package, f->nfunctions);
	return err ? err : add_frameworks(p, f->frameworks);
}

static int by_functions(const void *a, const void *b)
{
	const struct project_package *p = a, *q = b;

	if (p->functions != q->functions)
		return p->functions < q->functions ? 1 : -1;
	return strcmp(p->name, q->name);
}

void project_sort(struct project *p)
{
	if (p->npackages)
		qsort(p->package, p->npackages, sizeof(*p->package), by_functions);
}
