/* SPDX-License-Identifier: MIT */
/*
 * flowctl tree: who called whom, and how long it took.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "columns.h"
#include "describe.h"
#include "every_call.h"
#include "reading.h"
#include "select/amount.h"
#include "analyze/tree.h"

struct options {
	const char *thread, *request, *function, *min, *where;
	int sort;
	bool together, values, every, follow;
	uint64_t depth;
};

static const struct command_option rows[] = {
	{.name = "thread",
	 .letter = 't',
	 .kind = VALUE_TEXT,
	 .at = OPTION_AT(struct options, thread),
	 .value = "THREAD",
	 .help = "only this thread: its name (with * and ?), tid, or pid/tid"},
	{.name = "request",
	 .letter = 'r',
	 .kind = VALUE_TEXT,
	 .at = OPTION_AT(struct options, request),
	 .value = "ID",
	 .help = "only the calls made for the HTTP request with this request_id"},
	{.name = "function",
	 .letter = 'F',
	 .kind = VALUE_TEXT,
	 .at = OPTION_AT(struct options, function),
	 .value = "NAME",
	 .help = "only the calls of this function and what they called: bare or full name (with * "
		 "and ?)"},
	READING_WHERE(struct options, where),
	{.name = "together",
	 .letter = 'T',
	 .kind = VALUE_SWITCH,
	 .at = OPTION_AT(struct options, together),
	 .help = "one tree for all threads"},
	{.name = "depth",
	 .letter = 'd',
	 .kind = VALUE_NUMBER,
	 .at = OPTION_AT(struct options, depth),
	 .value = "N",
	 .help = "at most N levels",
	 .min = 1,
	 .max = UINT32_MAX},
	{.name = "min",
	 .letter = 'm',
	 .kind = VALUE_TEXT,
	 .at = OPTION_AT(struct options, min),
	 .value = "DURATION",
	 .help = "only what took at least that long in total, such as 10ms"},
	{.name = "sort",
	 .letter = 's',
	 .kind = VALUE_CHOICE,
	 .at = OPTION_AT(struct options, sort),
	 .value = "total|self|calls|order",
	 .initial = "total",
	 .help = "sort key of calls with the same caller"},
	{.name = "values",
	 .letter = 'V',
	 .kind = VALUE_SWITCH,
	 .at = OPTION_AT(struct options, values),
	 .help = "also arguments and result of the first call"},
	{.name = "every",
	 .letter = 'e',
	 .kind = VALUE_SWITCH,
	 .at = OPTION_AT(struct options, every),
	 .help = "print each call in order instead of a tree of sums"},
	READING_FOLLOW(struct options, follow),
	{0},
};

/* ---- the tree, as text ------------------------------------------------------------------- */

/* The lines that come down from the callers; none for the outermost calls. */
static void put_branches(struct buf *b, const struct tree_node *n)
{
	const struct tree_node *way[TREE_DEEPEST + 2];
	size_t count = 0;

	if (n->depth < 2)
		return;
	for (const struct tree_node *p = n->parent; p->depth > 1; p = p->parent)
		way[count++] = p;
	while (count--)
		buf_str(b, tree_has_next(way[count]) ? "│  " : "   ");
	buf_str(b, tree_has_next(n) ? "├─ " : "└─ ");
}

static void put_number(struct buf *b, const char *before, uint64_t n)
{
	char text[64];

	snprintf(text, sizeof(text), "%s%" PRIu64, before, n);
	buf_str(b, text);
}

static void put_name(struct buf *b, const struct tree_node *n)
{
	struct buf label = {0};

	if (n->function)
		trace_function_label(&label, n->function);
	else
		BUF_LITERAL(&label, "(many functions)");
	if (label.len)
		safe_text(b, label.s, label.len);
	buf_release(&label);
}

static void put_figures(struct buf *b, const struct tree_node *n)
{
	char text[DURATION_MAX];

	if (n->calls > 1) {
		put_number(b, " x ", n->calls);
		duration_text(text, (double)n->total_us / (double)n->calls);
		BUF_LITERAL(b, "  mean ");
		buf_str(b, text);
		duration_text(text, (double)n->max_us);
		BUF_LITERAL(b, "  max ");
		buf_str(b, text);
	}
	if (n->unfinished)
		put_number(b, "  unfinished ", n->unfinished);
	if (n->lost)
		put_number(b, "  end lost ", n->lost);
	if (!n->exceptions)
		return;
	BUF_LITERAL(b, "  raised ");
	if (n->exception && n->exception[0])
		safe_text(b, n->exception, strlen(n->exception));
	else
		BUF_LITERAL(b, "something");
	buf_str(b, n->other_exceptions ? " and others" : "");
	if (n->exceptions > 1 || n->calls > 1)
		put_number(b, " x ", n->exceptions);
}

static void put_time(struct buf *b, const struct tree_node *n, const uint64_t *column)
{
	char text[DURATION_MAX] = "";
	uint64_t us = *column;

	if (n->calls && (us || column != &n->wait_us))
		duration_text(text, (double)us);
	for (size_t width = text_width(text, strlen(text)); width < 9; width++)
		buf_char(b, ' ');
	buf_str(b, text);
	BUF_LITERAL(b, " ");
}

static void put_value(struct buf *b, const char *before, const char *value)
{
	if (!value)
		return;
	buf_str(b, before);
	safe_text(b, value, strlen(value));
}

static void print_node(const struct tree_node *n)
{
	struct buf b = {0};

	put_time(&b, n, &n->total_us);
	put_time(&b, n, &n->self_us);
	put_time(&b, n, &n->wait_us);
	BUF_LITERAL(&b, " ");
	put_branches(&b, n);
	put_name(&b, n);
	put_figures(&b, n);
	put_value(&b, "  ", n->args);
	put_value(&b, " = ", n->result);
	fputs(n->exceptions ? style(stdout, STYLE_RED) : "", stdout);
	describe_print_cut(b.s, b.len, 0);
	fputs(n->exceptions ? style(stdout, STYLE_PLAIN) : "", stdout);
	buf_release(&b);
}

static void print_thread(const struct tree_node *root)
{
	struct buf safe = {0};

	if (root->name[0])
		safe_text(&safe, root->name, strlen(root->name));
	printf("%.*s%s(pid %" PRIu32 ", tid %" PRIu32 ")", (int)safe.len, safe.len ? safe.s : "",
	       safe.len ? " " : "", root->pid, root->tid);
	buf_release(&safe);
}

static void print_root(const struct tree *t, const struct tree_node *root)
{
	printf("%s", style(stdout, STYLE_BOLD));
	if (t->together)
		printf("all threads");
	else if (!root->name)
		printf("more threads than can be told apart");
	else
		print_thread(root);
	printf("%s\n", style(stdout, STYLE_PLAIN));
}

/* Of the request that is looked at: "GET /orders  200  12.3 ms". */
static void print_request(const struct tree *t)
{
	char duration[DURATION_MAX];
	struct buf b = {0};

	if (!t->scope.request || !t->path.len)
		return;
	if (t->method.len)
		safe_text(&b, t->method.s, t->method.len);
	BUF_LITERAL(&b, " ");
	safe_text(&b, t->path.s, t->path.len);
	duration_text(duration, (double)t->request_us);
	if (t->answered)
		printf("%.*s  %" PRIu32 "  %s\n\n", (int)b.len, b.s, t->status_code, duration);
	else
		printf("%.*s  without an answer\n\n", (int)b.len, b.s);
	buf_release(&b);
}

static bool is_root(const struct tree_node *n)
{
	return !n->parent;
}

static void print_text(const struct tree *t, uint32_t deepest)
{
	bool any = false;

	print_request(t);
	for (size_t i = 0; i < t->nodes; i++) {
		const struct tree_node *n = t->node[i];

		if (!is_root(n) || !n->shown)
			continue;
		fputs(any ? "\n" : "    total      self      wait\n", stdout);
		any = true;
		print_root(t, n);
		while ((n = tree_next(n, deepest)))
			print_node(n);
	}
	if (!any)
		puts("no calls to show");
	if (t->together_calls)
		printf("\n%" PRIu64
		       " calls were counted together: there are too many distinct call paths; "
		       "narrow them with --depth, --function or --thread\n",
		       t->together_calls);
}

/* ---- the tree, as JSON -------------------------------------------------------------------- */

static void put_node(struct json_out *j, const struct tree_node *n)
{
	json_begin(j, NULL, '{');
	json_u64(j, "id", n->id);
	json_u64(j, "parent", n->depth > 1 ? n->parent->id : 0);
	json_u64(j, "depth", n->depth);
	if (n->function)
		describe_put_function(j, n->function);
	else
		json_text(j, "name", NULL);
	json_u64(j, "calls", n->calls);
	json_u64(j, "totalMicros", n->total_us);
	json_u64(j, "selfMicros", n->self_us);
	json_float(j, "meanMicros", n->calls ? (double)n->total_us / (double)n->calls : 0);
	json_u64(j, "maxMicros", n->max_us);
	json_u64(j, "exceptions", n->exceptions);
	json_text(j, "exception", n->exception);
	json_u64(j, "unfinished", n->unfinished);
	json_u64(j, "lost", n->lost);
	json_u64(j, "waitMicros", n->wait_us);
	if (n->args)
		json_text(j, "args", n->args);
	if (n->result)
		json_text(j, "result", n->result);
	json_end(j, '}');
	json_flush(j);
}

static void put_root(struct json_out *j, const struct tree_node *root, uint32_t deepest)
{
	json_begin(j, NULL, '{');
	json_text(j, "thread", root->name);
	json_u64(j, "pid", root->pid);
	json_u64(j, "tid", root->tid);
	json_begin(j, "nodes", '[');
	for (const struct tree_node *n = root; (n = tree_next(n, deepest));)
		put_node(j, n);
	json_end(j, ']');
	json_end(j, '}');
}

static int print_json(const struct tree *t, const struct reading *r, uint32_t deepest)
{
	struct json_out j = {0};

	json_begin(&j, NULL, '{');
	reading_put(&j, r);
	if (t->scope.request) {
		json_begin(&j, "request", '{');
		json_bytes(&j, "method", t->method.len ? t->method.s : "", t->method.len);
		json_bytes(&j, "path", t->path.len ? t->path.s : "", t->path.len);
		json_u64(&j, "status_code", t->status_code);
		json_u64(&j, "durationMicros", t->request_us);
		json_end(&j, '}');
	}
	json_u64(&j, "countedTogether", t->together_calls);
	json_begin(&j, "trees", '[');
	for (size_t i = 0; i < t->nodes; i++)
		if (is_root(t->node[i]) && t->node[i]->shown)
			put_root(&j, t->node[i], deepest);
	json_end(&j, ']');
	json_end(&j, '}');
	return json_print(&j);
}

/* ---- both ways --------------------------------------------------------------------------- */

static uint32_t deepest_of(const struct options *o)
{
	return o->depth ? (uint32_t)o->depth : UINT32_MAX;
}

static struct trace_scope scope_of(const struct options *o)
{
	return (struct trace_scope){
		.thread = o->thread, .request = o->request, .function = o->function};
}

/* What was asked for by name must be there. */
static int check_scope(const struct options *o, uint64_t in_scope, struct why *w)
{
	if (in_scope)
		return 0;
	if (o->function)
		return why(w, -ENOENT,
			   "the trace has no call of a function \"%s\": flowctl stats lists them; "
			   "* matches any text",
			   o->function);
	if (o->request)
		return why(w, -ENOENT, "the trace has no call for a request \"%s\"", o->request);
	if (o->thread)
		return why(w, -ENOENT,
			   "the trace has no call of a thread \"%s\": flowctl stats --by thread "
			   "lists them",
			   o->thread);
	return 0;
}

static int run_every(const struct arguments *a, struct reading *r, struct why *w)
{
	const struct options *o = a->options;
	struct every_call c = {
		.scope = scope_of(o),
		.values = o->values,
		.json = a->json,
		.flush = o->follow,
		.deepest = deepest_of(o),
	};
	struct trace_event e;
	int got = 0, err = 0;

	while (!err && !ferror(stdout) && (got = reading_next(r, &e, w)) > 0)
		err = every_call_add(&c, &e);
	every_call_finish(&c);
	err = got < 0 ? got : err;
	if (!err)
		reading_notes(r);
	if (!err)
		err = check_scope(o, c.in_scope, w);
	every_call_release(&c);
	return err;
}

static int add_to_tree(void *t, const struct trace_event *e, const struct reading *r)
{
	return tree_add(t, e);
}

static int run_sums(const struct arguments *a, struct reading *r, uint64_t min_us, struct why *w)
{
	const struct options *o = a->options;
	struct tree t = {
		.scope = scope_of(o),
		.together = o->together,
		.values = o->values,
		.min_us = min_us,
		.deepest = (uint32_t)o->depth,
		.sort = (enum tree_sort)o->sort,
	};
	int err = reading_all(r, add_to_tree, &t, w);

	if (!err)
		err = tree_finish(&t);
	if (!err)
		err = check_scope(o, t.in_scope, w);
	if (!err)
		reading_notes(r);
	if (!err && a->json)
		err = print_json(&t, r, deepest_of(o));
	else if (!err)
		print_text(&t, deepest_of(o));
	tree_release(&t);
	return err;
}

static int take_min(const struct options *o, uint64_t *ret_us, struct why *w)
{
	struct amount amount = {0};

	if (!o->min)
		return 0;
	if (o->every)
		return why_exit(w, EXIT_USAGE, -EINVAL,
				"--every prints a call before its duration is known: omit --min, "
				"or use --where durationMicros>=%s for the ends only",
				o->min);
	if (!amount_parse(o->min, strlen(o->min), &amount) || amount.unit != AMOUNT_TIME ||
	    amount.n < 0 || amount.n > 1e18L)
		return why_exit(w, EXIT_USAGE, -EINVAL,
				"--min takes a duration such as 500us, 10ms or 2s, not \"%s\"",
				o->min);
	*ret_us = (uint64_t)ceill(amount.n);
	return 0;
}

static int run_tree(const struct arguments *a)
{
	const struct options *o = a->options;
	struct reading r = {0};
	struct why w = {0};
	uint64_t min_us = 0;
	int err = take_min(o, &min_us, &w);

	if (!err)
		err = reading_open(&r, a, 0, o->follow, &w);
	if (!err)
		err = reading_where(&r, o->where, &w);
	r.filter.by_line = o->every;
	if (!err)
		err = o->every ? run_every(a, &r, &w) : run_sums(a, &r, min_us, &w);
	reading_close(&r);
	return command_end(err, &w);
}

const struct command command_tree = {
	.name = "tree",
	.group = COMMANDS_READ,
	.operands = "TRACE...",
	.min_operands = 1,
	.summary = "who called whom, and how long it took",
	.about = "The calls of each thread as a tree. Calls of the same function under the same "
		 "callers are one line: their number, their total time, the time that they ran "
		 "themselves (self) or were suspended (wait), mean and maximum. Calls left by an "
		 "exception are marked raised, calls without an end unfinished.\n\n" STACKS_ABOUT
		 "\n\nMemory use grows with the number of distinct call paths, up to 262144 lines "
		 "and 1000 levels; calls beyond are counted together, and a note says how many. "
		 "--every prints each call as it comes instead: > where it begins, < where it "
		 "ends, one line where nothing comes between.\n\n--where COND counts only the "
		 "calls that match COND. All events of a call are considered together; the callers "
		 "of a match are shown without figures. With --every each line is judged on its "
		 "own.\n\n" READING_WHERE_ABOUT "\n\n" READING_ABOUT,
	.options = rows,
	.options_size = sizeof(struct options),
	.run = run_tree,
};
