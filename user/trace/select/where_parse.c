/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "select/amount.h"
#include "select/glob.h"
#include "select/where_parts.h"

#define DEEPEST 64 /* parentheses and nots within each other */
#define SHOWN 40   /* bytes of the text on both sides of a fault */
#define NOT_IN_NAMES " \t\r\n=!~<>()&|\"'"

struct parser {
	struct where *w;
	const char *text, *p;
	unsigned depth;
	struct why *why;
};

static int parse_or(struct parser *p, unsigned *ret_node);

/* Moves to the beginning of a character. */
static const char *whole(const char *text, const char *s)
{
	while (s > text && utf8_continues(*s))
		s--;
	return s;
}

/* One line: what is wrong, and the text around the place, with a caret before it. */
static int fault(const struct parser *p, const char *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static int fault(const struct parser *p, const char *at, const char *fmt, ...)
{
	const char *end = p->text + strlen(p->text);
	const char *from = at - p->text > SHOWN ? whole(p->text, at - SHOWN) : p->text;
	const char *to = end - at > SHOWN ? whole(p->text, at + SHOWN) : end;
	char what[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return why_exit(p->why, EXIT_USAGE, -EINVAL, "condition, column %zu: %s: %s%.*s^%.*s%s",
			utf8_count(p->text, (size_t)(at - p->text)) + 1, what,
			from > p->text ? "..." : "", (int)(at - from), from, (int)(to - at), at,
			to < end ? "..." : "");
}

static void skip_spaces(struct parser *p)
{
	p->p += strspn(p->p, " \t\r\n");
}

/* A word of letters, or the sign that means the same. */
static bool take_word(struct parser *p, const char *word, const char *sign)
{
	size_t len = strlen(word);

	skip_spaces(p);
	if (!strncmp(p->p, sign, strlen(sign))) {
		p->p += strlen(sign);
		return true;
	}
	if (strncasecmp(p->p, word, len) != 0 || (p->p[len] && !strchr(" \t\r\n(!", p->p[len])))
		return false;
	p->p += len;
	return true;
}

static int add_node(struct parser *p, struct where_node node, unsigned *ret_node)
{
	if (p->w->nodes == WHERE_NODES)
		return fault(p, p->p, "it is too long");
	p->w->node[p->w->nodes] = node;
	*ret_node = p->w->nodes++;
	return 0;
}

/* ---- a field's name ------------------------------------------------------------------- */

/* Of which it is the beginning, in whatever case. */
static const struct trace_field *near_field(const char *s, size_t len)
{
	for (size_t i = 0; len > 2 && i < trace_field_count; i++)
		if (!strncasecmp(trace_fields[i].name, s, len))
			return &trace_fields[i];
	return NULL;
}

static int no_field(const struct parser *p, const char *s, size_t len)
{
	const struct trace_field *near = near_field(s, len);
	struct buf all = {0};
	int err;

	if (near)
		return fault(p, s, "unknown field \"%.*s\": did you mean %s?", (int)len, s,
			     near->name);
	for (size_t i = 0; i < trace_field_count; i++) {
		buf_str(&all, i ? ", " : "");
		buf_str(&all, trace_fields[i].name);
	}
	err = fault(p, s, "unknown field \"%.*s\": the fields are %.*s", (int)(len < 40 ? len : 40),
		    s, (int)all.len, all.s ? all.s : "");
	buf_release(&all);
	return err;
}

static int take_path(struct parser *p, struct where_test *t, const char *path, size_t len)
{
	bool exception = t->field->kind == TRACE_FIELD_EXCEPTION;

	t->path = strndup(path, len);
	if (!t->path)
		return why(p->why, -ENOMEM, "out of memory");
	if (exception && strcmp(t->path, "type") != 0 && strcmp(t->path, "message") != 0)
		return fault(p, path, "exception has only a type and a message");
	if (!exception && t->field->kind != TRACE_FIELD_VALUE && t->field->kind != TRACE_FIELD_RAW)
		return fault(p, path, "%s has no parts", t->field->name);
	if (!len || strstr(t->path, "..") || t->path[0] == '.' || t->path[len - 1] == '.')
		return fault(p, path, "a name is missing");
	return 0;
}

static int take_field(struct parser *p, struct where_test *t)
{
	const char *name = p->p;
	size_t all = strcspn(name, NOT_IN_NAMES), len = strcspn(name, NOT_IN_NAMES ".");

	if (!all)
		return fault(p, name, *name ? "a field is missing" : "a condition is missing");
	p->p += all;
	t->field = trace_field_named(name, len);
	if (!t->field)
		return no_field(p, name, len);
	return len < all ? take_path(p, t, name + len + 1, all - len - 1) : 0;
}

/* ---- what it is compared with ---------------------------------------------------------- */

static const struct {
	const char *sign;
	enum where_op op;
	bool negated;
} operators[] = {
	/* The longer ones first. */
	{"!=", WHERE_EQUAL, true},     {"!~", WHERE_FINDS, true},  {"<=", WHERE_AT_MOST, false},
	{">=", WHERE_AT_LEAST, false}, {"==", WHERE_EQUAL, false}, {"=", WHERE_EQUAL, false},
	{"~", WHERE_FINDS, false},     {"<", WHERE_LESS, false},   {">", WHERE_MORE, false},
};

/* A quoted text: only the quote itself needs a backslash, so that those of regular expressions
 * need no second one. */
static int take_quoted(struct parser *p, struct buf *b)
{
	const char *start = p->p;
	char quote = *p->p++;

	for (; *p->p != quote; p->p++) {
		if (!*p->p)
			return fault(p, start, "this quote is not closed");
		if (*p->p == '\\' && p->p[1]) {
			p->p++;
			if (*p->p != quote)
				buf_char(b, '\\');
		}
		buf_char(b, *p->p);
	}
	p->p++;
	return 0;
}

/* Up to a space, a parenthesis, && or ||. */
static size_t plain_value(const char *s)
{
	size_t len = 0;

	while (!strchr(" \t\r\n()", s[len]) && strncmp(s + len, "&&", 2) != 0 &&
	       strncmp(s + len, "||", 2) != 0)
		len++;
	return len;
}

static int take_value(struct parser *p, struct where_test *t, bool *ret_quoted)
{
	struct buf b = {0};
	int err = 0;

	skip_spaces(p);
	*ret_quoted = *p->p == '"' || *p->p == '\'';
	if (*ret_quoted) {
		err = take_quoted(p, &b);
	} else {
		size_t len = plain_value(p->p);

		if (!len)
			err = fault(p, p->p, "a value is missing");
		buf_add(&b, p->p, len);
		p->p += len;
	}
	if (!err) {
		t->text = buf_dup(&b);
		t->len = b.len;
		err = t->text ? 0 : why(p->why, -ENOMEM, "out of memory");
	}
	buf_release(&b);
	return err;
}

static bool is_number(const struct where_test *t)
{
	return t->field->kind == TRACE_FIELD_U64 || t->field->kind == TRACE_FIELD_U32 ||
	       t->field->kind == TRACE_FIELD_UNUSED;
}

static bool is_time(const struct where_test *t)
{
	return !t->path && (t->field->kind == TRACE_FIELD_UNUSED ||
			    t->field->at == offsetof(struct trace_event, timestamp_us) ||
			    t->field->at == offsetof(struct trace_event, duration_us));
}

static bool is_ordering(const struct where_test *t)
{
	return t->op >= WHERE_LESS;
}

/* A number, in the unit of the field. */
static int take_number(struct parser *p, struct where_test *t, const char *at)
{
	struct amount amount;

	if (!amount_parse(t->text, t->len, &amount)) {
		if (is_ordering(t))
			return fault(p, at, "a number is missing");
		if (is_number(t) && !t->glob)
			return fault(p, at, "%s is a number", t->field->name);
		return 0;
	}
	if (amount.unit != AMOUNT_PLAIN && (amount.unit != AMOUNT_TIME || !is_time(t))) {
		if (is_number(t) || is_ordering(t))
			return fault(p, at, "%s has no such unit", t->field->name);
		return 0;
	}
	t->number = true;
	t->n = amount.n;
	if (amount.unit == AMOUNT_TIME && t->field->kind == TRACE_FIELD_UNUSED)
		t->n /= 1000; /* the only one of them is in milliseconds */
	return 0;
}

static int take_regex(struct parser *p, struct where_test *t, const char *at, bool quoted)
{
	struct trace_regex_fault wrong;
	int err = trace_regex_new(t->text, t->len, 0, &t->regex, &wrong);

	if (err == -EINVAL) /* with escaped quotes the place is a little off, but in the text */
		return fault(p, at + quoted + (wrong.at < t->len ? wrong.at : t->len), "%s",
			     wrong.text);
	return err ? why(p->why, err, "out of memory") : 0;
}

static int take_compared(struct parser *p, struct where_test *t)
{
	const char *at;
	bool quoted;
	int err;

	skip_spaces(p);
	at = p->p;
	err = take_value(p, t, &quoted);
	if (err)
		return err;
	if (t->op == WHERE_FINDS)
		return take_regex(p, t, at, quoted);
	t->glob = glob_is_one(t->text, t->len);
	if (is_ordering(t) && !is_number(t) && !t->path)
		return fault(p, at, "%s is not a number: only =, !=, ~ and !~ work on it",
			     t->field->name);
	return quoted && !is_number(t) && !is_ordering(t) ? 0 : take_number(p, t, at);
}

static bool take_operator(struct parser *p, struct where_test *t, bool *ret_negated)
{
	skip_spaces(p);
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		if (strncmp(p->p, operators[i].sign, strlen(operators[i].sign)) != 0)
			continue;
		p->p += strlen(operators[i].sign);
		t->op = operators[i].op;
		*ret_negated = operators[i].negated;
		return true;
	}
	return false;
}

/* ---- how it is put together -------------------------------------------------------------- */

static int parse_test(struct parser *p, unsigned *ret_node)
{
	struct where *w = p->w;
	bool negated = false;
	unsigned test;
	int err;

	if (w->tests == WHERE_TESTS)
		return fault(p, p->p, "more than %d comparisons", WHERE_TESTS);
	test = (unsigned)w->tests++;
	err = take_field(p, &w->test[test]);
	if (!err && take_operator(p, &w->test[test], &negated))
		err = take_compared(p, &w->test[test]);
	if (!err)
		err = add_node(p, (struct where_node){WHERE_TEST, test, 0}, ret_node);
	if (!err && negated)
		err = add_node(p, (struct where_node){WHERE_NOT, *ret_node, 0}, ret_node);
	return err;
}

static int parse_group(struct parser *p, unsigned *ret_node)
{
	const char *start = p->p++;
	int err = parse_or(p, ret_node);

	if (err)
		return err;
	skip_spaces(p);
	if (*p->p != ')')
		return *p->p ? fault(p, p->p, "and, or or ) is missing")
			     : fault(p, start, "this parenthesis is not closed");
	p->p++;
	return 0;
}

static int parse_one(struct parser *p, unsigned *ret_node)
{
	int err;

	if (p->depth == DEEPEST)
		return fault(p, p->p, "it is nested too deeply");
	p->depth++;
	if (take_word(p, "not", "!")) {
		err = parse_one(p, ret_node);
		if (!err)
			err = add_node(p, (struct where_node){WHERE_NOT, *ret_node, 0}, ret_node);
	} else if (*p->p == '(') {
		err = parse_group(p, ret_node);
	} else {
		err = parse_test(p, ret_node);
	}
	p->depth--;
	return err;
}

static int parse_and(struct parser *p, unsigned *ret_node)
{
	int err = parse_one(p, ret_node);

	while (!err && take_word(p, "and", "&&")) {
		struct where_node node = {WHERE_AND, *ret_node, 0};

		err = parse_one(p, &node.right);
		if (!err)
			err = add_node(p, node, ret_node);
	}
	return err;
}

static int parse_or(struct parser *p, unsigned *ret_node)
{
	int err = parse_and(p, ret_node);

	while (!err && take_word(p, "or", "||")) {
		struct where_node node = {WHERE_OR, *ret_node, 0};

		err = parse_and(p, &node.right);
		if (!err)
			err = add_node(p, node, ret_node);
	}
	return err;
}

int where_parse(struct where *w, const char *text, struct why *why)
{
	struct parser p = {.w = w, .text = text, .p = text, .why = why};
	int err = parse_or(&p, &w->root);

	if (err)
		return err;
	skip_spaces(&p);
	return *p.p ? fault(&p, p.p, "expected and, or, or the end") : 0;
}
