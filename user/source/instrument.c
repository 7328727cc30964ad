/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "source/instrument.h"

#define MARK "  # flowctl"
#define GUARD_LINES 4

static const char decorator[] = "@_flowtrace_trace" MARK;

static const char *const guard[GUARD_LINES] = {
	"try:" MARK,
	"    from flowtrace_agent import trace as _flowtrace_trace" MARK,
	"except Exception:" MARK,
	"    _flowtrace_trace = lambda function: function" MARK,
};

/* Is it the text, without the blanks before it and its end? */
static bool line_is(const struct lines *l, size_t line, const char *text, bool indented)
{
	size_t at, len, indent;

	if (!line || line > l->count)
		return false;
	indent = indented ? line_indent(l, line) : 0;
	at = line_start(l, line) + indent;
	len = line_end(l, line) - at;
	while (len && (l->s[at + len - 1] == '\n' || l->s[at + len - 1] == '\r'))
		len--;
	return len == strlen(text) && !memcmp(l->s + at, text, len);
}

static bool has_guard(const struct found *f, const struct lines *l)
{
	for (size_t i = 0; i < GUARD_LINES; i++)
		if (!f->guard_line || !line_is(l, f->guard_line + i, guard[i], false))
			return false;
	return true;
}

/* ---- in ------------------------------------------------------------------------------------ */

static void put_guard(const struct lines *l, size_t line, struct edits *e)
{
	edits_begin(e, line_start(l, line), 0);
	for (size_t i = 0; i < GUARD_LINES; i++) {
		buf_str(&e->text, guard[i]);
		buf_str(&e->text, line_ending(l, line));
	}
}

static void put_decorator(const struct lines *l, size_t line, struct edits *e)
{
	edits_begin(e, line_start(l, line), 0);
	buf_add(&e->text, l->s + line_start(l, line), line_indent(l, line));
	buf_str(&e->text, decorator);
	buf_str(&e->text, line_ending(l, line));
}

int instrument_edits(const struct found *f, const struct lines *l, bool all, struct edits *ret,
		     struct instrument_result *ret_result, struct why *w)
{
	size_t wanted = 0;

	*ret_result = (struct instrument_result){};
	for (size_t i = 0; i < f->nfunctions; i++)
		wanted += is_wanted(&f->function[i], all);
	if (!wanted)
		return 0;
	if (f->uses_our_name)
		return why(w, -EINVAL, "it uses the name _flowtrace_trace itself");
	if (!f->guard_line && !f->import_line)
		return why(w, -EINVAL, "it has no line for the import");
	if (!f->guard_line)
		put_guard(l, f->import_line, ret);
	for (size_t i = 0; i < f->nfunctions; i++)
		if (is_wanted(&f->function[i], all))
			put_decorator(l, f->function[i].line, ret);
	ret_result->functions = wanted;
	return ret->failed || ret->text.failed ? why(w, -ENOMEM, "out of memory") : 0;
}

/* ---- out ----------------------------------------------------------------------------------- */

static void take_lines(const struct lines *l, size_t line, size_t count, struct edits *e)
{
	edits_begin(e, line_start(l, line), line_end(l, line + count - 1) - line_start(l, line));
}

static size_t count_changed(const struct found *f, const struct lines *l)
{
	size_t changed = 0;

	for (size_t i = 0; i < f->ndecorators; i++)
		changed += !line_is(l, f->decorator_line[i], decorator, true);
	return changed;
}

/* The import stays while an edited decorator does. */
int uninstrument_edits(const struct found *f, const struct lines *l, struct edits *ret,
		       struct instrument_result *ret_result, struct why *w)
{
	size_t changed = count_changed(f, l);
	bool guard_stays = f->guard_line && (changed || !has_guard(f, l));

	*ret_result = (struct instrument_result){f->ndecorators - changed, changed + guard_stays};
	if (f->guard_line && !guard_stays)
		take_lines(l, f->guard_line, GUARD_LINES, ret);
	for (size_t i = 0; i < f->ndecorators; i++)
		if (line_is(l, f->decorator_line[i], decorator, true))
			take_lines(l, f->decorator_line[i], 1, ret);
	return ret->failed || ret->text.failed ? why(w, -ENOMEM, "out of memory") : 0;
}
