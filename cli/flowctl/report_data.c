/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report_data.h"
#include "report_flame.h"

/* What is kept while reading. */
#define PAGE_PATHS_MAX (1u << 18)
#define PAGE_CALLS_MAX 1500
#define PAGE_REQUESTS_MAX 1500

/* What the page shows, at most; halved until it is at most this large. */
#define PAGE_BYTES_MAX (9u << 20)
#define PAGE_SHOWN_PATHS_MAX 15000
#define PAGE_FUNCTIONS_MAX 3000
#define PAGE_ERRORS_MAX 300
#define PAGE_ROUTES_MAX 1000
#define ARGS_KEPT 600 /* bytes */
#define MESSAGE_KEPT 600
#define CHAIN_KEPT 24

static int make_room(void *arg)
{
	struct paths *p = arg;
	int err = paths_prune(p);

	/* Open calls hold many: more may come. */
	if (p->index.count > p->most / 4 * 3)
		p->most = p->index.count * 2;
	return err;
}

int report_data_init(struct report_data *d)
{
	*d = (struct report_data){
		.paths = {.most = PAGE_PATHS_MAX,
			  .by_thread = true,
			  .full = make_room,
			  .arg = &d->paths},
	};
	stats_init(&d->stats, STATS_BY_FUNCTION);
	return slowest_init(&d->slowest, PAGE_CALLS_MAX) ||
			       routes_init(&d->routes, PAGE_REQUESTS_MAX)
		       ? -ENOMEM
		       : 0;
}

void report_data_release(struct report_data *d)
{
	stats_release(&d->stats);
	errors_release(&d->errors);
	slowest_release(&d->slowest);
	paths_release(&d->paths);
	routes_release(&d->routes);
	call_rate_release(&d->activity);
}

int report_data_add(struct report_data *d, const struct trace_event *e, const char *file,
		    uint64_t line)
{
	int err = stats_add(&d->stats, e);

	if (!err)
		err = errors_add(&d->errors, e, file, line);
	if (!err)
		err = slowest_add(&d->slowest, e, file, line);
	if (!err)
		err = paths_add(&d->paths, e);
	if (!err)
		err = routes_add(&d->routes, e);
	if (!err)
		err = call_rate_add(&d->activity, e);
	return err;
}

static int by_self(const void *a, const void *b)
{
	const struct stats_row *x = *(struct stats_row *const *)a;
	const struct stats_row *y = *(struct stats_row *const *)b;

	if (x->self_us != y->self_us)
		return x->self_us < y->self_us ? 1 : -1;
	return strcmp(x->name, y->name);
}

int report_data_finish(struct report_data *d)
{
	int err = stats_finish(&d->stats);

	errors_finish(&d->errors);
	slowest_finish(&d->slowest);
	if (!err)
		err = routes_finish(&d->routes);
	if (d->stats.rows)
		qsort(d->stats.row, d->stats.rows, sizeof(*d->stats.row), by_self);
	return err;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void put_summary(struct json_out *j, const struct report_data *d, const struct reading *r)
{
	const struct stats *s = &d->stats;
	uint64_t calls = 0, exceptions = 0, unfinished = 0, raised = d->errors.others;

	for (size_t i = 0; i < s->rows; i++) {
		calls += s->row[i]->calls;
		exceptions += s->row[i]->exceptions;
		unfinished += s->row[i]->unfinished;
	}
	for (size_t i = 0; i < d->errors.groups; i++)
		raised += d->errors.group[i]->count;
	json_begin(j, "summary", '{');
	reading_put(j, r);
	json_u64(j, "startMicros", s->first_us <= s->last_us ? s->first_us : 0);
	json_u64(j, "durationMicros", s->first_us <= s->last_us ? s->last_us - s->first_us : 0);
	json_u64(j, "calls", calls);
	json_u64(j, "callsLeftByException", exceptions);
	json_u64(j, "exceptions", raised);
	json_u64(j, "unfinished", unfinished);
	json_u64(j, "lost", s->lost_events);
	json_u64(j, "withoutEnter", s->unopened + s->without_span);
	json_u64(j, "processes", d->activity.processes);
	json_u64(j, "threads", d->activity.threads);
	json_u64(j, "functions", s->rows);
	json_u64(j, "requests", d->routes.requests);
	json_u64(j, "responses", d->routes.responses);
	json_end(j, '}');
}

static void put_functions(struct json_out *j, struct report_names *n, const struct stats *s,
			  size_t most)
{
	json_begin(j, "functions", '[');
	for (size_t i = 0; i < least(s->rows, most); i++) {
		const struct stats_row *row = s->row[i];

		json_begin(j, NULL, '[');
		report_put_function(j, n, row->function);
		json_u64(j, NULL, row->calls);
		json_u64(j, NULL, row->exceptions);
		json_u64(j, NULL, row->unfinished);
		json_u64(j, NULL, row->durations.sum_us);
		json_u64(j, NULL, row->self_us);
		json_u64(j, NULL, row->p50_us);
		json_u64(j, NULL, row->p95_us);
		json_u64(j, NULL, row->p99_us);
		json_u64(j, NULL, row->durations.max_us);
		json_u64(j, NULL, row->wait_us);
		json_end(j, ']');
	}
	json_end(j, ']');
}

static void put_calls(struct json_out *j, struct report_names *n, const struct slowest *s,
		      size_t most)
{
	json_begin(j, "calls", '[');
	for (size_t i = 0; i < least(s->longest.count, most); i++) {
		const struct slow_call *c = top_n_at(&s->longest, i);

		json_begin(j, NULL, '[');
		report_put_function(j, n, c->function);
		json_u64(j, NULL, c->start_us);
		json_u64(j, NULL, c->duration_us);
		json_u64(j, NULL, c->self_us);
		json_u64(j, NULL, c->pid);
		json_u64(j, NULL, c->tid);
		json_u64(j, NULL, c->chain_len);
		report_put_text(j, NULL, c->args.s, c->args.len, ARGS_KEPT);
		report_put_text(j, NULL, c->exception.s, c->exception.len, MESSAGE_KEPT);
		report_put_text(j, NULL, c->request_id.s, c->request_id.len, 64);
		json_u64(j, NULL, c->wait_us);
		json_end(j, ']');
	}
	json_end(j, ']');
}

static void put_requests(struct json_out *j, const struct routes *r, size_t most)
{
	json_begin(j, "requests", '[');
	for (size_t i = 0; i < least(r->slow.count, most); i++) {
		const struct slow_request *q = top_n_at(&r->slow, i);

		json_begin(j, NULL, '[');
		json_u64(j, NULL, q->start_us);
		json_u64(j, NULL, q->duration_us);
		json_u64(j, NULL, q->status);
		json_u64(j, NULL, q->pid);
		json_u64(j, NULL, q->tid);
		json_text(j, NULL, q->method);
		json_text(j, NULL, q->path);
		json_text(j, NULL, q->id);
		json_end(j, ']');
	}
	json_end(j, ']');
}

static void put_routes(struct json_out *j, const struct routes *r, size_t most)
{
	json_begin(j, "routes", '[');
	for (size_t i = 0; i < least(r->count, most); i++) {
		const struct route *route = r->route[i];

		json_begin(j, NULL, '[');
		json_text(j, NULL, route->method);
		json_text(j, NULL, route->path);
		json_u64(j, NULL, route->status);
		json_u64(j, NULL, route->durations.count);
		json_u64(j, NULL, route->durations.sum_us);
		json_u64(j, NULL, route->p50_us);
		json_u64(j, NULL, route->p95_us);
		json_u64(j, NULL, route->durations.max_us);
		json_end(j, ']');
	}
	json_end(j, ']');
	json_u64(j, "routesAll", r->count);
	json_u64(j, "routesOthers", r->others);
}

static void put_error(struct json_out *j, struct report_names *n, const struct error_group *g)
{
	json_begin(j, NULL, '{');
	report_put_text(j, "type", g->type, strlen(g->type), MESSAGE_KEPT);
	report_put_text(j, "message", g->message, strlen(g->message), MESSAGE_KEPT);
	json_u64(j, "count", g->count);
	json_u64(j, "passed", g->passed);
	json_u64(j, "firstMicros", g->first_us);
	json_u64(j, "lastMicros", g->last_us);
	report_put_text(j, "args", g->args, strlen(g->args), ARGS_KEPT);
	report_put_text(j, "thread", g->thread, strlen(g->thread), 64);
	json_u64(j, "pid", g->pid);
	json_u64(j, "tid", g->tid);
	json_u64(j, "traceLine", g->line);
	/* Where it came up, then the callers, the nearest first. */
	json_begin(j, "chain", '[');
	report_put_function(j, n, g->function);
	for (size_t i = 0; i < least(g->chain_len, CHAIN_KEPT); i++)
		report_put_function(j, n, g->chain[i]);
	json_end(j, ']');
	json_u64(j, "chainMore", g->chain_len - least(g->chain_len, CHAIN_KEPT));
	json_end(j, '}');
}

static void put_errors(struct json_out *j, struct report_names *n, const struct errors *s,
		       size_t most)
{
	json_begin(j, "errors", '[');
	for (size_t i = 0; i < least(s->groups, most); i++)
		put_error(j, n, s->group[i]);
	json_end(j, ']');
	json_u64(j, "errorsAll", s->groups);
	json_u64(j, "errorsOthers", s->others);
}

static void put_thread(struct json_out *j, const struct call_rate_thread *t)
{
	const char *name = t->name ? t->name : "";

	json_begin(j, NULL, '{');
	json_u64(j, "pid", t->pid);
	json_u64(j, "tid", t->tid);
	report_put_text(j, "name", name, strlen(name), 64);
	json_u64(j, "calls", t->calls);
	json_begin(j, "buckets", '[');
	for (size_t i = 0; i < CALL_RATE_BUCKETS; i++)
		json_u64(j, NULL, t->bucket[i]);
	json_end(j, ']');
	json_end(j, '}');
}

static void put_call_rate(struct json_out *j, const struct call_rate *a)
{
	json_begin(j, "activity", '{');
	json_u64(j, "startMicros", a->start_us);
	json_u64(j, "widthMicros", a->width_us);
	json_begin(j, "threads", '[');
	for (size_t i = 0; i < a->count; i++)
		put_thread(j, a->thread[i]);
	json_end(j, ']');
	json_end(j, '}');
}

static void put_origin(struct json_out *j, const struct arguments *a)
{
	json_text(j, "version", FT_VERSION);
	json_u64(j, "createdSeconds", (uint64_t)time(NULL));
	json_begin(j, "traces", '[');
	for (size_t i = 0; i < least(a->noperands, 100); i++)
		report_put_text(j, NULL, a->operand[i], strlen(a->operand[i]), 240);
	json_end(j, ']');
}

/* shift: how often the limits are halved. */
static int put_all(struct report_data *d, const struct reading *r, const struct arguments *a,
		   unsigned shift, struct json_out *j)
{
	struct report_names n = {0};
	int err;

	json_begin(j, NULL, '{');
	put_origin(j, a);
	put_summary(j, d, r);
	err = report_put_flame(j, &n, &d->paths, PAGE_SHOWN_PATHS_MAX >> shift);
	put_functions(j, &n, &d->stats, PAGE_FUNCTIONS_MAX >> shift);
	put_calls(j, &n, &d->slowest, PAGE_CALLS_MAX >> shift);
	put_requests(j, &d->routes, PAGE_REQUESTS_MAX >> shift);
	put_routes(j, &d->routes, PAGE_ROUTES_MAX >> shift);
	put_errors(j, &n, &d->errors, PAGE_ERRORS_MAX >> shift);
	put_call_rate(j, &d->activity);
	json_begin(j, "names", '[');
	if (n.json.len)
		buf_add(&j->b, n.json.s, n.json.len);
	json_end(j, ']');
	json_end(j, '}');
	if (n.json.failed || j->b.failed)
		err = -ENOMEM;
	report_names_release(&n);
	return err;
}

/* In JSON it can only be in a string; in HTML it could end the element. */
static void put_without_less_than(struct buf *to, const char *s, size_t len)
{
	const char *end = s + len;

	while (s < end) {
		const char *less = memchr(s, '<', (size_t)(end - s));

		buf_add(to, s, (size_t)((less ? less : end) - s));
		if (!less)
			break;
		BUF_LITERAL(to, "\\u003c");
		s = less + 1;
	}
}

int report_data_put(struct report_data *d, const struct reading *r, const struct arguments *a,
		    struct buf *to)
{
	size_t before = to->len;

	for (unsigned shift = 0;; shift++) {
		struct json_out j = {0};
		int err = put_all(d, r, a, shift, &j);

		if (!err)
			put_without_less_than(to, j.b.s, j.b.len);
		buf_release(&j.b);
		if (err || to->failed)
			return -ENOMEM;
		if (to->len - before <= PAGE_BYTES_MAX || shift == 8)
			return 0;
		to->len = before;
	}
}
