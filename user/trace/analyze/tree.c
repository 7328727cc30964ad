/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "calls/durations.h"
#include "analyze/tree.h"

void tree_release(struct tree *t)
{
	for (size_t i = 0; i < t->nodes; i++) {
		free(t->node[i]->exception);
		free(t->node[i]->args);
		free(t->node[i]->result);
		free(t->node[i]->name);
		free(t->node[i]);
	}
	free(t->node);
	map_release(&t->roots);
	map_release(&t->index);
	trace_calls_release(&t->calls);
	stacks_release(&t->stacks);
	trace_functions_release(&t->functions);
	trace_scope_release(&t->scope);
	buf_release(&t->method);
	buf_release(&t->path);
}

/* ---- nodes ----------------------------------------------------------------------------- */

static struct tree_node *new_node(struct tree *t, struct tree_node *parent,
				  const struct trace_function *f)
{
	struct tree_node *n;

	if (t->nodes == t->room) {
		size_t room = t->room ? t->room * 2 : 256;
		struct tree_node **more = realloc(t->node, room * sizeof(*more));

		if (!more)
			return NULL;
		t->node = more;
		t->room = room;
	}
	n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	n->id = (uint32_t)++t->nodes;
	t->node[n->id - 1] = n;
	n->function = f;
	n->parent = parent;
	if (!parent)
		return n;
	n->depth = parent->depth + 1;
	if (parent->last)
		parent->last->next = n;
	else
		parent->child = n;
	parent->last = n;
	return n;
}

static char *thread_name(const struct trace_event *e)
{
	struct buf b = {0};
	char *name;

	if (e->thread.s)
		trace_text_put(&b, &e->thread);
	name = buf_dup(&b);
	buf_release(&b);
	return name;
}

static struct tree_node *root_of(struct tree *t, const struct trace_event *e)
{
	uint64_t key = t->together ? 0 : map_key(e->pid, e->tid);
	struct tree_node *n = map_get(&t->roots, key, 0);
	bool many = !n && t->nodes >= TREE_NODES; /* more threads than can be told apart */

	if (many)
		n = map_get(&t->roots, 0, 1);
	if (n)
		return n;
	n = new_node(t, NULL, NULL);
	if (!n || map_put(&t->roots, many ? 0 : key, many, n, NULL))
		return NULL;
	if (t->together || many)
		return n;
	n->pid = e->pid;
	n->tid = e->tid;
	n->name = thread_name(e);
	return n->name ? n : NULL;
}

static bool is_many(const struct tree_node *n)
{
	return n->parent && !n->function;
}

/* The node of many functions under this one, or the one that it is itself. */
static struct tree_node *many_below(struct tree *t, struct tree_node *parent)
{
	struct tree_node *n = is_many(parent) ? parent : map_get(&t->index, parent->id, 0);

	if (n)
		return n;
	n = new_node(t, parent, NULL);
	return n && !map_put(&t->index, parent->id, 0, n, NULL) ? n : NULL;
}

static struct tree_node *child_of(struct tree *t, struct tree_node *parent,
				  const struct trace_function *f)
{
	struct tree_node *n = map_get(&t->index, parent->id, f->id + 1ull);

	if (n)
		return n;
	if (is_many(parent) || t->nodes >= TREE_NODES || parent->depth >= TREE_DEEPEST ||
	    (t->deepest && parent->depth >= t->deepest))
		return many_below(t, parent);
	n = new_node(t, parent, f);
	return n && !map_put(&t->index, parent->id, f->id + 1ull, n, NULL) ? n : NULL;
}

/* Where a call of the function is; *ret_node NULL: nowhere, it is not looked at. */
static int place(struct tree *t, const struct trace_event *e, const struct trace_function *f,
		 struct tree_node **ret_node)
{
	const struct trace_call *caller = trace_calls_find(&t->calls, e->parent);
	struct tree_node *parent = caller ? caller->row : NULL;

	*ret_node = NULL;
	if (!trace_scope_has(&t->scope, e) || (!parent && !trace_scope_begins(&t->scope, f)))
		return 0;
	t->in_scope++;
	/* A task may run on another thread than what started it. */
	if (!parent)
		parent = root_of(t, e);
	*ret_node = parent ? child_of(t, parent, f) : NULL;
	return *ret_node ? 0 : -ENOMEM;
}

/* ---- what is counted --------------------------------------------------------------------- */

/* The beginning of a text, while there is room for it. */
static int keep_value(struct tree *t, char **to, const struct trace_text *text)
{
	struct buf b = {0};

	if (*to || !text->s || t->value_bytes > TREE_VALUES)
		return 0;
	trace_text_put(&b, text);
	if (b.len > TREE_VALUE) {
		b.len = TREE_VALUE - strlen("…");
		while (b.len && utf8_continues(b.s[b.len]))
			b.len--;
		BUF_LITERAL(&b, "…");
	}
	*to = buf_dup(&b);
	t->value_bytes += b.len;
	buf_release(&b);
	return *to ? 0 : -ENOMEM;
}

static int count_exception(struct tree *t, struct tree_node *n, const struct trace_event *e)
{
	int err = 0;

	n->exceptions++;
	if (n->exception && e->exc_type.s &&
	    !trace_text_is(&e->exc_type, n->exception, strlen(n->exception)))
		n->other_exceptions = true;
	err = keep_value(t, &n->exception, &e->exc_type);
	return err;
}

static int count_call(struct tree *t, struct tree_node *n, const struct trace_event *e,
		      const struct trace_call *call)
{
	uint64_t us = e->duration_us;
	/* Of many functions together, some are below others: only the outermost are time. */
	const struct trace_call *caller = trace_calls_find(&t->calls, call->parent);
	bool outermost = !is_many(n) || !caller || caller->row != n;
	int err = 0;

	n->calls++;
	n->lost += e->lost;
	t->together_calls += is_many(n) && !(t->deepest && n->depth > t->deepest);
	if (outermost)
		n->total_us = add_capped(n->total_us, us);
	n->self_us = add_capped(n->self_us, call->self_us);
	n->wait_us = add_capped(n->wait_us, call->wait_us);
	n->max_us = us > n->max_us ? us : n->max_us;
	if (e->has_exception)
		err = count_exception(t, n, e);
	if (!err && t->values && !is_many(n))
		err = keep_value(t, &n->result, &e->result);
	return err;
}

static int add_enter(struct tree *t, const struct trace_event *e, struct trace_call **ret_call)
{
	struct trace_function *f = trace_functions_of(&t->functions, e);
	struct tree_node *n;
	int err = f ? place(t, e, f, &n) : -ENOMEM;

	if (err)
		return err;
	*ret_call = trace_calls_open(&t->calls, e);
	if (!*ret_call)
		return -ENOMEM;
	(*ret_call)->function = f;
	(*ret_call)->row = n;
	if (n && t->values && !is_many(n) && !e->left_out)
		return keep_value(t, &n->args, &e->args);
	return 0;
}

/* A call without a number: nothing is known of it but its end. */
static int add_alone(struct tree *t, const struct trace_event *e)
{
	struct trace_call alone = {.self_us = e->duration_us};
	struct trace_function *f = trace_functions_of(&t->functions, e);
	struct tree_node *n = NULL;
	int err = f ? place(t, e, f, &n) : -ENOMEM;

	return err || !n || e->left_out ? err : count_call(t, n, e, &alone);
}

static int add_exit(struct tree *t, const struct trace_event *e)
{
	struct trace_call *call = trace_calls_find(&t->calls, e->span);
	int err = 0;

	if (!e->span)
		return add_alone(t, e);
	if (!call)
		err = add_enter(t, e, &call);
	if (err)
		return err;
	err = stacks_end(&t->stacks, &t->calls, call, e);
	if (!err && call->row && !e->left_out)
		err = count_call(t, call->row, e, call);
	trace_calls_close(&t->calls, call);
	return err;
}

/* What is known of the request that is looked at. */
static int add_request(struct tree *t, const struct trace_event *e)
{
	if (!t->scope.request || !trace_scope_has(&t->scope, e))
		return 0;
	t->in_scope++;
	buf_clear(&t->method);
	buf_clear(&t->path);
	if (e->method.s)
		trace_text_put(&t->method, &e->method);
	if (e->path.s)
		trace_text_put(&t->path, &e->path);
	if (e->kind == TRACE_HTTP_RESPONSE) {
		t->answered = true;
		t->status_code = e->status_code;
		t->request_us = e->duration_us;
	}
	return t->method.failed || t->path.failed ? -ENOMEM : 0;
}

int tree_add(struct tree *t, const struct trace_event *e)
{
	struct trace_call *call;
	int err;

	switch (e->kind) {
	case TRACE_ENTER:
		if (!e->span || trace_calls_find(&t->calls, e->span))
			return 0;
		err = add_enter(t, e, &call);
		return err ? err : stacks_begin(&t->stacks, &t->calls, call, e);
	case TRACE_EXIT:
		return add_exit(t, e);
	case TRACE_HTTP_REQUEST:
	case TRACE_HTTP_RESPONSE:
		return add_request(t, e);
	default: /* an EXCEPTION is said again by its EXIT */
		return 0;
	}
}

/* ---- order and choice -------------------------------------------------------------------- */

static void count_unfinished(void *arg, struct trace_call *call)
{
	if (call->row && !call->left_out)
		((struct tree_node *)call->row)->unfinished++;
}

static uint64_t value_of(const struct tree_node *n, enum tree_sort sort)
{
	switch (sort) {
	case TREE_BY_SELF:
		return n->self_us;
	case TREE_BY_CALLS:
		return n->calls + n->unfinished;
	default:
		return n->total_us;
	}
}

static int greatest_first(const void *a, const void *b, void *arg)
{
	const struct tree_node *x = *(struct tree_node *const *)a;
	const struct tree_node *y = *(struct tree_node *const *)b;
	const struct tree *t = arg;
	uint64_t left = value_of(x, t->sort), right = value_of(y, t->sort);

	if (left != right && t->sort != TREE_BY_ORDER)
		return left < right ? 1 : -1;
	return (x->id > y->id) - (x->id < y->id);
}

static int sort_children(struct tree *t, struct tree_node *n)
{
	struct tree_node **all, **end;
	size_t count = 0;

	for (struct tree_node *c = n->child; c; c = c->next)
		count++;
	if (count < 2 || t->sort == TREE_BY_ORDER)
		return 0;
	all = end = malloc(count * sizeof(*all));
	if (!all)
		return -ENOMEM;
	for (struct tree_node *c = n->child; c; c = c->next)
		*end++ = c;
	qsort_r(all, count, sizeof(*all), greatest_first, t);
	for (size_t i = 0; i < count; i++)
		all[i]->next = i + 1 < count ? all[i + 1] : NULL;
	n->child = all[0];
	n->last = all[count - 1];
	free(all);
	return 0;
}

static bool is_worth_it(const struct tree *t, const struct tree_node *n)
{
	return n->unfinished || (n->calls && n->total_us >= t->min_us);
}

int tree_finish(struct tree *t)
{
	int err = 0;

	trace_calls_each(&t->calls, count_unfinished, NULL);
	/* Children come after their parents: backwards, all below a node is decided before it. */
	for (size_t i = t->nodes; i-- && !err;) {
		struct tree_node *n = t->node[i];

		n->shown |= is_worth_it(t, n);
		if (n->shown && n->parent)
			n->parent->shown = true;
		err = sort_children(t, n);
	}
	return err;
}

static const struct tree_node *first_shown(const struct tree_node *n)
{
	while (n && !n->shown)
		n = n->next;
	return n;
}

bool tree_has_next(const struct tree_node *n)
{
	return first_shown(n->next) != NULL;
}

const struct tree_node *tree_next(const struct tree_node *n, uint32_t deepest)
{
	const struct tree_node *next = n->depth < deepest ? first_shown(n->child) : NULL;

	for (; n->parent && !next; n = n->parent)
		next = first_shown(n->next);
	return next;
}
