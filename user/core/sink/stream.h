/* SPDX-License-Identifier: MIT */
/*
 * Text to a file or to standard output: what sinks that write lines have in common. Whole lines
 * are appended to `text`; stream_filled() is called after each.
 */
#ifndef FT_STREAM_H
#define FT_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/logfile.h"
#include "base/why.h"

struct outlet;

struct stream_options {
	long uid, gid; /* owner of a file that is made; -1 = ours */
	/* Another process writes to it already, perhaps a line that is incomplete at this
	 * moment. */
	bool joins;
	const struct packing *const *packings; /* borrowed (base/packing.h); NULL: none */
	struct rotate rotate;
	unsigned rotate_keep;
};

struct stream {
	struct buf text;     /* not handed on yet */
	char *path;	     /* owned; "-" = standard output */
	int fd;		     /* owned, unless it is one of the standard three; -1: there is a log */
	bool logged;	     /* its lines go to a log */
	struct logfile *log; /* owned; NULL: there is none, or the outlet owns it */
	long uid, gid;	     /* owner of a file that is made; -1 = ours */
	bool safe; /* `text` has no unwanted control characters; else they are escaped here */
	bool full;
	struct outlet *outlet; /* owned; NULL: written at once */
};

/* Appends to the file, which is created 0600. It is packed if its name says so. */
int stream_open(struct stream *s, const char *path, const struct stream_options *o, struct why *w);
void stream_release(struct stream *s);
/* For messages. */
const char *stream_name(const struct stream *s);

#define STREAM_FLUSH_BYTES (512 * 1024)

int stream_flush(struct stream *s, struct why *w);
static inline int stream_filled(struct stream *s, struct why *w)
{
	return s->text.len >= STREAM_FLUSH_BYTES || s->text.failed ? stream_flush(s, w) : 0;
}

/* Opens the file of that name anew; after a failure the old one stays in use. */
int stream_reopen(struct stream *s, struct why *w);
/* From now on text goes through a queue (base/outlet.h), and no call waits for the file. */
int stream_queue(struct stream *s, struct why *w);
/* Is there room for a begin (begins), or for an end? Ends have room for longer. */
bool stream_room(struct stream *s, bool begins);
/* Waits at most `ms` milliseconds: 0 = all is written, -EAGAIN = not yet, else the error. */
int stream_settle(struct stream *s, unsigned ms, struct why *w);
uint64_t stream_stalled_ns(struct stream *s); /* time since the last write of queued bytes */
/* Drops what is queued and appends it to ret_rest. Only stream_last_words() and stream_release()
 * may follow. */
void stream_give_up(struct stream *s, struct buf *ret_rest);
/* Writes `text`, one line, if room can be made for it. */
void stream_last_words(struct stream *s);

#endif
