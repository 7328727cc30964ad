/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "select/amount.h"
#include "select/glob.h"
#include "read/json_path.h"
#include "select/where_parts.h"

int where_new(const char *text, struct where **ret_where, struct why *why_not)
{
	struct where *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return why(why_not, -ENOMEM, "out of memory");
	err = where_parse(w, text, why_not);
	if (err) {
		where_free(w);
		return err;
	}
	*ret_where = w;
	return 0;
}

void where_free(struct where *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->tests; i++) {
		free(w->test[i].path);
		free(w->test[i].text);
		trace_regex_free(w->test[i].regex);
	}
	buf_release(&w->plain);
	buf_release(&w->inner);
	free(w);
}

/* A field's value: a number, or text, which lives until the next one is asked for. */
struct value {
	bool number;
	uint64_t n;
	const char *s;
	size_t len;
};

static void text_value(struct buf *scratch, const struct trace_text *t, struct value *v)
{
	v->s = t->s;
	v->len = t->len;
	if (!t->escaped)
		return;
	buf_clear(scratch);
	trace_text_put(scratch, t);
	v->s = scratch->failed ? "" : scratch->s;
	v->len = scratch->failed ? 0 : scratch->len;
}

static bool get_text(struct where *w, const struct where_test *t, const struct trace_text *text,
		     struct value *v)
{
	struct trace_text inside;

	if (!text->s)
		return false;
	text_value(&w->plain, text, v);
	if (!t->path)
		return true;
	if (!json_path_find(v->s, v->len, t->path, &inside))
		return false;
	text_value(&w->inner, &inside, v);
	return true;
}

/* "ValueError: Invalid input", or one half of it. */
static bool get_exception(struct where *w, const struct where_test *t, const struct trace_event *e,
			  struct value *v)
{
	struct where_test half = {0};

	if (!e->has_exception)
		return false;
	if (t->path)
		return get_text(w, &half, *t->path == 't' ? &e->exc_type : &e->exc_message, v);
	buf_clear(&w->plain);
	if (e->exc_type.s)
		trace_text_put(&w->plain, &e->exc_type);
	if (w->plain.len && e->exc_message.s && e->exc_message.len)
		BUF_LITERAL(&w->plain, ": ");
	if (e->exc_message.s)
		trace_text_put(&w->plain, &e->exc_message);
	v->s = w->plain.len ? w->plain.s : "";
	v->len = w->plain.len;
	return true;
}

static bool get_number(uint64_t n, struct value *v)
{
	v->number = true;
	v->n = n;
	return true;
}

static bool get_flag(bool flag, struct value *v)
{
	v->s = flag ? "true" : "false";
	v->len = strlen(v->s);
	return true;
}

/* False: the line does not have it. */
static bool get(struct where *w, const struct where_test *t, const struct trace_event *e,
		struct value *v)
{
	const void *at = (const char *)e + t->field->at;

	*v = (struct value){0};
	if (!(e->present >> (t->field - trace_fields) & 1))
		return false;
	switch (t->field->kind) {
	case TRACE_FIELD_TEXT:
	case TRACE_FIELD_VALUE:
	case TRACE_FIELD_RAW:
	case TRACE_FIELD_EVENT:
		return get_text(w, t, at, v);
	case TRACE_FIELD_U64:
		return get_number(*(const uint64_t *)at, v);
	case TRACE_FIELD_U32:
		return get_number(*(const uint32_t *)at, v);
	case TRACE_FIELD_FLAG:
		return get_flag(*(const bool *)at, v);
	case TRACE_FIELD_EXCEPTION:
		return get_exception(w, t, e, v);
	case TRACE_FIELD_UNUSED: /* durationMillis, which the reader does not take */
		return get_number(e->duration_us / 1000, v);
	}
	return false;
}

static bool compare(enum where_op op, long double a, long double b)
{
	switch (op) {
	case WHERE_EQUAL:
		return a == b;
	case WHERE_LESS:
		return a < b;
	case WHERE_AT_MOST:
		return a <= b;
	case WHERE_MORE:
		return a > b;
	case WHERE_AT_LEAST:
		return a >= b;
	case WHERE_IS_THERE:
	case WHERE_FINDS:
		break;
	}
	return false;
}

/* As a number, where both are one: 17 is 17.0 inside of arguments. */
static bool as_numbers(const struct where_test *t, const struct value *v, bool *ret_is)
{
	struct amount inside;

	if (!t->number)
		return false;
	if (v->number) {
		*ret_is = compare(t->op, (long double)v->n, t->n);
		return true;
	}
	if (!t->path || !amount_parse(v->s, v->len, &inside) || inside.unit != AMOUNT_PLAIN)
		return false;
	*ret_is = compare(t->op, inside.n, t->n);
	return true;
}

static bool as_text(const struct where_test *t, const char *s, size_t len)
{
	if (t->op == WHERE_FINDS)
		return trace_regex_matches(t->regex, s, len);
	if (t->op != WHERE_EQUAL)
		return false;
	if (t->glob)
		return glob_matches(t->text, t->len, s, len);
	return len == t->len && !memcmp(s, t->text, len);
}

static bool is_true(struct where *w, const struct where_test *t, const struct trace_event *e)
{
	char digits[24];
	struct value v;
	bool is;

	if (!get(w, t, e, &v))
		return false;
	if (t->op == WHERE_IS_THERE)
		return t->field->kind != TRACE_FIELD_FLAG || v.s[0] == 't';
	if (as_numbers(t, &v, &is))
		return is;
	if (!v.number)
		return as_text(t, v.s, v.len);
	snprintf(digits, sizeof(digits), "%" PRIu64, v.n);
	return as_text(t, digits, strlen(digits));
}

/* Tests are looked at only as far as needed. */
static bool node_matches(struct where *w, unsigned at, const struct trace_event *e)
{
	const struct where_node *n = &w->node[at];

	switch (n->kind) {
	case WHERE_TEST:
		return is_true(w, &w->test[n->left], e);
	case WHERE_NOT:
		return !node_matches(w, n->left, e);
	case WHERE_AND:
		return node_matches(w, n->left, e) && node_matches(w, n->right, e);
	case WHERE_OR:
		return node_matches(w, n->left, e) || node_matches(w, n->right, e);
	}
	return false;
}

bool where_matches(struct where *w, const struct trace_event *e)
{
	return node_matches(w, w->root, e);
}

uint64_t where_tests(struct where *w, const struct trace_event *e)
{
	uint64_t tests = 0;

	for (size_t i = 0; i < w->tests; i++)
		tests |= (uint64_t)is_true(w, &w->test[i], e) << i;
	return tests;
}

static bool node_holds(const struct where *w, unsigned at, uint64_t tests)
{
	const struct where_node *n = &w->node[at];

	switch (n->kind) {
	case WHERE_TEST:
		return tests >> n->left & 1;
	case WHERE_NOT:
		return !node_holds(w, n->left, tests);
	case WHERE_AND:
		return node_holds(w, n->left, tests) && node_holds(w, n->right, tests);
	case WHERE_OR:
		return node_holds(w, n->left, tests) || node_holds(w, n->right, tests);
	}
	return false;
}

bool where_holds(const struct where *w, uint64_t tests)
{
	return node_holds(w, w->root, tests);
}

uint64_t where_given_up(const struct where *w)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < w->tests; i++)
		if (w->test[i].regex)
			sum += trace_regex_given_up(w->test[i].regex);
	return sum;
}
