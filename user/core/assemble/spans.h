/* SPDX-License-Identifier: MIT */
/*
 * The open calls. Plain calls are on one stack per thread, ordered by start time: the one that ends
 * is nearly always the top, any other is found by binary search. Generators and coroutines may
 * outlive their caller and end on another thread, so they are in a map of their own.
 */
#ifndef FT_SPANS_H
#define FT_SPANS_H

#include "assemble/requests.h"
#include "base/map.h"
#include "model/span.h"

/* The last exception seen in a call, which may still handle it. */
struct raise {
	uint64_t ts_ns;
	struct exception exception; /* borrows from bytes[] */
	char bytes[];
};

/* Arguments kept for the end of a call. */
struct kept_args {
	struct text text; /* borrows from bytes[] */
	char bytes[];
};

struct open_span {
	uint64_t start_ns;
	struct span_id parent_id;
	uint64_t number;	   /* 0: a dropped call, which makes no line */
	uint64_t parent;	   /* number of the nearest kept caller */
	struct function *function; /* borrowed from the decoder; NULL: removed, not yet compacted */
	struct raise *raise;	   /* owned; NULL: none was seen */
	struct kept_args *args;	   /* owned; NULL: not kept for its end */
	struct request *request;   /* a reference; NULL: the call is made for none */
};

struct thread_spans {
	uint32_t pid, tid;
	struct open_span *stack; /* owned; by start_ns, ascending */
	size_t count, cap;
};

struct spans {
	struct map threads;	   /* (pid, tid) -> struct thread_spans, owned */
	struct map generators;	   /* (pid, tid), start_ns -> struct span, owned */
	struct thread_spans *last; /* of the last search: events come in bursts */
};

/* Called with each span that is dropped unfinished, and the thread where it began. */
typedef void (*span_fn)(void *arg, uint32_t pid, uint32_t tid, const struct open_span *s);

void spans_release(struct spans *s);
/* NULL when the thread has no table yet (find), or without memory (get). */
struct thread_spans *spans_find_thread(struct spans *s, uint32_t pid, uint32_t tid);
struct thread_spans *spans_get_thread(struct spans *s, uint32_t pid, uint32_t tid);
/* 0, -EEXIST when a call of this thread began in the same nanosecond, -ENOMEM. */
int spans_add(struct spans *s, uint32_t pid, struct span_id id, const struct open_span *span);
/* Borrowed until the next change; NULL when it is not open. */
struct open_span *spans_find(struct spans *s, uint32_t pid, struct span_id id);
/* Index on the stack, or -1. */
long spans_index(const struct thread_spans *t, uint64_t start_ns);
/* Is `outer` an ancestor of the span? */
bool spans_inside(struct spans *s, uint32_t pid, const struct open_span *span,
		  struct span_id outer);
/* Removes the spans from index `from` on whose function is NULL, and frees what they own. */
void spans_compact(struct thread_spans *t, size_t from);
void spans_remove_generator(struct spans *s, uint32_t pid, struct span_id id);

void spans_drop_thread(struct spans *s, uint32_t pid, uint32_t tid, span_fn fn, void *arg);
void spans_drop_process(struct spans *s, uint32_t pid, span_fn fn, void *arg);
void spans_drop_all(struct spans *s, span_fn fn, void *arg);

#endif
