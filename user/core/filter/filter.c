/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filter/filter.h"
#include "filter/stdlib.h"
#include "ft_abi.h"
#include "ft_left_out.h"

struct filter {
	struct policy own; /* its prefixes alone */
	bool narrow;
	char *const *pattern; /* borrowed */
	size_t npatterns;
};

int filter_new(const char *const *prefix, size_t nprefix, const char *const *exclude,
	       size_t nexclude, struct filter **ret_filter)
{
	const struct policy own = {
		.prefix = (char **)prefix,
		.nprefix = nprefix,
		.exclude = (char **)exclude,
		.nexclude = nexclude,
	};
	struct filter *f = calloc(1, sizeof(*f));

	if (!f || policy_copy(&own, &f->own)) {
		free(f);
		return -ENOMEM;
	}
	*ret_filter = f;
	return 0;
}

void filter_free(struct filter *f)
{
	if (!f)
		return;
	policy_release(&f->own);
	free(f);
}

void filter_narrow(struct filter *f)
{
	f->narrow = true;
}

void filter_functions(struct filter *f, char *const *pattern, size_t n)
{
	f->pattern = pattern;
	f->npatterns = n;
}

static bool starts_with_one(const char *module, char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strncmp(module, list[i], strlen(list[i])))
			return true;
	return false;
}

/* "X.Y/" or "X.Yt/" (free-threaded). */
static bool is_version_directory(const char *s)
{
	size_t major = strspn(s, "0123456789"), minor;

	if (!major || s[major] != '.')
		return false;
	s += major + 1;
	minor = strspn(s, "0123456789");
	if (!minor)
		return false;
	s += minor;
	return s[*s == 't'] == '/';
}

/* Under .../lib/pythonX.Y/ or .../lib64/pythonX.Y/. */
static bool in_library_directory(const char *file)
{
	static const char python[] = "/python";

	for (const char *at = file; (at = strstr(at, python)); at++) {
		bool lib = at - file >= 4 && !memcmp(at - 4, "/lib", 4);
		bool lib64 = at - file >= 6 && !memcmp(at - 6, "/lib64", 6);

		if ((lib || lib64) && is_version_directory(at + sizeof(python) - 1))
			return true;
	}
	return false;
}

static bool starts(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

static bool is_built_in(const struct function *fn)
{
	/* What is frozen into the interpreter: "<frozen importlib._bootstrap>"; what
	 * collections.namedtuple compiles for every class: module "namedtuple_Point". */
	return stdlib_has(fn->module) || starts(fn->filename, "<frozen ") ||
	       (starts(fn->filename, "<string>") && starts(fn->module, "namedtuple_")) ||
	       strstr(fn->filename, "/site-packages/") || strstr(fn->filename, "/dist-packages/") ||
	       in_library_directory(fn->filename);
}

static bool listed(const struct policy *p, const char *module)
{
	return !starts_with_one(module, p->exclude, p->nexclude) &&
	       (!p->nprefix || starts_with_one(module, p->prefix, p->nprefix));
}

static bool decide(const struct filter *f, const struct function *fn)
{
	const struct policy *p = fn->policy ?: &f->own;

	if (!listed(p, fn->module) || (f->narrow && !listed(&f->own, fn->module)))
		return false;
	return p->nprefix || !is_built_in(fn);
}

/* "C.method"; up to 3.10 by the class that it was found in. NULL: only its name is known. */
static const char *qualified_name(const struct function *fn, char *text, size_t size)
{
	size_t module = strlen(fn->module) + 1;

	if (fn->qualname)
		return fn->qualname;
	if (!fn->class_name || strlen(fn->class_name) <= module)
		return NULL;
	snprintf(text, size, "%s.%s", fn->class_name + module, fn->name);
	return text;
}

static bool named(const struct filter *f, const struct function *fn)
{
	char text[FT_MAX_QUALNAME + FT_MAX_NAME];
	const char *qualified = qualified_name(fn, text, sizeof(text));

	for (size_t i = 0; i < f->npatterns; i++)
		if (!fnmatch(f->pattern[i], fn->name, 0) ||
		    (qualified && !fnmatch(f->pattern[i], qualified, 0)))
			return true;
	return !f->npatterns;
}

static void judge(const struct filter *f, struct function *fn)
{
	bool asked = decide(f, fn);

	fn->verdict = asked && named(f, fn) ? VERDICT_KEEP : VERDICT_DROP;
	if (asked && fn->verdict == VERDICT_DROP)
		fn->left_out = FT_LEFT_OUT_function;
}

bool filter_keep(struct filter *f, struct function *fn)
{
	if (fn->verdict == VERDICT_UNKNOWN)
		judge(f, fn);
	return fn->verdict == VERDICT_KEEP;
}
