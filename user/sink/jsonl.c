/* SPDX-License-Identifier: MIT */
/*
 * JSON lines (contract, section 1). The field order is the order of the functions below.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/number.h"
#include "base/outfile.h"
#include "sink/sink.h"

#define FLUSH_BYTES (512 * 1024)

struct jsonl {
	struct sink sink;
	char *path;
	int fd; /* STDOUT_FILENO when path is "-" */
	bool also_stdout;
	long uid, gid;
	struct buf out;
};

static struct jsonl *jsonl_of(struct sink *s)
{
	return (struct jsonl *)s;
}

/* ---- a line ------------------------------------------------------------------- */

/* Everything but the parts whose length is counted in line_bound(). */
#define FIXED_BYTES 768

/* p has room: line_bound() saw to it. */
static inline char *add(char *p, const char *s, size_t len)
{
	memcpy(p, s, len);
	return p + len;
}

#define ADD(p, literal) add(p, literal, sizeof(literal) - 1)

static size_t line_bound(const struct line *l, size_t thread, size_t head, size_t tail)
{
	return FIXED_BYTES + head + tail +
	       JSON_GROWTH * (thread + l->value.len + l->exc_type.len + l->exc_message.len);
}

static char *add_text(char *p, const struct text *t)
{
	*p++ = '"';
	p = json_escape_to(p, t->s, t->len);
	*p++ = '"';
	return p;
}

static char *add_exception(char *p, const struct line *l)
{
	p = ADD(p, "\"exception\": {\"type\": ");
	p = add_text(p, &l->exc_type);
	p = ADD(p, ", \"message\": ");
	p = add_text(p, &l->exc_message);
	return ADD(p, "}");
}

static char *add_durations(char *p, const struct line *l)
{
	uint64_t us = l->duration_ns / 1000;

	p = ADD(p, "\"durationMicros\": ");
	p = number_u64(p, us);
	p = ADD(p, ", \"durationMillis\": ");
	p = number_u64(p, us / 1000);
	return ADD(p, ", ");
}

static char *add_body(char *p, const struct line *l)
{
	if (l->type == LINE_ENTER || l->type == LINE_EXIT) {
		p = l->type == LINE_ENTER ? ADD(p, "\"args\": ") : ADD(p, "\"result\": ");
		p = add_text(p, &l->value);
		p = ADD(p, ", ");
	}
	if (l->type == LINE_EXCEPTION) {
		p = add_exception(p, l);
		p = ADD(p, ", ");
	}
	return l->type == LINE_ENTER ? p : add_durations(p, l);
}

static char *add_ids(char *p, const struct line *l)
{
	p = ADD(p, ", \"pid\": ");
	p = number_u64(p, l->pid);
	p = ADD(p, ", \"tid\": ");
	return number_u64(p, l->tid);
}

static char *add_truncated_field(char *p, const char *name, const struct text *t,
				 unsigned threshold, bool *first)
{
	if (!t->cut)
		return p;
	p = *first ? ADD(p, ", \"truncatedFields\": {\"") : ADD(p, ", \"");
	*first = false;
	p = add(p, name, strlen(name));
	p = ADD(p, "\": {\"threshold\": ");
	p = number_u64(p, threshold);
	if (t->original_len) {
		p = ADD(p, ", \"originalLength\": ");
		p = number_u64(p, t->original_len);
	}
	return ADD(p, "}");
}

static char *add_truncated(char *p, const struct line *l)
{
	bool first = true;

	p = add_truncated_field(p, l->type == LINE_ENTER ? "args" : "result", &l->value,
				l->threshold, &first);
	p = add_truncated_field(p, "exception", &l->exc_message, l->threshold, &first);
	return first ? p : ADD(p, "}");
}

static char *add_head(char *p, const struct line *l)
{
	p = ADD(p, "{\"timestamp\": ");
	p = number_u64(p, l->timestamp_us);
	p = ADD(p, ", \"event\": ");
	switch (l->type) {
	case LINE_ENTER:
		return ADD(p, "\"ENTER\", ");
	case LINE_EXIT:
		return ADD(p, "\"EXIT\", ");
	case LINE_EXCEPTION:
		return ADD(p, "\"EXCEPTION\", ");
	case LINE_LOST:
		return ADD(p, "\"LOST\", ");
	}
	return p;
}

static char *add_lost(char *p, const struct line *l)
{
	p = add_head(p, l);
	p = ADD(p, "\"count\": ");
	p = number_u64(p, l->count);
	p = ADD(p, ", \"reason\": \"");
	p = add(p, l->reason, strlen(l->reason));
	p = ADD(p, "\"");
	p = add_ids(p, l);
	return ADD(p, "}\n");
}

static char *add_call(char *p, const struct line *l, size_t thread, size_t head, size_t tail)
{
	p = add_head(p, l);
	p = ADD(p, "\"thread\": \"");
	p = json_escape_to(p, l->thread, thread);
	p = ADD(p, "\", ");
	p = add(p, l->function->json_head, head);
	p = ADD(p, ", ");
	p = add_body(p, l);
	p = add(p, l->function->json_tail, tail);
	p = add_ids(p, l);
	p = ADD(p, ", \"span\": ");
	p = number_u64(p, l->span);
	p = ADD(p, ", \"parent\": ");
	p = number_u64(p, l->parent);
	if (l->type == LINE_EXIT && l->has_exception) { /* not in its row: at the end */
		p = ADD(p, ", ");
		p = add_exception(p, l);
	}
	p = add_truncated(p, l);
	if (l->lost)
		p = ADD(p, ", \"lost\": true");
	return ADD(p, "}\n");
}

static bool format(struct buf *out, const struct line *l)
{
	bool call = l->type != LINE_LOST;
	size_t thread = call ? strlen(l->thread) : 0;
	size_t head = call ? strlen(l->function->json_head) : 0;
	size_t tail = call ? strlen(l->function->json_tail) : 0;
	char *room = buf_room(out, line_bound(l, thread, head, tail)), *end;

	if (!room)
		return false;
	end = call ? add_call(room, l, thread, head, tail) : add_lost(room, l);
	out->len += end - room;
	return true;
}

/* ---- the file ----------------------------------------------------------------- */

static int jsonl_flush(struct sink *sink, struct why *w)
{
	struct jsonl *s = jsonl_of(sink);
	int err = 0;

	if (s->out.len)
		err = outfile_write(s->fd, s->path, s->out.s, s->out.len, w);
	if (!err && s->out.len && s->also_stdout)
		err = outfile_write(STDOUT_FILENO, "standard output", s->out.s, s->out.len, w);
	/* After a failure nothing may be written twice; the caller stops. */
	s->out.len = 0;
	return err;
}

static int jsonl_line(struct sink *sink, const struct line *l, struct why *w)
{
	struct jsonl *s = jsonl_of(sink);

	if (!format(&s->out, l))
		return why(w, -ENOMEM, "out of memory");
	return s->out.len < FLUSH_BYTES ? 0 : jsonl_flush(sink, w);
}

/* Does the file end within a line? */
static bool ends_in_line(int in, off_t size)
{
	char last = '\n';

	return size && pread(in, &last, 1, size - 1) == 1 && last != '\n';
}

/*
 * A line that an earlier run could not finish (full disk, kill) must not swallow ours. One that
 * another process is just writing grows while we look.
 */
static void end_last_line(const char *path, int fd, struct buf *out)
{
	const struct timespec pause = {0, 20 * NS_PER_MS};
	struct stat st;
	off_t before = -1;
	bool within;
	int in;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || !st.st_size)
		return;
	in = open(path, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return;
	while ((within = ends_in_line(in, st.st_size)) && st.st_size != before) {
		before = st.st_size;
		nanosleep(&pause, NULL);
		if (fstat(in, &st))
			break;
	}
	if (within)
		buf_char(out, '\n');
	close(in);
}

static int open_path(struct jsonl *s, int *ret_fd, struct why *w)
{
	if (!strcmp(s->path, "-")) {
		*ret_fd = STDOUT_FILENO;
		return 0;
	}
	return outfile_open(s->path, O_APPEND, s->uid, s->gid, ret_fd, w);
}

static void close_fd(int fd)
{
	if (fd > STDERR_FILENO)
		close(fd);
}

static int jsonl_reopen(struct sink *sink, struct why *w)
{
	struct jsonl *s = jsonl_of(sink);
	int fd, err = jsonl_flush(sink, w);

	if (!err)
		err = open_path(s, &fd, w);
	if (err)
		return err;
	close_fd(s->fd);
	s->fd = fd;
	end_last_line(s->path, s->fd, &s->out);
	return 0;
}

static void jsonl_free(struct sink *sink)
{
	struct jsonl *s = jsonl_of(sink);

	if (!s)
		return;
	close_fd(s->fd);
	buf_release(&s->out);
	free(s->path);
	free(s);
}

static const struct sink_ops jsonl_ops = {
	.name = "jsonl",
	.line = jsonl_line,
	.flush = jsonl_flush,
	.reopen = jsonl_reopen,
	.free = jsonl_free,
};

int sink_jsonl_new(const char *path, bool also_stdout, long uid, long gid, struct sink **ret_sink,
		   struct why *w)
{
	struct jsonl *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return why(w, -ENOMEM, "out of memory");
	s->sink.ops = &jsonl_ops;
	s->fd = -1;
	s->uid = uid;
	s->gid = gid;
	s->also_stdout = also_stdout && strcmp(path, "-");
	s->path = strdup(path);
	if (!s->path || !buf_grow(&s->out, 2 * FLUSH_BYTES))
		err = why(w, -ENOMEM, "out of memory");
	else
		err = open_path(s, &s->fd, w);
	if (err) {
		jsonl_free(&s->sink);
		return err;
	}
	end_last_line(s->path, s->fd, &s->out);
	*ret_sink = &s->sink;
	return 0;
}
