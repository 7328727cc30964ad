/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "source/edits.h"

void edits_release(struct edits *e)
{
	free(e->edit);
	buf_release(&e->text);
	memset(e, 0, sizeof(*e));
}

void edits_begin(struct edits *e, size_t at, size_t cut)
{
	struct edit *more = realloc(e->edit, (e->count + 1) * sizeof(*more));
	size_t before = 0;

	if (!more) {
		e->failed = true;
		return;
	}
	e->edit = more;
	if (e->count)
		before = more[e->count - 1].at + more[e->count - 1].cut;
	e->failed |= at < before;
	more[e->count++] = (struct edit){at, cut, e->text.len};
}

void edit_add_text(const struct edits *e, size_t i, struct buf *to)
{
	size_t end = i + 1 < e->count ? e->edit[i + 1].text : e->text.len;

	if (end > e->edit[i].text)
		buf_add(to, e->text.s + e->edit[i].text, end - e->edit[i].text);
}

int edits_apply(const struct edits *e, const char *old, size_t len, struct buf *ret)
{
	size_t done = 0;

	if (e->failed || e->text.failed)
		return -ENOMEM;
	for (size_t i = 0; i < e->count; i++) {
		buf_add(ret, old + done, e->edit[i].at - done);
		edit_add_text(e, i, ret);
		done = e->edit[i].at + e->edit[i].cut;
	}
	buf_add(ret, old + done, len - done);
	return ret->failed ? -ENOMEM : 0;
}
