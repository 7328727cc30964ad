/* SPDX-License-Identifier: MIT */
/*
 * Folded stacks, "a;b;c 17": the microseconds of c itself. A stack is one line, unless there are
 * more different ones than are kept, since a part was written before: readers add them up.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/utf8.h"
#include "export/export.h"
#include "analyze/paths.h"

#define PATHS_MAX (1u << 17)

struct folded {
	struct export_to *to;
	struct paths paths;
	struct buf label; /* scratch */
	struct why *w;	  /* borrowed while an event is added */
	uint64_t calls;
};

/* What parts frames and lines may not be in a name. */
static uint32_t name_char(uint32_t c)
{
	return c == ';' ? ':' : c <= ' ' || c == 0x7f ? '_' : c;
}

static void put_name(struct folded *f, const struct trace_function *function)
{
	const char *s, *end;

	buf_clear(&f->label);
	trace_function_label(&f->label, function);
	if (!f->label.len)
		buf_char(&f->label, '?');
	if (f->label.failed) {
		f->to->b.failed = true;
		return;
	}
	for (s = f->label.s, end = s + f->label.len; s < end;) {
		char bytes[UTF8_MAX];
		uint32_t c = name_char(utf8_get_whole(&s, end));

		buf_add(&f->to->b, bytes, (size_t)(utf8_put(bytes, c) - bytes));
	}
}

static int put_path(struct folded *f, struct path *path)
{
	const struct path *up[PATHS_MAX_DEPTH + 1];
	size_t n = 0;

	f->calls += path->calls;
	if (path->function && path->self_us) {
		for (const struct path *p = path; p->function; p = p->parent)
			up[n++] = p;
		while (n) {
			put_name(f, up[--n]->function);
			if (n)
				buf_char(&f->to->b, ';');
		}
		buf_char(&f->to->b, ' ');
		buf_u64(&f->to->b, path->self_us);
		buf_char(&f->to->b, '\n');
	}
	path->calls = path->self_us = 0;
	return export_to_spare(f->to, f->w);
}

static int put_all(struct folded *f)
{
	struct path **path;
	size_t count;
	int err = paths_list(&f->paths, &path, &count);

	if (err)
		return err;
	for (size_t i = 0; i < count && !err; i++)
		err = put_path(f, path[i]);
	free(path);
	return err;
}

static int full(void *arg)
{
	struct folded *f = arg;
	int err = put_all(f);

	paths_sweep(&f->paths);
	/* Held by open calls: as many more may come. */
	if (f->paths.index.count > f->paths.most / 2)
		f->paths.most = f->paths.index.count * 2;
	return err;
}

static int start(struct export_to *to, const char *title, void **ret_state, struct why *w)
{
	struct folded *f = calloc(1, sizeof(*f));

	if (!f)
		return why(w, -ENOMEM, "out of memory");
	f->to = to;
	f->paths.most = PATHS_MAX;
	f->paths.full = full;
	f->paths.arg = f;
	*ret_state = f;
	return 0;
}

static void stop(void *state)
{
	struct folded *f = state;

	if (!f)
		return;
	paths_release(&f->paths);
	buf_release(&f->label);
	free(f);
}

static int folded_add(void *state, const struct trace_event *e, struct why *w)
{
	struct folded *f = state;
	int err;

	f->w = w;
	err = paths_add(&f->paths, e);
	return err ? why(w, err, "out of memory") : 0;
}

static int folded_finish(void *state, struct export_notes *ret_notes, struct why *w)
{
	struct folded *f = state;
	int err;

	f->w = w;
	err = put_all(f);
	ret_notes->calls = f->calls;
	ret_notes->deepest = f->paths.deepest;
	return err ? why(w, err, "out of memory") : export_to_flush(f->to, w);
}

const struct export_format export_folded = {
	.name = "folded",
	.start = start,
	.add = folded_add,
	.finish = folded_finish,
	.stop = stop,
};
