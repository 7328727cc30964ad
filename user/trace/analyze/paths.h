/* SPDX-License-Identifier: MIT */
/*
 * Calls merged by the path that led to them: what a flame graph is drawn from.
 *
 *     a -> b -> c        3 paths, however often they were gone
 *       -> c
 *
 * self: as in calls/stacks.h. Memory is bounded by `most` paths: what happens then is for the user
 * of this to choose, paths_sweep() or paths_prune(). Calls that are open keep their paths.
 */
#ifndef FT_TRACE_PATHS_H
#define FT_TRACE_PATHS_H

#include "calls/stacks.h"

/* Calls at a greater depth are counted as their caller's own time. */
#define PATHS_MAX_DEPTH 400

struct path {
	struct path *parent;		       /* NULL at the root of a thread */
	const struct trace_function *function; /* NULL at a root */
	uint64_t calls, errors, self_us;
	uint64_t pruned, pruned_calls, pruned_us; /* paths below that were taken away */
	uint64_t number;			  /* unlike that of any other */
	uint32_t depth;				  /* 0 at a root */
	uint32_t held;				  /* by open calls and by paths below */
	uint32_t pid, tid;
	size_t row; /* for what writes them */
};

struct paths {
	/* Settings. */
	size_t most;
	bool by_thread; /* a root for each thread; else one for all */
	/* Called with `most` paths: makes room, or raises `most`. 0 or -errno. */
	int (*full)(void *arg);
	void *arg;

	struct trace_functions functions;
	struct trace_calls calls;
	struct stacks stacks;
	struct map index; /* number of the parent, function's id + 1 -> struct path, owned */
	struct map roots; /* (pid, tid), 0 -> struct path, owned */
	uint64_t numbers;
	uint64_t deepest; /* calls that were too deep */
};

void paths_release(struct paths *p);
/* 0 or -errno. */
int paths_add(struct paths *p, const struct trace_event *e);
/* The paths, those that lead to others before these; *ret_path is the caller's to free.
 * 0 or -ENOMEM. */
int paths_list(const struct paths *p, struct path ***ret_path, size_t *ret_count);
/* Frees those that no open call holds. */
void paths_sweep(struct paths *p);
/* Frees the lightest half of those that no open call holds, by the time of each and of all below;
 * what they were is added to where they hung. 0 or -ENOMEM. */
int paths_prune(struct paths *p);

#endif
