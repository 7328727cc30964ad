/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "analyze/merge.h"

static bool earlier(const struct merge_input *a, const struct merge_input *b)
{
	return a->time_us != b->time_us ? a->time_us < b->time_us : a->number < b->number;
}

static void swap(struct merge_input **a, struct merge_input **b)
{
	struct merge_input *other = *a;

	*a = *b;
	*b = other;
}

static void sift_down(struct merge *m, size_t i)
{
	for (;;) {
		size_t first = i;

		for (size_t child = 2 * i + 1; child < m->left && child <= 2 * i + 2; child++)
			if (earlier(m->heap[child], m->heap[first]))
				first = child;
		if (first == i)
			return;
		swap(&m->heap[i], &m->heap[first]);
		i = first;
	}
}

/* The next line of this trace: 1, 0 at its end, -errno. */
static int advance(struct merge_input *in, struct why *w)
{
	int got = trace_reader_next(in->reader, &in->e, w);

	if (got > 0 && in->e.timestamp_us > in->time_us)
		in->time_us = in->e.timestamp_us;
	return got;
}

int merge_open(struct merge *m, const char *const *paths, size_t count,
	       const struct trace_input_options *o, struct why *w)
{
	*m = (struct merge){.inputs = count};
	m->input = calloc(count, sizeof(*m->input));
	m->heap = calloc(count, sizeof(*m->heap));
	if (!m->input || !m->heap)
		return why(w, -ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++) {
		struct merge_input *in = &m->input[i];
		int got = trace_reader_open(&paths[i], 1, o, &in->reader, w);

		in->number = i;
		if (!got)
			got = advance(in, w);
		if (got < 0)
			return got;
		if (got)
			m->heap[m->left++] = in;
	}
	for (size_t i = m->left / 2; i--;)
		sift_down(m, i);
	return 0;
}

void merge_release(struct merge *m)
{
	for (size_t i = 0; m->input && i < m->inputs; i++)
		trace_reader_free(m->input[i].reader);
	free(m->input);
	free(m->heap);
	span_set_release(&m->spans);
}

static int refuse_span(const struct merge *m, const struct merge_input *in, uint32_t owner,
		       struct why *w)
{
	const char *file = trace_reader_file(in->reader);
	const char *other = owner == SPAN_SET_MANY || owner == in->number
				    ? "another line"
				    : trace_reader_file(m->input[owner].reader);

	return why(w, -EEXIST,
		   "%s line %" PRIu64 " begins the call %" PRIu64
		   ", which %s has too: they are copies of one trace, or not told apart by their "
		   "spans; name each once",
		   file, trace_reader_line(in->reader), in->e.span, other);
}

static int check_span(struct merge *m, const struct merge_input *in, struct why *w)
{
	uint32_t owner;
	int got;

	if (in->e.kind != TRACE_ENTER || !in->e.span)
		return 0;
	got = span_set_add(&m->spans, in->e.span, (uint32_t)in->number, &owner);
	if (got < 0)
		return why(w, got, "out of memory");
	return got ? 0 : refuse_span(m, in, owner, w);
}

/* Past the line that was given. */
static int drop_taken(struct merge *m, struct why *w)
{
	int got;

	if (!m->taken)
		return 0;
	m->taken = false;
	got = advance(m->heap[0], w);
	if (got < 0)
		return got;
	if (!got)
		m->heap[0] = m->heap[--m->left];
	sift_down(m, 0);
	return 0;
}

int merge_next(struct merge *m, struct trace_text *ret_line, struct why *w)
{
	int err = drop_taken(m, w);

	if (err || !m->left)
		return err;
	err = check_span(m, m->heap[0], w);
	if (err)
		return err;
	*ret_line = m->heap[0]->e.whole;
	m->taken = true;
	return 1;
}
