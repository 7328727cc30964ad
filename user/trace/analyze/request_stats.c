/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "analyze/request_stats.h"
#include "analyze/route.h"

#define EXACT_BYTES (32u << 20) /* of all rows */

/* One that is followed. */
struct request {
	uint64_t key_a, key_b;
	unsigned asked; /* HTTP_REQUESTs without an answer so far: ids may be used again */
	bool answered;	/* and still waiting for its calls */
	bool left_out;
	uint32_t open_calls, pid, tid, status_code;
	uint64_t start_us, duration_us, calls, traced_us;
	char *id, *method, *path; /* owned */
	const char *file;	  /* borrowed */
	uint64_t line;
	struct request_function *function; /* owned; only where slow ones are wanted */
	size_t functions, room;
};

static void free_request(struct request *q)
{
	if (!q)
		return;
	free(q->id);
	free(q->method);
	free(q->path);
	free(q->function);
	free(q);
}

static void release_single(struct single_request *s)
{
	free(s->id);
	free(s->method);
	free(s->path);
	*s = (struct single_request){0};
}

int requests_init(struct requests *r, bool exact, size_t slow_most)
{
	*r = (struct requests){.exact = exact, .budget = {0, EXACT_BYTES}};
	return longest_init(&r->slow, slow_most, sizeof(struct single_request));
}

void requests_release(struct requests *r)
{
	for (size_t i = 0; i < r->open.size; i++)
		free_request(r->open.slot[i].value);
	for (size_t i = 0; i < r->rows; i++) {
		durations_release(&r->row[i]->durations, &r->budget);
		free(r->row[i]->method);
		free(r->row[i]->route);
		free(r->row[i]);
	}
	for (size_t i = 0; i < r->slow.count; i++)
		release_single(longest_at(&r->slow, i));
	for (size_t i = 0; i < r->unanswered_count; i++)
		release_single(&r->unanswered[i]);
	longest_release(&r->slow);
	free(r->unanswered);
	free(r->row);
	map_release(&r->open);
	map_release(&r->index);
	trace_calls_release(&r->calls);
	stacks_release(&r->stacks);
	trace_functions_release(&r->functions);
	buf_release(&r->scratch);
}

static char *text_dup(struct requests *r, const struct trace_text *t)
{
	buf_clear(&r->scratch);
	if (t->s)
		trace_text_put(&r->scratch, t);
	return buf_dup(&r->scratch);
}

/* ---- rows --------------------------------------------------------------------------------- */

static struct request_row *new_row(struct requests *r, const char *method, const char *route,
				   int status_class)
{
	struct request_row *row;

	if (r->rows == r->room) {
		size_t room = r->room ? r->room * 2 : 64;
		struct request_row **more = realloc(r->row, room * sizeof(*more));

		if (!more)
			return NULL;
		r->row = more;
		r->room = room;
	}
	row = calloc(1, sizeof(*row));
	if (!row)
		return NULL;
	row->method = strdup(method);
	row->route = route ? strdup(route) : NULL;
	row->status_class = status_class;
	if (!row->method || (route && !row->route)) {
		free(row->method);
		free(row->route);
		free(row);
		return NULL;
	}
	r->row[r->rows++] = row;
	return row;
}

static struct request_row *indexed_row(struct requests *r, uint64_t hash, const char *method,
				       const char *route, int status_class)
{
	uint64_t class_key = (uint64_t)(status_class + 1);
	struct request_row *row = map_get(&r->index, hash, class_key);

	if (row)
		return row;
	row = new_row(r, method, route, status_class);
	return row && !map_put(&r->index, hash, class_key, row, NULL) ? row : NULL;
}

static struct request_row *row_of(struct requests *r, const struct request *q, int status_class)
{
	uint64_t hash = trace_hash(3, q->method, strlen(q->method));
	struct request_row *row;

	buf_clear(&r->scratch);
	if (r->exact)
		buf_str(&r->scratch, q->path);
	else
		route_fold(&r->scratch, q->path, strlen(q->path));
	buf_char(&r->scratch, 0);
	if (r->scratch.failed)
		return NULL;
	hash = trace_hash(hash, r->scratch.s, r->scratch.len);
	row = map_get(&r->index, hash, (uint64_t)(status_class + 1));
	if (!row && r->rows >= REQUESTS_ROWS)
		return indexed_row(r, 0, "", NULL, status_class);
	return indexed_row(r, hash, q->method, r->scratch.s, status_class);
}

/* ---- single ones -------------------------------------------------------------------------- */

static int most_self_first(const void *a, const void *b)
{
	const struct request_function *x = a, *y = b;

	if (x->self_us != y->self_us)
		return x->self_us < y->self_us ? 1 : -1;
	return (x->function->id > y->function->id) - (x->function->id < y->function->id);
}

static int make_single(struct single_request *to, struct request *q)
{
	*to = (struct single_request){
		.id = strdup(q->id),
		.method = strdup(q->method),
		.path = strdup(q->path),
		.status_code = q->status_code,
		.pid = q->pid,
		.tid = q->tid,
		.start_us = q->start_us,
		.duration_us = q->duration_us,
		.calls = q->calls,
		.traced_us = q->traced_us,
		.file = q->file,
		.line = q->line,
		.tops = q->functions < REQUESTS_TOP ? q->functions : REQUESTS_TOP,
	};
	if (!to->id || !to->method || !to->path) {
		release_single(to);
		return -ENOMEM;
	}
	if (q->functions) {
		qsort(q->function, q->functions, sizeof(*q->function), most_self_first);
		memcpy(to->top, q->function, to->tops * sizeof(*to->top));
	}
	return 0;
}

static int consider_slow(struct requests *r, struct request *q)
{
	struct single_request *to = longest_take(&r->slow, q->duration_us);

	if (!to)
		return 0;
	release_single(to);
	return make_single(to, q);
}

static int keep_unanswered(struct requests *r, struct request *q)
{
	struct single_request *more;

	if (r->unanswered_count == REQUESTS_UNANSWERED)
		return 0;
	more = realloc(r->unanswered, (r->unanswered_count + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	r->unanswered = more;
	if (make_single(&r->unanswered[r->unanswered_count], q))
		return -ENOMEM;
	r->unanswered_count++;
	return 0;
}

/* ---- a request's life --------------------------------------------------------------------- */

static struct request *request_of(struct requests *r, const struct trace_event *e, bool make)
{
	/* The same id may be passed on to another process, where it is another request. */
	uint64_t a = trace_hash(e->pid, e->request_id.s, e->request_id.len);
	uint64_t b = trace_hash(a, e->request_id.s, e->request_id.len);
	struct request *q = map_get(&r->open, a, b);

	if (q || !make)
		return q;
	q = calloc(1, sizeof(*q));
	if (!q)
		return NULL;
	q->key_a = a;
	q->key_b = b;
	q->start_us = e->timestamp_us;
	q->pid = e->pid;
	q->tid = e->tid;
	if (map_put(&r->open, a, b, q, NULL)) {
		free(q);
		return NULL;
	}
	return q;
}

static void forget(struct requests *r, struct request *q)
{
	map_take(&r->open, q->key_a, q->key_b);
	free_request(q);
}

static int keep_texts(struct requests *r, struct request *q, const struct trace_event *e)
{
	char **const to[] = {&q->id, &q->method, &q->path};
	const struct trace_text *const from[] = {&e->request_id, &e->method, &e->path};

	for (int i = 0; i < 3; i++) {
		if (*to[i] && !from[i]->len)
			continue; /* the request said it, the response does not */
		free(*to[i]);
		*to[i] = text_dup(r, from[i]);
		if (!*to[i])
			return -ENOMEM;
	}
	return 0;
}

/* Adds what was called for it. */
static void count_calls(struct request_row *row, const struct request *q)
{
	row->count++;
	row->calls += q->calls;
	row->traced_us = add_capped(row->traced_us, q->traced_us);
}

static int class_of(uint32_t status_code)
{
	return status_code >= 100 && status_code < 600 ? (int)(status_code / 100) : 0;
}

/* Into its row; it is forgotten, or begins anew where its id was asked for again. */
static int finish_request(struct requests *r, struct request *q)
{
	struct request_row *row = NULL;
	int err = 0;

	if (!q->left_out) {
		row = row_of(r, q, class_of(q->status_code));
		err = row ? durations_add(&row->durations, &r->budget, q->duration_us) : -ENOMEM;
	}
	if (row) {
		count_calls(row, q);
		r->answered++;
		r->errors += class_of(q->status_code) == 5;
		err = err ? err : consider_slow(r, q);
	}
	q->asked -= q->asked > 0;
	if (!q->asked && !q->open_calls) {
		forget(r, q);
		return err;
	}
	q->answered = false;
	q->calls = q->traced_us = q->functions = 0;
	return err;
}

static int add_request(struct requests *r, const struct trace_event *e, const char *file,
		       uint64_t line)
{
	struct request *q = e->request_id.s ? request_of(r, e, true) : NULL;

	if (!q)
		return e->request_id.s ? -ENOMEM : 0;
	q->asked++;
	q->left_out = e->left_out;
	q->start_us = e->timestamp_us;
	q->file = file;
	q->line = line;
	return keep_texts(r, q, e);
}

static int add_response(struct requests *r, const struct trace_event *e, const char *file,
			uint64_t line)
{
	struct request alone = {0}, *q = e->request_id.s ? request_of(r, e, true) : &alone;
	int err = 0;

	if (!q)
		return -ENOMEM;
	if (q->answered) /* the same id again: what waits for its calls has waited enough */
		err = finish_request(r, q);
	/* That left it there, since it has open calls. */
	q->answered = true;
	q->left_out = e->left_out;
	q->status_code = e->status_code;
	q->duration_us = e->duration_us;
	q->file = file;
	q->line = line;
	if (!err)
		err = keep_texts(r, q, e);
	if (err)
		return err;
	if (q != &alone)
		return q->open_calls ? 0 : finish_request(r, q);
	q->start_us = e->timestamp_us > e->duration_us ? e->timestamp_us - e->duration_us : 0;
	q->pid = e->pid;
	q->tid = e->tid;
	q->open_calls = 1; /* so that it is not taken from the map, in which it is not */
	err = finish_request(r, q);
	free(q->id);
	free(q->method);
	free(q->path);
	return err;
}

/* ---- the calls made for it ----------------------------------------------------------------- */

static int count_function(struct request *q, const struct trace_function *f, uint64_t us,
			  uint64_t self_us)
{
	struct request_function *at;
	size_t i = 0;

	while (i < q->functions && q->function[i].function != f)
		i++;
	if (i == q->functions && i == REQUESTS_FUNCTIONS)
		return 0;
	if (i == q->room) {
		size_t room = q->room ? q->room * 2 : 8;
		struct request_function *more = realloc(q->function, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		q->function = more;
		q->room = room;
	}
	at = &q->function[i];
	if (i == q->functions) {
		*at = (struct request_function){.function = f};
		q->functions++;
	}
	at->calls++;
	at->total_us = add_capped(at->total_us, us);
	at->self_us = add_capped(at->self_us, self_us);
	return 0;
}

/* Opens a call, for its request if it has one. */
static struct trace_call *open_call(struct requests *r, const struct trace_event *e, int *ret_err)
{
	struct request *q = e->request_id.s ? request_of(r, e, true) : NULL;
	struct trace_function *f = trace_functions_of(&r->functions, e);
	const struct trace_call *caller = trace_calls_find(&r->calls, e->parent);
	struct trace_call *call;

	*ret_err = -ENOMEM;
	if (!f || (e->request_id.s && !q))
		return NULL;
	call = trace_calls_open(&r->calls, e);
	if (!call)
		return NULL;
	*ret_err = 0;
	call->function = f;
	call->row = q;
	call->error = q && (!caller || caller->row != q);
	if (q) {
		q->open_calls++;
		q->calls++;
	}
	return call;
}

static int add_enter(struct requests *r, const struct trace_event *e)
{
	struct trace_call *call = NULL;
	int err = 0;

	if (e->span && !trace_calls_find(&r->calls, e->span))
		call = open_call(r, e, &err);
	return call ? stacks_begin(&r->stacks, &r->calls, call, e) : err;
}

static int end_call_of(struct requests *r, struct request *q, const struct trace_call *call,
		       uint64_t us)
{
	int err = 0;

	if (call->error)
		q->traced_us = add_capped(q->traced_us, us);
	if (r->slow.most)
		err = count_function(q, call->function, us, call->self_us);
	q->open_calls--;
	if (err || q->open_calls)
		return err;
	if (q->answered)
		return finish_request(r, q);
	/* Calls of a request of which there is no other line, or which was answered before. */
	if (!q->asked)
		forget(r, q);
	return 0;
}

static int add_exit(struct requests *r, const struct trace_event *e)
{
	struct trace_call *call = trace_calls_find(&r->calls, e->span);
	int err = 0;

	if (!e->span)
		return 0;
	if (!call)
		call = open_call(r, e, &err);
	if (!call)
		return err;
	err = stacks_end(&r->stacks, &r->calls, call, e);
	if (!err && call->row)
		err = end_call_of(r, call->row, call, e->duration_us);
	trace_calls_close(&r->calls, call);
	return err;
}

int requests_add(struct requests *r, const struct trace_event *e, const char *file, uint64_t line)
{
	switch (e->kind) {
	case TRACE_HTTP_REQUEST:
		return add_request(r, e, file, line);
	case TRACE_HTTP_RESPONSE:
		return add_response(r, e, file, line);
	case TRACE_ENTER:
		return add_enter(r, e);
	case TRACE_EXIT:
		return add_exit(r, e);
	default:
		return 0;
	}
}

/* ---- the end -------------------------------------------------------------------------------- */

static int count_unanswered(struct requests *r, struct request *q)
{
	struct request_row *row;

	if (q->left_out)
		return 0;
	row = row_of(r, q, REQUEST_UNANSWERED);
	if (!row)
		return -ENOMEM;
	count_calls(row, q);
	row->count += q->asked - 1;
	r->without_answer += q->asked;
	return keep_unanswered(r, q);
}

static int first_first(const void *a, const void *b)
{
	const struct single_request *x = a, *y = b;

	if (x->start_us != y->start_us)
		return x->start_us < y->start_us ? -1 : 1;
	return (x->line > y->line) - (x->line < y->line);
}

int requests_finish(struct requests *r)
{
	static const unsigned percent[] = {50, 95, 99};
	int err = 0;

	for (size_t i = 0; i < r->open.size && !err; i++) {
		struct request *q = r->open.slot[i].value;

		if (q && q->answered) {
			q->open_calls++; /* it stays in the map, which is walked through */
			err = finish_request(r, q);
		}
		if (q && !err && q->asked)
			err = count_unanswered(r, q);
	}
	longest_finish(&r->slow);
	if (r->unanswered_count)
		qsort(r->unanswered, r->unanswered_count, sizeof(*r->unanswered), first_first);
	for (size_t i = 0; i < r->rows && !err; i++) {
		struct request_row *row = r->row[i];
		uint64_t us[3];

		err = durations_percentiles(&row->durations, percent, 3, us);
		row->p50_us = us[0];
		row->p95_us = us[1];
		row->p99_us = us[2];
	}
	return err;
}
