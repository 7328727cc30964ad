/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "analyze/request_stats.h"

/* One that is followed. */
struct open_request {
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

static void free_request(struct open_request *q)
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

int request_stats_init(struct request_stats *r, bool exact, size_t slow_most)
{
	*r = (struct request_stats){.rows = REQUEST_ROWS(exact)};
	return top_n_init(&r->slow, slow_most, sizeof(struct single_request));
}

void request_stats_release(struct request_stats *r)
{
	for (size_t i = 0; i < r->open.size; i++)
		free_request(r->open.slot[i].value);
	for (size_t i = 0; i < r->slow.count; i++)
		release_single(top_n_at(&r->slow, i));
	for (size_t i = 0; i < r->unanswered_count; i++)
		release_single(&r->unanswered[i]);
	top_n_release(&r->slow);
	free(r->unanswered);
	request_rows_release(&r->rows);
	map_release(&r->open);
	trace_calls_release(&r->calls);
	stacks_release(&r->stacks);
	trace_functions_release(&r->functions);
	buf_release(&r->scratch);
}

static char *text_dup(struct request_stats *r, const struct trace_text *t)
{
	buf_clear(&r->scratch);
	if (t->s)
		trace_text_put(&r->scratch, t);
	return buf_dup(&r->scratch);
}

/* ---- single ones -------------------------------------------------------------------------- */

static int most_self_first(const void *a, const void *b)
{
	const struct request_function *x = a, *y = b;

	if (x->self_us != y->self_us)
		return x->self_us < y->self_us ? 1 : -1;
	return (x->function->id > y->function->id) - (x->function->id < y->function->id);
}

static int make_single(struct single_request *to, struct open_request *q)
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
		.tops = q->functions < REQUEST_STATS_TOP ? q->functions : REQUEST_STATS_TOP,
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

static int consider_slow(struct request_stats *r, struct open_request *q)
{
	struct single_request *to = top_n_take(&r->slow, q->duration_us);

	if (!to)
		return 0;
	release_single(to);
	return make_single(to, q);
}

static int keep_unanswered(struct request_stats *r, struct open_request *q)
{
	struct single_request *more;

	if (r->unanswered_count == REQUEST_STATS_UNANSWERED)
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

static struct open_request *request_of(struct request_stats *r, const struct trace_event *e,
				       bool make)
{
	/* The same id may be passed on to another process, where it is another request. */
	uint64_t a = trace_hash(e->pid, e->request_id.s, e->request_id.len);
	uint64_t b = trace_hash(a, e->request_id.s, e->request_id.len);
	struct open_request *q = map_get(&r->open, a, b);

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

static void forget(struct request_stats *r, struct open_request *q)
{
	map_take(&r->open, q->key_a, q->key_b);
	free_request(q);
}

static int keep_texts(struct request_stats *r, struct open_request *q, const struct trace_event *e)
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
static void count_calls(struct request_row *row, const struct open_request *q)
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
static int finish_request(struct request_stats *r, struct open_request *q)
{
	struct request_row *row = NULL;
	int err = 0;

	if (!q->left_out) {
		row = request_rows_of(&r->rows, q->method, q->path, class_of(q->status_code));
		err = row ? request_rows_add_duration(&r->rows, row, q->duration_us) : -ENOMEM;
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

static int add_request(struct request_stats *r, const struct trace_event *e, const char *file,
		       uint64_t line)
{
	struct open_request *q = e->request_id.s ? request_of(r, e, true) : NULL;

	if (!q)
		return e->request_id.s ? -ENOMEM : 0;
	q->asked++;
	q->left_out = e->left_out;
	q->start_us = e->timestamp_us;
	q->file = file;
	q->line = line;
	return keep_texts(r, q, e);
}

static int add_response(struct request_stats *r, const struct trace_event *e, const char *file,
			uint64_t line)
{
	struct open_request alone = {0}, *q = e->request_id.s ? request_of(r, e, true) : &alone;
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

static int count_function(struct open_request *q, const struct trace_function *f, uint64_t us,
			  uint64_t self_us)
{
	struct request_function *at;
	size_t i = 0;

	while (i < q->functions && q->function[i].function != f)
		i++;
	if (i == q->functions && i == REQUEST_STATS_FUNCTIONS)
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
static struct trace_call *open_call(struct request_stats *r, const struct trace_event *e,
				    int *ret_err)
{
	struct open_request *q = e->request_id.s ? request_of(r, e, true) : NULL;
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

static int add_enter(struct request_stats *r, const struct trace_event *e)
{
	struct trace_call *call = NULL;
	int err = 0;

	if (e->span && !trace_calls_find(&r->calls, e->span))
		call = open_call(r, e, &err);
	return call ? stacks_begin(&r->stacks, &r->calls, call, e) : err;
}

static int end_call_of(struct request_stats *r, struct open_request *q,
		       const struct trace_call *call, uint64_t us)
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

static int add_exit(struct request_stats *r, const struct trace_event *e)
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

int request_stats_add(struct request_stats *r, const struct trace_event *e, const char *file,
		      uint64_t line)
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

static int count_unanswered(struct request_stats *r, struct open_request *q)
{
	struct request_row *row;

	if (q->left_out)
		return 0;
	row = request_rows_of(&r->rows, q->method, q->path, REQUEST_UNANSWERED);
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

int request_stats_finish(struct request_stats *r)
{
	int err = 0;

	for (size_t i = 0; i < r->open.size && !err; i++) {
		struct open_request *q = r->open.slot[i].value;

		if (q && q->answered) {
			q->open_calls++; /* it stays in the map, which is walked through */
			err = finish_request(r, q);
		}
		if (q && !err && q->asked)
			err = count_unanswered(r, q);
	}
	top_n_finish(&r->slow);
	if (r->unanswered_count)
		qsort(r->unanswered, r->unanswered_count, sizeof(*r->unanswered), first_first);
	return err ? err : request_rows_finish(&r->rows);
}
