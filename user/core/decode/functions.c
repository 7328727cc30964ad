/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/number.h"
#include "decode/functions.h"
#include "decode/name.h"

/* Code flags of a body that may be suspended (CPython, Include/cpython/code.h):
 * CO_GENERATOR, CO_COROUTINE, CO_ITERABLE_COROUTINE, CO_ASYNC_GENERATOR. */
#define CO_SUSPENDS (0x20 | 0x80 | 0x100 | 0x200)

static void function_free(struct function *f)
{
	if (!f)
		return;
	for (int i = 0; i < f->nparams; i++)
		free(f->params[i]);
	free(f->params);
	free(f->module);
	free(f->name);
	free(f->qualname);
	free(f->class_name);
	free(f->filename);
	free(f->json_head);
	free(f->json_tail);
	free(f);
}

void functions_release(struct functions *f)
{
	functions_settle(f);
	for (size_t i = 0; i < f->count; i++)
		function_free(f->all[i]);
	free(f->all);
	map_release(&f->by_code);
	map_release(&f->by_text);
	*f = (struct functions){0};
}

struct function *functions_find(const struct functions *f, uint32_t pid, uint64_t code)
{
	return map_get(&f->by_code, pid, code);
}

static bool is_of_process(void *arg, const struct map_slot *s)
{
	return s->a == *(uint32_t *)arg;
}

void functions_forget_process(struct functions *f, uint32_t pid)
{
	map_sweep(&f->by_code, is_of_process, &pid);
	map_sweep(&f->by_text, is_of_process, &pid);
	functions_settle(f);
	for (size_t i = 0; i < f->count;) {
		struct function *fn = f->all[i];

		if (fn->pid != pid) {
			i++;
			continue;
		}
		f->all[i] = f->all[--f->count];
		f->all[f->count] = fn;
		f->gone++;
	}
}

void functions_settle(struct functions *f)
{
	for (; f->gone; f->gone--)
		function_free(f->all[f->count + f->gone - 1]);
}

/* ---- reading a description ---------------------------------------------------- */

static int params_read(struct function *f, struct tokens *t)
{
	struct token token;
	int err = token_next(t, &token);

	if (err)
		return err;
	if (token.kind == FT_T_STOP)
		return 0;
	if (token.kind != FT_T_TUPLE)
		return -EBADMSG;
	f->more_params = token.word[0] > FT_MAX_PARAMS;
	f->params = calloc(FT_MAX_PARAMS, sizeof(*f->params));
	if (!f->params)
		return -ENOMEM;
	for (;;) {
		uint8_t kind = tokens_peek(t);

		if (kind == FT_T_END || kind == FT_T_STOP || kind == FT_T_CUT)
			return 0;
		if (f->nparams == FT_MAX_PARAMS)
			return -EBADMSG;
		err = name_read(t, &f->params[f->nparams]);
		if (err)
			return err;
		if (!f->params[f->nparams++])
			return -EBADMSG;
	}
}

static int or_text(char **name, const char *otherwise)
{
	if (!*name)
		*name = strdup(otherwise);
	return *name ? 0 : -ENOMEM;
}

static int names_read(struct function *f, struct tokens *t)
{
	int err = name_read(t, &f->filename);

	if (!err)
		err = name_read(t, &f->name);
	if (!err)
		err = name_read(t, &f->qualname);
	if (!err)
		err = name_read(t, &f->module);
	if (!err)
		err = params_read(f, t);
	if (!err)
		err = or_text(&f->filename, "");
	if (!err)
		err = or_text(&f->name, NAME_UNREADABLE);
	return err ? err : or_text(&f->module, "");
}

/* ---- class path and ready-made JSON ------------------------------------------- */

/* "C" for "C.method"; "" for a plain function and for one inside a function. */
static size_t class_part(const char *qualname)
{
	static const char locals[] = "<locals>";
	const char *dot = qualname ? strrchr(qualname, '.') : NULL;
	size_t len = dot ? dot - qualname : 0, n = sizeof(locals) - 1;

	return len >= n && !memcmp(qualname + len - n, locals, n) ? 0 : len;
}

static int class_fill(struct function *f, const struct pytype *owner)
{
	const char *path = f->qualname ? f->qualname : owner ? owner->qualname : "";
	size_t len = f->qualname ? class_part(path) : strlen(path);
	const char *dot = *f->module && len ? "." : "";

	if (asprintf(&f->class_name, "%s%s%.*s", f->module, dot, (int)len, path) < 0) {
		f->class_name = NULL;
		return -ENOMEM;
	}
	return 0;
}

static void add_string(struct buf *b, const char *s)
{
	json_string(b, s, strlen(s));
}

static int json_fill(struct function *f)
{
	struct buf b = {0};

	BUF_LITERAL(&b, "\"module\": ");
	add_string(&b, f->module);
	BUF_LITERAL(&b, ", \"function\": ");
	add_string(&b, f->name);
	f->json_head = buf_dup(&b);
	buf_clear(&b);
	BUF_LITERAL(&b, "\"class\": ");
	add_string(&b, f->class_name);
	BUF_LITERAL(&b, ", \"method\": ");
	add_string(&b, f->name);
	BUF_LITERAL(&b, ", \"file\": ");
	add_string(&b, f->filename);
	BUF_LITERAL(&b, ", \"line\": ");
	buf_u64(&b, f->line);
	f->json_tail = buf_dup(&b);
	buf_release(&b);
	return f->json_head && f->json_tail ? 0 : -ENOMEM;
}

/* ---- the table ---------------------------------------------------------------- */

static bool same(const struct function *a, const struct function *b)
{
	bool qualname = !a->qualname || !b->qualname ? a->qualname == b->qualname
						     : !strcmp(a->qualname, b->qualname);

	if (!qualname || a->policy != b->policy || a->generator != b->generator ||
	    a->nparams != b->nparams || a->more_params != b->more_params)
		return false;
	for (int i = 0; i < a->nparams; i++)
		if (strcmp(a->params[i], b->params[i]))
			return false;
	return !strcmp(a->json_head, b->json_head) && !strcmp(a->json_tail, b->json_tail);
}

/* FNV-1a over all that same() compares as text. */
static uint64_t hash_text(uint64_t hash, const char *s)
{
	for (; *s; s++)
		hash = (hash ^ (unsigned char)*s) * 0x100000001b3ULL;
	return hash * 0x100000001b3ULL; /* the terminator counts too */
}

static uint64_t hash_of(const struct function *f)
{
	uint32_t number = f->policy ? f->policy->number : 0;
	uint64_t hash = hash_text(0xcbf29ce484222325ULL ^ number, f->json_head);

	hash = hash_text(hash, f->json_tail);
	for (int i = 0; i < f->nparams; i++)
		hash = hash_text(hash, f->params[i]);
	return hash;
}

/* An earlier function with the same description; NULL: none. */
static struct function *find_same(const struct functions *f, const struct function *fn)
{
	struct function *old = map_get(&f->by_text, fn->pid, hash_of(fn));

	return old && same(old, fn) ? old : NULL;
}

/* Owns it from here on. */
static int keep(struct functions *f, struct function *fn)
{
	if (f->count == f->cap) {
		size_t cap = f->cap ? f->cap * 2 : 64;
		struct function **all = realloc(f->all, cap * sizeof(*all));

		if (!all) {
			function_free(fn);
			return -ENOMEM;
		}
		f->all = all;
		f->cap = cap;
	}
	f->all[f->count++] = fn;
	return map_put(&f->by_text, fn->pid, hash_of(fn), fn, NULL);
}

int functions_learn(struct functions *f, const struct types *types, const struct policy *policy,
		    const struct ft_rec_code *rec, const void *end, struct function **ret_function)
{
	struct function *fn = calloc(1, sizeof(*fn)), *old;
	struct tokens t;
	int err;

	if (!fn)
		return -ENOMEM;
	tokens_init(&t, rec + 1, end);
	fn->pid = rec->hdr.pid;
	fn->code = rec->code;
	fn->policy = policy;
	fn->described_ns = rec->hdr.ts_ns;
	fn->line = rec->first_line;
	fn->generator = rec->co_flags & CO_SUSPENDS;
	err = names_read(fn, &t);
	if (!err)
		err = class_fill(fn, types_find(types, fn->pid, rec->owner_type));
	if (!err)
		err = json_fill(fn);
	if (err)
		goto fail;
	old = find_same(f, fn);
	if (old) {
		old->code = fn->code;
		old->described_ns = fn->described_ns;
		function_free(fn);
		fn = old;
	} else {
		err = keep(f, fn);
		if (err)
			return err;
	}
	*ret_function = fn;
	return map_put(&f->by_code, fn->pid, fn->code, fn, NULL);
fail:
	function_free(fn);
	return err;
}
