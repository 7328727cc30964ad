/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/number.h"
#include "base/runtime_kind.h"
#include "base/safe_text.h"
#include "base/utf8.h"
#include "sink/text_call.h"

#define VALUE_MAX 64	/* characters of one value */
#define MESSAGE_MAX 200 /* characters of an exception's message */

static void put(struct buf *b, const char *s, size_t len, size_t most)
{
	size_t whole = utf8_prefix(s, len, most);

	if (whole == len) {
		safe_text(b, s, len);
		return;
	}
	safe_text(b, s, utf8_prefix(s, len, most - 3));
	BUF_LITERAL(b, "...");
}

void text_name(struct buf *b, const struct function *f)
{
	const char *scope = f->class_name && *f->class_name ? f->class_name : f->module;

	if (scope && *scope) {
		safe_text(b, scope, strlen(scope));
		buf_char(b, '.');
	}
	safe_text(b, f->name, strlen(f->name));
}

/* ---- JSON text -------------------------------------------------------------------------- */

static const char *skip_string(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		p += *p == '\\';
	return p < end ? p + 1 : end;
}

/* The end of the value that begins at p. */
static const char *skip_value(const char *p, const char *end)
{
	unsigned depth = 0;

	while (p < end) {
		if (!depth && (*p == ',' || *p == '}'))
			return p;
		depth += *p == '{' || *p == '[';
		depth -= depth && (*p == '}' || *p == ']');
		p = *p == '"' ? skip_string(p, end) : p + 1;
	}
	return end;
}

/* The class name in "<shop.Cart object at 0x7f...>"; 0 bytes: it is another text. */
static size_t class_of(const char *s, size_t len, const char **ret_class)
{
	static const char middle[] = " object at 0x";
	const char *at =
		len > 4 && !memcmp(s, "\"<", 2) ? memmem(s, len, middle, sizeof(middle) - 1) : NULL;
	const char *name = s + 2;

	if (!at || memcmp(s + len - 2, ">\"", 2))
		return 0;
	for (const char *p = name; p < at; p++) {
		if (*p == '<' || *p == '>' || *p == ' ')
			return 0;
		if (*p == '.')
			name = p + 1;
	}
	*ret_class = name;
	return at - name;
}

static void put_value(struct buf *b, const char *s, size_t len)
{
	const char *name;
	size_t n = class_of(s, len, &name);

	if (!n) {
		put(b, s, len, VALUE_MAX);
		return;
	}
	buf_char(b, '<');
	put(b, name, n, VALUE_MAX);
	buf_char(b, '>');
}

/* {"a": 1, "b": 2} as a=1, b=2 */
static void put_args(struct buf *b, const struct text *args)
{
	const char *p = args->s, *end = args->s + args->len;

	for (p = p && p < end && *p == '{' ? p + 1 : end; p < end && *p == '"';) {
		const char *key = p + 1, *value = skip_string(p, end);

		put(b, key, value - key - 1, VALUE_MAX);
		while (value < end && (*value == ':' || *value == ' '))
			value++;
		p = skip_value(value, end);
		buf_char(b, '=');
		put_value(b, value, p - value);
		while (p < end && (*p == ',' || *p == ' '))
			p++;
		if (p < end && *p == '"')
			BUF_LITERAL(b, ", ");
	}
}

/* ---- calls and requests ------------------------------------------------------------------- */

void text_call(struct buf *b, const struct span *s)
{
	text_name(b, s->function);
	buf_char(b, '(');
	put_args(b, &s->args);
	buf_char(b, ')');
}

void text_end(struct buf *b, const struct span *s)
{
	const struct exception *x = s->exception;

	if (s->unfinished) {
		BUF_LITERAL(b, "  (not finished)");
	} else if (s->lost) {
		BUF_LITERAL(b, "  (its end was lost)");
	} else if (x) {
		BUF_LITERAL(b, " raised ");
		put(b, x->type.s, x->type.len, VALUE_MAX);
		if (x->message.len) {
			BUF_LITERAL(b, ": ");
			put(b, x->message.s, x->message.len, MESSAGE_MAX);
		}
	} else {
		BUF_LITERAL(b, " -> ");
		put_value(b, s->result.s, s->result.len);
	}
}

void text_request(struct buf *b, const struct http *h)
{
	if (h->method.s) {
		put(b, h->method.s, h->method.len, VALUE_MAX);
		buf_char(b, ' ');
	}
	if (h->path.s)
		put(b, h->path.s, h->path.len, MESSAGE_MAX);
}

void text_runtime(struct buf *b, const struct runtime_event *r)
{
	const struct runtime_kind *k = &runtime_kinds[r->kind];

	buf_str(b, k->event);
	for (int i = 0; i < FT_RUNTIME_VALUES && k->number[i]; i++) {
		buf_char(b, ' ');
		buf_str(b, k->number[i]);
		buf_char(b, '=');
		if (r->number[i] == FT_RUNTIME_UNKNOWN)
			buf_char(b, '?');
		else
			buf_u64(b, r->number[i]);
	}
}

void text_duration(struct buf *b, uint64_t ns)
{
	char text[32];

	if (ns < 1000000)
		snprintf(text, sizeof(text), "%llu us", (unsigned long long)(ns / 1000));
	else if (ns < 1000000000)
		snprintf(text, sizeof(text), "%.2f ms", ns / 1e6);
	else
		snprintf(text, sizeof(text), "%.2f s", ns / 1e9);
	buf_str(b, text);
}

#define SHORT_ID 12 /* digits, as docker ps shows */

void text_workload(struct buf *b, const struct workload *w)
{
	const char *const path[] = {w ? w->namespace : NULL, w ? w->pod : NULL, w ? w->name : NULL};
	bool first = true;

	for (size_t i = 0; i < sizeof(path) / sizeof(path[0]); i++) {
		if (!path[i])
			continue;
		buf_str(b, first ? " in " : "/");
		safe_text(b, path[i], strlen(path[i]));
		first = false;
	}
	if (!w || !first)
		return;
	BUF_LITERAL(b, " in ");
	buf_str(b, w->container ? "container " : "pod ");
	if (w->container)
		safe_text(b, w->container, strnlen(w->container, SHORT_ID));
	else
		safe_text(b, w->uid ?: "?", w->uid ? strlen(w->uid) : 1);
}
