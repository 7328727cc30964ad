/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "select/selection.h"

/* Values of the maps, which must not be NULL. */
#define SELECTED_FOUND ((void *)1)
#define SELECTED_CALLER ((void *)2)

void selection_release(struct selection *k)
{
	trace_calls_release(&k->calls);
	map_release(&k->spans);
	map_release(&k->below);
}

static bool is_of_call(const struct trace_event *e)
{
	return e->kind >= TRACE_ENTER && e->kind <= TRACE_EXCEPTION && e->span;
}

/* The calls around it, as far as they are not kept already: then theirs are too. */
static int keep_callers(struct selection *k, uint64_t span)
{
	int err = 0;

	while (span && !err && !map_get(&k->spans, span, 0)) {
		const struct trace_call *call = trace_calls_find(&k->calls, span);

		err = map_put(&k->spans, span, 0, SELECTED_CALLER, NULL);
		span = call ? call->parent : 0;
	}
	return err;
}

static int keep(struct selection *k, const struct trace_call *call)
{
	bool caller = map_get(&k->spans, call->span, 0) == SELECTED_CALLER;
	int err = map_put(&k->spans, call->span, 0, SELECTED_FOUND, NULL);

	return err || !k->callers || caller ? err : keep_callers(k, call->parent);
}

int selection_find(struct selection *k, const struct trace_event *e, bool found)
{
	struct trace_call *call;
	int err = 0;

	if (!is_of_call(e))
		return 0;
	call = trace_calls_find(&k->calls, e->span);
	if (!call)
		call = trace_calls_open(&k->calls, e);
	if (!call)
		return -ENOMEM;
	if (found)
		call->row = call;
	if (e->kind != TRACE_EXIT)
		return 0;
	if (call->row && !e->left_out)
		err = keep(k, call);
	trace_calls_close(&k->calls, call);
	return err;
}

static void keep_unfinished(void *arg, struct trace_call *call)
{
	struct selection *k = arg;

	if (call->row && !call->left_out && !k->err)
		k->err = keep(k, call);
}

int selection_found_all(struct selection *k)
{
	trace_calls_each(&k->calls, keep_unfinished, k);
	return k->err;
}

int selection_has(struct selection *k, const struct trace_event *e, bool found)
{
	void *why;
	bool below;
	int err = 0;

	if (!is_of_call(e))
		return found && !e->left_out;
	why = map_get(&k->spans, e->span, 0);
	if (!k->callees)
		return why != NULL;
	below = why == SELECTED_FOUND || map_get(&k->below, e->span, 0) ||
		(e->kind == TRACE_ENTER && map_get(&k->below, e->parent, 0));
	if (below && e->kind == TRACE_ENTER)
		err = map_put(&k->below, e->span, 0, SELECTED_FOUND, NULL);
	else if (e->kind == TRACE_EXIT)
		map_take(&k->below, e->span, 0);
	return err ? err : why || below;
}
