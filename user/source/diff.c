/* SPDX-License-Identifier: MIT */
/*
 * Edits as a unified diff. patch knows lines that end in \n only, so the edits are first widened to
 * such lines: what is put above a line of a file with bare \r changes the one line that it is.
 *
 *     old bytes   ----a======b-----------a==b----
 *                      change              change       at most 2 * CONTEXT lines between: one hunk
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/number.h"
#include "source/edits.h"

#define CONTEXT 3

/* Whole lines of the old bytes that become other lines. */
struct change {
	size_t a, b;	      /* bytes */
	size_t line, removed; /* the first, from 0; how many */
	size_t text, added;   /* in diff.text, up to where the next one's begins; lines */
};

struct diff {
	const char *s; /* borrowed: the old bytes */
	size_t len;
	struct change *change; /* owned */
	size_t count;
	struct buf text;
	struct buf *out;
};

/* ---- from edits to lines ----------------------------------------------------------------- */

static size_t count_lines(const char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += s[i] == '\n';
	return n + (len && s[len - 1] != '\n');
}

static size_t start_of_line(const struct diff *d, size_t at)
{
	while (at && d->s[at - 1] != '\n')
		at--;
	return at;
}

static size_t end_of_line(const struct diff *d, size_t at)
{
	const char *end = at < d->len ? memchr(d->s + at, '\n', d->len - at) : NULL;

	return end ? (size_t)(end - d->s) + 1 : d->len;
}

/* May the change end here, before the rest of the old bytes? */
static bool is_whole(const struct diff *d, const struct change *c, size_t at)
{
	return at == start_of_line(d, at) &&
	       (d->text.len == c->text || d->text.s[d->text.len - 1] == '\n');
}

/* One change of all edits that touch its lines; returns how many. */
static size_t widen(struct diff *d, const struct edits *e, size_t i, struct change *c)
{
	size_t first = i, at = start_of_line(d, e->edit[i].at), end;

	*c = (struct change){.a = at, .text = d->text.len};
	do {
		buf_add(&d->text, d->s + at, e->edit[i].at - at);
		edit_add_text(e, i, &d->text);
		at = e->edit[i].at + e->edit[i].cut;
		end = is_whole(d, c, at) ? at : end_of_line(d, at);
		i++;
	} while (i < e->count && e->edit[i].at < end);
	buf_add(&d->text, d->s + at, end - at);
	c->b = end;
	return i - first;
}

static void collect(struct diff *d, const struct edits *e)
{
	size_t line = 0, at = 0;

	for (size_t i = 0; i < e->count && !d->text.failed;) {
		struct change *c = &d->change[d->count++];

		i += widen(d, e, i, c);
		line += count_lines(d->s + at, c->a - at);
		c->line = line;
		c->removed = count_lines(d->s + c->a, c->b - c->a);
		c->added = count_lines(d->text.s + c->text, d->text.len - c->text);
		line += c->removed;
		at = c->b;
	}
}

/* ---- from changes to hunks ----------------------------------------------------------------- */

static void put_lines(struct buf *out, char mark, const char *s, size_t len)
{
	while (len) {
		const char *end = memchr(s, '\n', len);
		size_t n = end ? (size_t)(end - s) + 1 : len;

		buf_char(out, mark);
		buf_add(out, s, n);
		if (!end)
			BUF_LITERAL(out, "\n\\ No newline at end of file\n");
		s += n;
		len -= n;
	}
}

/* Where the lines begin that are before `at`, at most CONTEXT of them and not before `least`. */
static size_t context_before(const struct diff *d, size_t at, size_t least, size_t *ret_lines)
{
	for (*ret_lines = 0; *ret_lines < CONTEXT && at > least; ++*ret_lines)
		at = start_of_line(d, at - 1);
	return at;
}

static size_t context_after(const struct diff *d, size_t at, size_t *ret_lines)
{
	for (*ret_lines = 0; *ret_lines < CONTEXT && at < d->len; ++*ret_lines)
		at = end_of_line(d, at);
	return at;
}

/* The first change from i on that is too far from the one before it; i < count. */
static size_t end_of_hunk(const struct diff *d, size_t i)
{
	const struct change *c = d->change;

	while (++i < d->count)
		if (c[i].line - (c[i - 1].line + c[i - 1].removed) > 2 * CONTEXT)
			break;
	return i;
}

/* ",count" of a range, and its first line: the one before it when it is empty. */
static void put_range(struct buf *out, size_t line, size_t count)
{
	buf_u64(out, count ? line + 1 : line);
	if (count != 1) {
		buf_char(out, ',');
		buf_u64(out, count);
	}
}

/* Changes i to end - 1; *shift is how many lines more the new file has before them. */
static void put_hunk(const struct diff *d, size_t i, size_t end, ssize_t *shift)
{
	const struct change *first = &d->change[i], *last = &d->change[end - 1];
	size_t before, after, removed, added, text;
	size_t from = context_before(d, first->a, i ? first[-1].b : 0, &before);
	size_t to = context_after(d, last->b, &after);

	removed = added = last->line + last->removed - first->line + before + after;
	for (const struct change *c = first; c <= last; c++)
		added += c->added - c->removed;
	BUF_LITERAL(d->out, "@@ -");
	put_range(d->out, first->line - before, removed);
	BUF_LITERAL(d->out, " +");
	put_range(d->out, first->line - before + (size_t)*shift, added);
	BUF_LITERAL(d->out, " @@\n");
	for (const struct change *c = first; c <= last; c++) {
		text = c + 1 < d->change + d->count ? c[1].text : d->text.len;
		put_lines(d->out, ' ', d->s + from, c->a - from);
		put_lines(d->out, '-', d->s + c->a, c->b - c->a);
		put_lines(d->out, '+', d->text.s + c->text, text - c->text);
		from = c->b;
	}
	put_lines(d->out, ' ', d->s + from, to - from);
	*shift += (ssize_t)(added - removed);
}

/* "--- a/path": names that patch could misread in quotes, and a tab after a blank. */
static void put_name(struct buf *out, const char *mark, const char *side, const char *path)
{
	bool quote = false;

	for (const char *p = path; *p; p++)
		quote |= (unsigned char)*p < ' ' || *p == '"' || *p == '\\' || *p == 127;
	buf_str(out, mark);
	buf_str(out, quote ? "\"" : "");
	buf_str(out, side);
	for (const char *p = path + strspn(path, "/"); *p; p++) {
		char octal[8] = {*p};

		if ((unsigned char)*p < ' ' || *p == 127)
			snprintf(octal, sizeof(octal), "\\%03o", (unsigned char)*p);
		else if (*p == '"' || *p == '\\')
			snprintf(octal, sizeof(octal), "\\%c", *p);
		buf_str(out, octal);
	}
	buf_str(out, quote ? "\"" : "");
	buf_str(out, strchr(path, ' ') ? "\t\n" : "\n");
}

static void put_hunks(const struct diff *d, const char *path)
{
	ssize_t shift = 0;

	put_name(d->out, "--- ", "a/", path);
	put_name(d->out, "+++ ", "b/", path);
	for (size_t i = 0, end; i < d->count; i = end) {
		end = end_of_hunk(d, i);
		put_hunk(d, i, end, &shift);
	}
}

int edits_diff(const struct edits *e, const char *old, size_t len, const char *path,
	       struct buf *ret)
{
	struct diff d = {.s = old, .len = len, .out = ret};

	if (e->failed || e->text.failed)
		return -ENOMEM;
	d.change = calloc(e->count + 1, sizeof(*d.change));
	if (d.change)
		collect(&d, e);
	if (d.change && !d.text.failed && d.count)
		put_hunks(&d, path);
	if (!d.change || d.text.failed)
		ret->failed = true;
	free(d.change);
	buf_release(&d.text);
	return ret->failed ? -ENOMEM : 0;
}
