/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "report_flame.h"
#include "calls/durations.h"

#define NAME_KEPT 240 /* bytes of a function's name, or of a file's */

void report_names_release(struct report_names *n)
{
	map_release(&n->index);
	buf_release(&n->json);
}

void report_put_text(struct json_out *j, const char *key, const char *s, size_t len, size_t most)
{
	struct buf b = {0};

	if (len <= most) {
		json_bytes(j, key, len ? s : "", len);
		return;
	}
	buf_add(&b, s, utf8_fit(s, len, most));
	BUF_LITERAL(&b, "…");
	json_bytes(j, key, b.s ? b.s : "", b.len);
	buf_release(&b);
}

static void put_name(struct report_names *n, const struct trace_function *f)
{
	struct json_out j = {.b = n->json, .comma = n->count > 0};
	struct buf label = {0};

	trace_function_label(&label, f);
	json_begin(&j, NULL, '[');
	report_put_text(&j, NULL, label.s, label.len, NAME_KEPT);
	report_put_text(&j, NULL, f->module, f->len[0], NAME_KEPT);
	report_put_text(&j, NULL, f->file, f->len[3], NAME_KEPT);
	json_u64(&j, NULL, f->line);
	json_end(&j, ']');
	n->json = j.b;
	buf_release(&label);
}

void report_put_function(struct json_out *j, struct report_names *n, const struct trace_function *f)
{
	void *known;

	if (!f) {
		json_raw(j, NULL, "-1", 2);
		return;
	}
	known = map_get(&n->index, f->hash, 0);
	if (!known) {
		put_name(n, f);
		known = (void *)(uintptr_t)++n->count;
		if (map_put(&n->index, f->hash, 0, known, NULL))
			n->json.failed = true;
	}
	json_u64(j, NULL, (uintptr_t)known - 1);
}

/* The paths, and by the place in that list: */
struct flame {
	struct path **path;
	size_t count;
	uint64_t *weight; /* self of it and of all below */
	bool *keep;
	size_t *up;	       /* itself or the nearest one above that is kept */
	size_t *number;	       /* in the output */
	uint64_t *folded;      /* paths below that are not kept, or were pruned */
	uint64_t *folded_self; /* their time */
	uint64_t *folded_calls;
	uint64_t pruned;
};

static void release(struct flame *f)
{
	free(f->path);
	free(f->weight);
	free(f->keep);
	free(f->up);
	free(f->number);
	free(f->folded);
	free(f->folded_self);
	free(f->folded_calls);
}

static int prepare(struct flame *f, const struct paths *p)
{
	size_t n;
	int err = paths_list(p, &f->path, &f->count);

	if (err)
		return err;
	n = f->count + 1;
	f->weight = calloc(n, sizeof(*f->weight));
	f->keep = calloc(n, sizeof(*f->keep));
	f->up = calloc(n, sizeof(*f->up));
	f->number = calloc(n, sizeof(*f->number));
	f->folded = calloc(n, sizeof(*f->folded));
	f->folded_self = calloc(n, sizeof(*f->folded_self));
	f->folded_calls = calloc(n, sizeof(*f->folded_calls));
	if (!f->weight || !f->keep || !f->up || !f->number || !f->folded || !f->folded_self ||
	    !f->folded_calls)
		return -ENOMEM;
	for (size_t i = 0; i < f->count; i++)
		f->path[i]->row = i;
	for (size_t i = f->count; i-- > 0;) {
		const struct path *path = f->path[i];

		f->weight[i] = add_capped(f->weight[i], path->self_us);
		f->weight[i] = add_capped(f->weight[i], path->pruned_us);
		if (path->parent)
			f->weight[path->parent->row] =
				add_capped(f->weight[path->parent->row], f->weight[i]);
	}
	return 0;
}

static int greatest_first(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x < *y) - (*x > *y);
}

/* Adds to the nearest path that is kept what this one has lost, and itself if it is not kept. */
static void fold(struct flame *f, size_t i)
{
	const struct path *path = f->path[i];
	size_t to = f->up[i];

	f->folded[to] += path->pruned + !f->keep[i];
	f->folded_self[to] = add_capped(f->folded_self[to], path->pruned_us);
	f->folded_calls[to] += path->pruned_calls;
	f->pruned += path->pruned;
	if (f->keep[i])
		return;
	f->folded_self[to] = add_capped(f->folded_self[to], path->self_us);
	f->folded_calls[to] += path->calls;
}

/* The `most` heaviest; a path is never heavier than what leads to it. */
static int choose(struct flame *f, size_t most)
{
	uint64_t *sorted, least = 0;
	size_t kept = 0, heavier = 0;

	if (f->count > most) {
		sorted = malloc(f->count * sizeof(*sorted));
		if (!sorted)
			return -ENOMEM;
		memcpy(sorted, f->weight, f->count * sizeof(*sorted));
		qsort(sorted, f->count, sizeof(*sorted), greatest_first);
		least = sorted[most];
		while (heavier < most && sorted[heavier] > least)
			heavier++;
		free(sorted);
	}
	for (size_t i = 0; i < f->count; i++) {
		const struct path *parent = f->path[i]->parent;
		bool heavy = f->count <= most || f->weight[i] > least;
		bool fits = f->weight[i] == least && heavier < most;

		if (!parent || (f->keep[parent->row] && (heavy || fits))) {
			heavier += !heavy && parent;
			f->keep[i] = true;
			f->number[i] = kept++;
		}
		f->up[i] = f->keep[i] ? i : f->up[parent->row];
		fold(f, i);
	}
	return 0;
}

enum column { PARENT, SELF, CALLS, ERRORS, FOLDED, FOLDED_SELF, FOLDED_CALLS };

static void put_column(struct json_out *j, const struct flame *f, const char *key,
		       enum column column)
{
	json_begin(j, key, '[');
	for (size_t i = 0; i < f->count; i++) {
		const struct path *path = f->path[i];

		if (!f->keep[i])
			continue;
		if (column == PARENT && !path->parent)
			json_raw(j, NULL, "-1", 2);
		else
			json_u64(j, NULL,
				 column == PARENT	 ? f->number[path->parent->row]
				 : column == SELF	 ? path->self_us
				 : column == CALLS	 ? path->calls
				 : column == ERRORS	 ? path->errors
				 : column == FOLDED	 ? f->folded[i]
				 : column == FOLDED_SELF ? f->folded_self[i]
							 : f->folded_calls[i]);
	}
	json_end(j, ']');
}

static void put_roots(struct json_out *j, const struct flame *f)
{
	json_begin(j, "roots", '[');
	for (size_t i = 0; i < f->count; i++) {
		if (f->path[i]->parent)
			continue;
		json_begin(j, NULL, '[');
		json_u64(j, NULL, f->number[i]);
		json_u64(j, NULL, f->path[i]->pid);
		json_u64(j, NULL, f->path[i]->tid);
		json_end(j, ']');
	}
	json_end(j, ']');
}

int report_put_flame(struct json_out *j, struct report_names *n, const struct paths *p, size_t most)
{
	struct flame f = {0};
	int err = prepare(&f, p);

	if (!err)
		err = choose(&f, most);
	if (!err) {
		json_begin(j, "flame", '{');
		json_u64(j, "paths", f.count);
		json_u64(j, "pruned", f.pruned);
		json_u64(j, "deepest", p->deepest);
		put_roots(j, &f);
		put_column(j, &f, "parent", PARENT);
		json_begin(j, "function", '[');
		for (size_t i = 0; i < f.count; i++)
			if (f.keep[i])
				report_put_function(j, n, f.path[i]->function);
		json_end(j, ']');
		put_column(j, &f, "self", SELF);
		put_column(j, &f, "calls", CALLS);
		put_column(j, &f, "errors", ERRORS);
		put_column(j, &f, "folded", FOLDED);
		put_column(j, &f, "foldedSelf", FOLDED_SELF);
		put_column(j, &f, "foldedCalls", FOLDED_CALLS);
		json_end(j, '}');
	}
	release(&f);
	return err;
}
