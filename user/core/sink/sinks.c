/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/outfile.h"
#include "sink/sinks.h"
#include "sink/stream.h"

/* One row per sink: its struct sink_ops, sink_NAME, is at the end of NAME.c. */
#define KINDS(X) X(jsonl) X(text) X(null)

#define X(name) extern const struct sink_ops sink_##name;
KINDS(X)
#undef X

static const struct sink_ops *const kinds[] = {
#define X(name) &sink_##name,
	KINDS(X)
#undef X
};

#define X(name) ", " #name
static const char names[] = KINDS(X); /* begins with a comma */
#undef X

/* ---- KIND[:DEST] ----------------------------------------------------------------------- */

static const struct sink_ops *kind_of(const char *to)
{
	size_t len = strcspn(to, ":");

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i]->kind) == len && !memcmp(kinds[i]->kind, to, len))
			return kinds[i];
	return NULL;
}

int sinks_check(const char *to, struct why *w)
{
	const struct sink_ops *ops = kind_of(to);
	const char *colon = strchr(to, ':');

	if (!ops)
		return why_exit(w, EXIT_USAGE, -EINVAL, "--to: \"%.*s\" is not one of %s",
				(int)strcspn(to, ":"), to, names + 2);
	if (colon && !ops->dest)
		return why_exit(w, EXIT_USAGE, -EINVAL, "--to: %s takes no file: leave %s out",
				ops->kind, colon);
	if (colon && !colon[1])
		return why_exit(w, EXIT_USAGE, -EINVAL, "--to: %s needs the name of a file", to);
	return 0;
}

const char *sinks_dest(const char *to)
{
	const struct sink_ops *ops = kind_of(to);
	const char *colon = strchr(to, ':');

	return ops && ops->dest && colon ? colon + 1 : ops ? ops->dest : NULL;
}

/* ---- opening and closing ------------------------------------------------------------------ */

bool sinks_write_to(const struct sinks *s, const char *dest)
{
	for (int i = 0; i < s->count; i++) {
		const struct stream *other = s->at[i]->stream;

		if (other && (!strcmp(other->path, dest) || outfile_same(other->path, dest)))
			return true;
	}
	return false;
}

static void sink_free(struct sink *k)
{
	if (k->ops->release)
		k->ops->release(k);
	if (k->stream)
		stream_release(k->stream);
	free(k->stream);
	free(k);
}

static int open_stream(struct sink *k, const char *dest, const struct sink_options *o,
		       struct why *w)
{
	struct stream *stream = calloc(1, sizeof(*stream));
	int err = stream ? stream_open(stream, dest, &o->stream, w)
			 : why(w, -ENOMEM, "out of memory");

	if (err)
		free(stream);
	else
		k->stream = stream;
	return err;
}

static int add(struct sinks *s, const struct sink_ops *ops, const char *dest,
	       const struct sink_options *o)
{
	struct sink *k;
	int err;

	if (s->count == SINKS_MAX)
		return why_exit(s->why, EXIT_USAGE, -E2BIG, "more than %d outputs", SINKS_MAX);
	if (dest && sinks_write_to(s, dest))
		return why_exit(s->why, EXIT_USAGE, -EINVAL,
				"%s is named twice as an output: give two files", dest);
	k = calloc(1, ops->size);
	if (!k)
		return why(s->why, -ENOMEM, "out of memory");
	k->ops = ops;
	err = dest ? open_stream(k, dest, o, s->why) : 0;
	if (err) {
		free(k);
		return err;
	}
	if (ops->start)
		ops->start(k, o);
	s->at[s->count++] = k;
	return 0;
}

int sinks_add(struct sinks *s, const char *to, const struct sink_options *o)
{
	int err = sinks_check(to, s->why);

	return err ? err : add(s, kind_of(to), sinks_dest(to), o);
}

int sinks_add_jsonl(struct sinks *s, const char *file, const struct sink_options *o)
{
	return add(s, &sink_jsonl, file, o);
}

void sinks_release(struct sinks *s)
{
	for (int i = 0; i < s->count; i++)
		sink_free(s->at[i]);
	s->count = 0;
}

bool sinks_keep_args(const struct sinks *s)
{
	for (int i = 0; i < s->count; i++)
		if (s->at[i]->ops->keep_args)
			return true;
	return false;
}

/* ---- to each of them ------------------------------------------------------------------ */

int sinks_begin(struct sinks *s, const struct span *span)
{
	int err = 0;

	for (int i = 0; i < s->count && !err; i++)
		err = s->at[i]->ops->begin(s->at[i], span, s->why);
	return err;
}

int sinks_end(struct sinks *s, const struct span *span)
{
	int err = 0;

	for (int i = 0; i < s->count && !err; i++)
		err = s->at[i]->ops->end(s->at[i], span, s->why);
	return err;
}

int sinks_request(struct sinks *s, const struct request_span *r)
{
	int err = 0;

	for (int i = 0; i < s->count && !err; i++)
		err = s->at[i]->ops->request(s->at[i], r, s->why);
	return err;
}

int sinks_runtime(struct sinks *s, const struct runtime_event *r)
{
	int err = 0;

	for (int i = 0; i < s->count && !err; i++)
		err = s->at[i]->ops->runtime(s->at[i], r, s->why);
	return err;
}

int sinks_lost(struct sinks *s, const struct loss *l)
{
	int err = 0;

	for (int i = 0; i < s->count && !err; i++)
		err = s->at[i]->ops->lost(s->at[i], l, s->why);
	return err;
}

int sinks_left_out(struct sinks *s, const struct left_out *l)
{
	int err = 0;

	for (int i = 0; i < s->count && !err; i++)
		err = s->at[i]->ops->left_out(s->at[i], l, s->why);
	return err;
}

int sinks_state(struct sinks *s, const struct state_change *c)
{
	int err = 0;

	for (int i = 0; i < s->count && !err; i++)
		err = s->at[i]->ops->state(s->at[i], c, s->why);
	return err;
}

/* Writes the text that is held back. */
static void settle_text(struct sink *s)
{
	if (s->ops->settle_text)
		s->ops->settle_text(s);
}

int sinks_flush(struct sinks *s)
{
	int err = 0;

	for (int i = 0; i < s->count && !err; i++) {
		settle_text(s->at[i]);
		if (s->at[i]->stream)
			err = stream_flush(s->at[i]->stream, s->why);
	}
	return err;
}

int sinks_reopen(struct sinks *s, struct why *w)
{
	int first = 0;

	for (int i = 0; i < s->count; i++) {
		int err = s->at[i]->stream ? stream_reopen(s->at[i]->stream, first ? NULL : w) : 0;

		if (err && !first)
			first = err;
	}
	return first;
}

/* ---- the queues ------------------------------------------------------------------------- */

int sinks_queue(struct sinks *s)
{
	int err = 0;

	for (int i = 0; i < s->count && !err; i++)
		if (s->at[i]->stream)
			err = stream_queue(s->at[i]->stream, s->why);
	return err;
}

bool sinks_room(struct sinks *s, bool begins)
{
	bool room = true;

	for (int i = 0; i < s->count; i++)
		if (s->at[i]->stream)
			room &= stream_room(s->at[i]->stream, begins);
	return room;
}

int sinks_settle(struct sinks *s, unsigned ms)
{
	int settled = 0;

	for (int i = 0; i < s->count; i++) {
		int err = 0;

		settle_text(s->at[i]);
		if (s->at[i]->stream)
			err = stream_settle(s->at[i]->stream, settled ? 0 : ms, s->why);
		if (err && err != -EAGAIN)
			return err;
		settled = settled ?: err;
	}
	return settled;
}

uint64_t sinks_stalled_ns(const struct sinks *s)
{
	uint64_t longest = 0;

	for (int i = 0; i < s->count; i++) {
		uint64_t ns = s->at[i]->stream ? stream_stalled_ns(s->at[i]->stream) : 0;

		longest = ns > longest ? ns : longest;
	}
	return longest;
}

static void give_up(struct sink *s, const struct loss *lost, struct sink_dropped *ret)
{
	struct loss l = *lost;
	struct buf rest = {};

	*ret = (struct sink_dropped){};
	settle_text(s);
	stream_give_up(s->stream, &rest);
	s->ops->count(&rest, ret);
	buf_release(&rest);
	l.count = ret->events + ret->told;
	if (l.count && !s->ops->lost(s, &l, NULL))
		stream_last_words(s->stream);
}

void sinks_give_up(struct sinks *s, const struct loss *lost, struct sink_dropped *ret,
		   const char **ret_name)
{
	*ret = (struct sink_dropped){};
	*ret_name = "";
	for (int i = 0; i < s->count; i++) {
		struct sink_dropped dropped;

		if (!s->at[i]->stream)
			continue;
		give_up(s->at[i], lost, &dropped);
		if (dropped.lines < ret->lines || !dropped.lines)
			continue;
		*ret = dropped;
		*ret_name = stream_name(s->at[i]->stream);
	}
}
