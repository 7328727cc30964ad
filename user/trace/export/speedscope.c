/* SPDX-License-Identifier: MIT */
/*
 * speedscope's own format: an evented profile for each thread, which shows what ran on it
 * (calls/timeline.h). Profiles come one after another in the file, so that of each thread waits
 * in a temporary file.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/number.h"
#include "export/spool.h"
#include "calls/timeline.h"

struct profile {
	struct running_thread *thread; /* borrowed */
	struct spool_text events;
	uint64_t first_us, last_us;
};

struct speedscope {
	struct export_to *to;
	struct timeline running;
	struct spool spool;
	struct profile **profile; /* owned, in the order in which they began */
	size_t count, room;
	char *title;   /* owned */
	struct why *w; /* borrowed while an event is added */
	bool started;
	uint64_t first_us, last_us, start_us; /* start: of all profiles */
	struct export_notes notes;
};

static struct profile *new_profile(struct speedscope *s, struct running_thread *t, uint64_t us)
{
	struct profile *p;

	if (s->count == s->room) {
		size_t room = s->room ? s->room * 2 : 16;
		struct profile **more = realloc(s->profile, room * sizeof(*more));

		if (!more)
			return NULL;
		s->profile = more;
		s->room = room;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->thread = t;
	p->first_us = us;
	s->profile[s->count++] = p;
	t->row = p;
	return p;
}

/* Times are told from the first event on; those of another thread may be a little earlier. */
static void put_at(const struct speedscope *s, struct buf *b, uint64_t us)
{
	char number[NUMBER_MAX];

	buf_add(b, number, (size_t)(number_i64(number, (int64_t)(us - s->first_us)) - number));
}

static void put_step(struct speedscope *s, struct profile *p, const struct running_at *at,
		     uint64_t us)
{
	struct buf *b = &p->events.b;
	bool opens = at->step == RUNNING_BEGIN || at->step == RUNNING_RESUME;

	if (b->len || p->events.count)
		BUF_LITERAL(b, ",\n");
	buf_str(b, opens ? "{\"type\":\"O\",\"frame\":" : "{\"type\":\"C\",\"frame\":");
	buf_u64(b, at->call->function->id);
	BUF_LITERAL(b, ",\"at\":");
	put_at(s, b, us);
	buf_char(b, '}');
	p->last_us = us;
}

static int follow(void *arg, const struct running_at *at)
{
	struct speedscope *s = arg;
	struct profile *p = at->thread->row;
	uint64_t us = at->event ? at->us : later_us(s->last_us, at->us);

	if (at->step == RUNNING_END || at->step == RUNNING_GONE)
		s->notes.calls++;
	if (at->step == RUNNING_GONE)
		return 0;
	if (!p)
		p = new_profile(s, at->thread, us);
	if (!p)
		return -ENOMEM;
	put_step(s, p, at, us);
	return spool_spare(&s->spool, &p->events, s->w);
}

static int start(struct export_to *to, const char *title, void **ret_state, struct why *w)
{
	struct speedscope *s = calloc(1, sizeof(*s));

	if (!s)
		return why(w, -ENOMEM, "out of memory");
	s->to = to;
	s->spool.fd = -1;
	s->running.stacks.follow = follow;
	s->running.stacks.arg = s;
	*ret_state = s;
	s->title = strdup(title);
	return s->title ? 0 : why(w, -ENOMEM, "out of memory");
}

static void stop(void *state)
{
	struct speedscope *s = state;

	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++) {
		spool_text_release(&s->profile[i]->events);
		free(s->profile[i]);
	}
	free(s->profile);
	free(s->title);
	spool_release(&s->spool);
	timeline_release(&s->running);
	free(s);
}

static int speedscope_add(void *state, const struct trace_event *e, struct why *w)
{
	struct speedscope *s = state;
	int err;

	s->w = w;
	if (e->kind != TRACE_OTHER) {
		if (!s->started)
			s->first_us = e->timestamp_us;
		s->started = true;
		s->last_us = later_us(s->last_us, e->timestamp_us);
	}
	err = timeline_add(&s->running, e);
	return err ? why(w, err, "out of memory") : 0;
}

static int put_profile(struct speedscope *s, struct profile *p, struct why *w)
{
	struct buf *b = &s->to->b;
	const struct running_thread *t = p->thread;
	char ids[64];
	int err;

	snprintf(ids, sizeof(ids), " (pid %u, tid %u)\"", t->pid, t->tid);
	BUF_LITERAL(b, "{\"type\":\"evented\",\"name\":\"");
	json_escape(b, t->name, strlen(t->name));
	buf_str(b, ids);
	BUF_LITERAL(b, ",\"unit\":\"microseconds\",\"events\":[\n");
	err = spool_copy(&s->spool, &p->events, s->to, w);
	BUF_LITERAL(b, "\n],\"startValue\":");
	put_at(s, b, s->start_us);
	BUF_LITERAL(b, ",\"endValue\":");
	put_at(s, b, p->last_us);
	buf_char(b, '}');
	return err;
}

static int put_frames(struct speedscope *s, struct why *w)
{
	const struct trace_functions *all = &s->running.functions;
	struct buf *b = &s->to->b, label = {0};
	int err = 0;

	for (size_t i = 0; i < all->count && !err; i++) {
		const struct trace_function *f = all->all[i];

		buf_clear(&label);
		trace_function_label(&label, f);
		buf_str(b, i ? ",\n{\"name\":" : "{\"name\":");
		json_string(b, label.s ? label.s : "", label.len);
		if (f->file[0]) {
			BUF_LITERAL(b, ",\"file\":");
			json_string(b, f->file, f->len[3]);
			BUF_LITERAL(b, ",\"line\":");
			buf_u64(b, f->line);
		}
		buf_char(b, '}');
		err = export_to_spare(s->to, w);
	}
	buf_release(&label);
	return err;
}

static int speedscope_finish(void *state, struct export_notes *ret_notes, struct why *w)
{
	struct speedscope *s = state;
	struct buf *b = &s->to->b;
	int err;

	s->w = w;
	err = timeline_finish(&s->running);
	if (err)
		return why(w, err, "out of memory");
	BUF_LITERAL(b, "{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\","
		       "\"exporter\":\"flowctl " FT_VERSION "\",\"name\":");
	json_string_unchecked(b, s->title, strlen(s->title));
	BUF_LITERAL(b, ",\n\"profiles\":[\n");
	s->start_us = s->first_us;
	for (size_t i = 0; i < s->count; i++)
		if (s->profile[i]->first_us < s->start_us)
			s->start_us = s->profile[i]->first_us;
	for (size_t i = 0; i < s->count && !err; i++) {
		if (i)
			BUF_LITERAL(b, ",\n");
		err = put_profile(s, s->profile[i], w);
	}
	BUF_LITERAL(b, "],\n\"shared\":{\"frames\":[\n");
	if (!err)
		err = put_frames(s, w);
	BUF_LITERAL(b, "]}}\n");
	*ret_notes = s->notes;
	ret_notes->unopened = s->running.unopened;
	ret_notes->unfinished = s->running.unfinished;
	return err ? err : export_to_flush(s->to, w);
}

const struct export_format export_speedscope = {
	.name = "speedscope",
	.start = start,
	.add = speedscope_add,
	.finish = speedscope_finish,
	.stop = stop,
};
