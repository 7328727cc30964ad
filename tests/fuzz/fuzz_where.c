/* SPDX-License-Identifier: MIT */
/*
 * A condition (the first line) and the lines of a trace (the rest): the condition is right or
 * refused with a reason, says the same both ways in which it can be asked, and what is computed
 * of the calls that it is true of adds up.
 */
#include "checked.h"
#include "fuzz.h"
#include "analyze/compare.h"
#include "select/filter.h"
#include "select/selection.h"
#include "analyze/request_stats.h"
#include "analyze/tree.h"

struct all {
	struct trace_filter filter;
	struct tree tree;
	struct request_stats requests;
	struct compare difference;
	struct selection kept;
	uint64_t exits;
};

static void add(void *arg, struct trace_event *e)
{
	struct all *a = arg;
	bool alone = where_matches(a->filter.where, e);

	if (where_holds(a->filter.where, where_tests(a->filter.where, e)) != alone)
		abort();
	must(trace_filter_event(&a->filter, e));
	a->exits += e->kind == TRACE_EXIT && !e->left_out;
	must(tree_add(&a->tree, e));
	must(request_stats_add(&a->requests, e, "f", 1));
	must(compare_add(&a->difference, e->tid & 1, e, "f", 1));
	must(selection_find(&a->kept, e, true));
}

/* Every EXIT that counts is in one node, and in one row of one side. */
static void check_sums(struct all *a)
{
	uint64_t calls = 0, shown = 0, count = 0;

	for (size_t i = 0; i < a->tree.nodes; i++) {
		const struct tree_node *n = a->tree.node[i];

		calls += n->calls;
		if (!n->parent && n->shown)
			while ((n = tree_next(n, UINT32_MAX)))
				shown += n->calls;
	}
	if (calls != a->exits || shown != a->exits ||
	    a->difference.side[0].calls + a->difference.side[1].calls != a->exits)
		abort();
	for (size_t i = 0; i < a->requests.rows.count; i++)
		count += a->requests.rows.row[i]->count;
	if (count != a->requests.answered + a->requests.without_answer)
		abort();
}

static void look_again(void *arg, struct trace_event *e)
{
	struct all *a = arg;

	if (selection_has(&a->kept, e, true) < 0)
		abort();
}

int fuzz_where(const uint8_t *data, size_t size)
{
	const char *s = (const char *)data, *newline = size ? memchr(s, '\n', size) : NULL;
	struct all a = {.tree = {.values = true}, .kept = {.callers = true, .callees = true}};
	char *condition = newline ? strndup(s, (size_t)(newline - s)) : NULL;
	struct why w = {0};

	if (!condition)
		return 0;
	if (trace_filter_init(&a.filter, condition, &w)) {
		if (!w.text[0] || w.exit_status != EXIT_USAGE || strchr(w.text, '\n'))
			abort();
		free(condition);
		return 0;
	}
	free(condition);
	compare_init(&a.difference);
	must(request_stats_init(&a.requests, false, 3));
	each_event(newline + 1, s + size, add, &a);
	must(tree_finish(&a.tree));
	must(request_stats_finish(&a.requests));
	must(compare_finish(&a.difference));
	must(selection_found_all(&a.kept));
	check_sums(&a);
	each_event(newline + 1, s + size, look_again, &a);
	trace_filter_release(&a.filter);
	tree_release(&a.tree);
	request_stats_release(&a.requests);
	compare_release(&a.difference);
	selection_release(&a.kept);
	return 0;
}
