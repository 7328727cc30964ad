/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "calls/durations.h"
#include "analyze/paths.h"

/* Threads that have a root of their own; the calls of more are under one root. */
#define ROOTS_MAX 256

static void free_all(struct map *m)
{
	for (size_t i = 0; i < m->size; i++)
		free(m->slot[i].value);
	map_release(m);
}

void paths_release(struct paths *p)
{
	free_all(&p->index);
	free_all(&p->roots);
	trace_calls_release(&p->calls);
	stacks_release(&p->stacks);
	trace_functions_release(&p->functions);
}

static struct path *root_of(struct paths *p, uint32_t pid, uint32_t tid)
{
	uint64_t key = p->by_thread ? map_key(pid, tid) : 0;
	struct path *root = map_get(&p->roots, key, 0);

	if (!root && p->roots.count >= ROOTS_MAX) {
		key = 0;
		pid = tid = 0;
		root = map_get(&p->roots, key, 0);
	}
	if (root)
		return root;
	root = calloc(1, sizeof(*root));
	if (!root || map_put(&p->roots, key, 0, root, NULL)) {
		free(root);
		return NULL;
	}
	root->number = ++p->numbers;
	root->pid = pid;
	root->tid = tid;
	return root;
}

/* The path below `parent` to this function. */
static struct path *below(struct paths *p, struct path *parent, const struct trace_function *f)
{
	uint64_t id = (uint64_t)f->id + 1;
	struct path *path = map_get(&p->index, parent->number, id);

	if (path)
		return path;
	if (p->index.count >= p->most) {
		int err;

		parent->held++; /* full() must not take it */
		err = p->full(p->arg);
		parent->held--;
		if (err)
			return NULL;
	}
	path = calloc(1, sizeof(*path));
	if (!path || map_put(&p->index, parent->number, id, path, NULL)) {
		free(path);
		return NULL;
	}
	path->number = ++p->numbers;
	path->parent = parent;
	path->function = f;
	path->depth = parent->depth + 1;
	path->pid = parent->pid;
	path->tid = parent->tid;
	parent->held++;
	return path;
}

/* The path of a call that the event begins, or of which it is all that is known. */
static struct path *path_of(struct paths *p, const struct trace_event *e,
			    const struct trace_function *f, bool *ret_deeper)
{
	struct trace_call *caller = trace_calls_find(&p->calls, e->parent);
	struct path *parent = caller ? caller->row : root_of(p, e->pid, e->tid);

	*ret_deeper = parent && parent->depth >= PATHS_MAX_DEPTH;
	if (!parent || *ret_deeper)
		return parent;
	return below(p, parent, f);
}

/* In struct trace_call.error: it is too deep to have a path of its own. */
#define DEEPER 1u

static int add_enter(struct paths *p, const struct trace_event *e)
{
	struct trace_function *f;
	struct trace_call *call;
	struct path *path;
	bool deeper;

	if (!e->span || trace_calls_find(&p->calls, e->span))
		return 0;
	f = trace_functions_of(&p->functions, e);
	path = f ? path_of(p, e, f, &deeper) : NULL;
	call = path ? trace_calls_open(&p->calls, e) : NULL;
	if (!call)
		return -ENOMEM;
	call->function = f;
	call->row = path;
	call->error = deeper ? DEEPER : 0;
	path->held++;
	return stacks_begin(&p->stacks, &p->calls, call, e);
}

static void count(struct paths *p, struct path *path, const struct trace_event *e, uint64_t self_us,
		  bool deeper)
{
	path->self_us = add_capped(path->self_us, self_us);
	p->deepest += deeper;
	path->calls += !deeper;
	path->errors += !deeper && e->has_exception;
}

static int add_alone(struct paths *p, const struct trace_event *e)
{
	struct trace_function *f = trace_functions_of(&p->functions, e);
	bool deeper;
	struct path *path = f ? path_of(p, e, f, &deeper) : NULL;

	if (!path)
		return -ENOMEM;
	count(p, path, e, e->duration_us, deeper);
	return 0;
}

static int add_exit(struct paths *p, const struct trace_event *e)
{
	struct trace_call *call = trace_calls_find(&p->calls, e->span);
	struct path *path;
	int err;

	if (!call)
		return add_alone(p, e);
	path = call->row;
	err = stacks_end(&p->stacks, &p->calls, call, e);
	count(p, path, e, call->self_us, call->error & DEEPER);
	path->held--;
	trace_calls_close(&p->calls, call);
	return err;
}

int paths_add(struct paths *p, const struct trace_event *e)
{
	if (e->kind == TRACE_ENTER)
		return add_enter(p, e);
	if (e->kind == TRACE_EXIT)
		return add_exit(p, e);
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const struct path *x = *(struct path *const *)a, *y = *(struct path *const *)b;

	return (x->number > y->number) - (x->number < y->number);
}

int paths_list(const struct paths *p, struct path ***ret_path, size_t *ret_count)
{
	const struct map *const maps[] = {&p->roots, &p->index};
	size_t n = 0;
	struct path **all = calloc(p->roots.count + p->index.count + 1, sizeof(struct path *));

	if (!all)
		return -ENOMEM;
	for (int m = 0; m < 2; m++)
		for (size_t i = 0; i < maps[m]->size; i++)
			if (maps[m]->slot[i].value)
				all[n++] = maps[m]->slot[i].value;
	qsort(all, n, sizeof(struct path *), by_number);
	*ret_path = all;
	*ret_count = n;
	return 0;
}

static bool take_unheld(void *arg, const struct map_slot *slot)
{
	struct path *path = slot->value;

	if (path->held)
		return false;
	path->parent->held--;
	free(path);
	return true;
}

void paths_sweep(struct paths *p)
{
	size_t before;

	/* Each time those go that had nothing below but what has just gone. */
	do {
		before = p->index.count;
		map_sweep(&p->index, take_unheld, NULL);
	} while (p->index.count < before);
}

static int by_weight(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* weight[i]: self time of path[i] and of all below it, which come after it. */
static void weigh(struct path *const *path, size_t count, uint64_t *weight)
{
	for (size_t i = 0; i < count; i++) {
		path[i]->row = i;
		weight[i] = path[i]->self_us + path[i]->pruned_us;
	}
	for (size_t i = count; i-- > 0;)
		if (path[i]->parent) {
			uint64_t *up = &weight[path[i]->parent->row];

			*up = add_capped(*up, weight[i]);
		}
}

static void prune(struct paths *p, struct path *path)
{
	struct path *parent = path->parent;

	parent->pruned += 1 + path->pruned;
	parent->pruned_calls += path->calls + path->pruned_calls;
	parent->pruned_us = add_capped(parent->pruned_us, path->self_us);
	parent->pruned_us = add_capped(parent->pruned_us, path->pruned_us);
	parent->held--;
	map_take(&p->index, parent->number, (uint64_t)path->function->id + 1);
	free(path);
}

int paths_prune(struct paths *p)
{
	struct path **path;
	uint64_t *weight, *sorted, middle;
	size_t count;
	int err = paths_list(p, &path, &count);

	if (err)
		return err;
	weight = calloc(count + 1, sizeof(*weight));
	sorted = calloc(count + 1, sizeof(*sorted));
	err = weight && sorted ? 0 : -ENOMEM;
	if (!err) {
		weigh(path, count, weight);
		memcpy(sorted, weight, count * sizeof(*weight));
		qsort(sorted, count, sizeof(*sorted), by_weight);
		middle = sorted[count / 2];
		/* Those below first, so that nothing hangs below one that goes. */
		for (size_t i = count; i-- > 0;)
			if (path[i]->parent && !path[i]->held && weight[i] <= middle)
				prune(p, path[i]);
	}
	free(path);
	free(weight);
	free(sorted);
	return err;
}
