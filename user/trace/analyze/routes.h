/* SPDX-License-Identifier: MIT */
/*
 * HTTP requests by method, route (analyze/route.h) and status, and the slowest of them.
 */
#ifndef FT_TRACE_ROUTES_H
#define FT_TRACE_ROUTES_H

#include "base/map.h"
#include "calls/durations.h"
#include "calls/event.h"
#include "calls/top_n.h"

#define ROUTES_MAX 2000	     /* different ones; more are counted together */
#define ROUTES_TEXT_KEPT 256 /* bytes of a path, with the zero at its end */
#define ROUTES_METHOD_KEPT 16

struct route {
	char *method, *path; /* owned */
	uint32_t status;
	struct durations durations;
	uint64_t p50_us, p95_us; /* after routes_finish() */
};

/* A single one. */
struct slow_request {
	uint64_t start_us, duration_us;
	uint32_t status, pid, tid;
	char method[ROUTES_METHOD_KEPT];
	char path[ROUTES_TEXT_KEPT];
	char id[64];
};

struct routes {
	struct map index;     /* hash of method, path and status -> route, borrowed */
	struct route **route; /* owned */
	size_t count, room;
	struct durations_budget budget;
	uint64_t requests, responses; /* events */
	uint64_t others;	      /* responses beyond ROUTES_MAX routes */
	struct top_n slow;	      /* of struct slow_request */
};

int routes_init(struct routes *r, size_t slow_most);
void routes_release(struct routes *r);
/* 0 or -ENOMEM. */
int routes_add(struct routes *r, const struct trace_event *e);
/* Sorts: the routes by how often they were asked for, single requests the slowest first. */
int routes_finish(struct routes *r);

#endif
