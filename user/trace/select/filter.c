/* SPDX-License-Identifier: MIT */
#include "select/filter.h"
#include "calls/functions.h"

/* The tests themselves are the value in the map, with a bit more so that it is never NULL. */
#define OPEN_BIT (1ull << WHERE_TESTS)
_Static_assert(sizeof(void *) == sizeof(uint64_t), "64 bits");

int trace_filter_init(struct trace_filter *f, const char *condition, struct why *w)
{
	*f = (struct trace_filter){0};
	return where_new(condition, &f->where, w);
}

void trace_filter_release(struct trace_filter *f)
{
	where_free(f->where);
	map_release(&f->open);
}

/* Where the lines of one call or request meet; false: it is alone. */
static bool key_of(const struct trace_event *e, uint64_t *ret_a, uint64_t *ret_b)
{
	if (e->kind >= TRACE_ENTER && e->kind <= TRACE_EXCEPTION) {
		*ret_a = e->span;
		*ret_b = 0;
		return e->span != 0;
	}
	*ret_a = trace_hash(e->pid, e->request_id.s, e->request_id.len);
	*ret_b = 1;
	return e->request_id.s && (e->kind == TRACE_HTTP_REQUEST || e->kind == TRACE_HTTP_RESPONSE);
}

static bool is_last(const struct trace_event *e)
{
	return e->kind == TRACE_EXIT || e->kind == TRACE_HTTP_RESPONSE;
}

int trace_filter_event(struct trace_filter *f, struct trace_event *e)
{
	uint64_t tests, a, b;
	int err = 0;

	if (!f->where)
		return 0;
	if (f->by_line) {
		e->left_out = !where_matches(f->where, e);
		return 0;
	}
	tests = where_tests(f->where, e);
	if (key_of(e, &a, &b)) {
		if (is_last(e))
			tests |= (uint64_t)map_take(&f->open, a, b);
		else
			tests |= (uint64_t)map_get(&f->open, a, b);
		if (!is_last(e))
			err = map_put(&f->open, a, b, (void *)(tests | OPEN_BIT), NULL);
	}
	e->left_out = !where_holds(f->where, tests);
	return err;
}
