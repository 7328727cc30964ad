/* SPDX-License-Identifier: MIT */
/*
 * Who called whom: calls of the same function under the same callers are one node, so that memory
 * is that of the different ways through the program, and bounded: beyond TREE_NODES of them, or
 * below TREE_DEEPEST, calls are counted together.
 *
 *     root (a thread) -- main -- handle (x 120) -- load (x 240)
 *                             `- close
 */
#ifndef FT_TRACE_TREE_H
#define FT_TRACE_TREE_H

#include "select/scope.h"
#include "calls/stacks.h"

#define TREE_NODES 262144
#define TREE_DEEPEST 1000
#define TREE_VALUE 160		/* bytes of an example that are kept */
#define TREE_VALUES (32u << 20) /* of all examples */

enum tree_sort { TREE_BY_TOTAL, TREE_BY_SELF, TREE_BY_CALLS, TREE_BY_ORDER };

struct tree_node {
	uint32_t id, depth;				/* depth of a root: 0 */
	const struct trace_function *function;		/* NULL: a root, or many together */
	struct tree_node *parent, *child, *last, *next; /* children in order of appearance */
	uint64_t calls;					/* that ended */
	uint64_t exceptions, unfinished, lost;
	uint64_t total_us, self_us, wait_us, max_us;
	char *exception; /* owned; type of the first one that left it */
	bool other_exceptions;
	char *args, *result; /* owned; of the first call, where wanted */
	char *name;	     /* owned; of a root: its thread; NULL: all, or many */
	uint32_t pid, tid;   /* of a root */
	bool shown;	     /* after tree_finish(): it or something below is to be seen */
};

struct tree {
	struct trace_scope scope;
	bool together; /* one root for all threads */
	bool values;
	uint64_t min_us;
	uint32_t deepest; /* calls below are of no interest; 0: all are */
	enum tree_sort sort;

	struct trace_functions functions;
	struct trace_calls calls; /* row: the node */
	struct stacks stacks;
	struct map roots;	 /* pid, tid -> node, borrowed */
	struct map index;	 /* id of the parent, id of the function + 1; 0: others */
	struct tree_node **node; /* owned; parents before children */
	size_t nodes, room;
	size_t value_bytes;
	uint64_t in_scope;	 /* events */
	uint64_t together_calls; /* that are in nodes of many functions */
	/* With scope.request: what is known of it; owned. */
	struct buf method, path;
	uint32_t status_code;
	uint64_t request_us;
	bool answered;
};

void tree_release(struct tree *t);
/* 0 or -ENOMEM. */
int tree_add(struct tree *t, const struct trace_event *e);
/* Counts what is open, decides what is shown and sorts. 0 or -ENOMEM. */
int tree_finish(struct tree *t);
/* The next one in the order of printing, down to this depth; NULL: none. */
const struct tree_node *tree_next(const struct tree_node *n, uint32_t deepest);
/* Is there a sibling to come that is shown? */
bool tree_has_next(const struct tree_node *n);

#endif
