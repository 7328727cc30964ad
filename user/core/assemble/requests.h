/* SPDX-License-Identifier: MIT */
/*
 * HTTP requests by number: those for which calls may still be made. An open call holds a reference
 * to its request, which lives until the last reference is dropped.
 */
#ifndef FT_REQUESTS_H
#define FT_REQUESTS_H

#include "base/map.h"
#include "model/event.h"

struct request {
	unsigned holders; /* references: of the table and of open calls */
	bool over;	  /* its response was seen, or will not be */
	bool silent;	  /* its begin was lost, so its response is not written either */
	uint64_t start_ns;
	struct http http; /* id, method and path; they borrow from bytes[] */
	char bytes[];
};

/* Number of finished requests that are kept for calls still made for them. */
#define REQUESTS_KEPT 4096

struct requests {
	struct map by_number; /* (pid, 0), number -> struct request, held */
	struct request_name {
		uint32_t pid;
		uint64_t number;
	} kept[REQUESTS_KEPT]; /* a ring: the oldest is forgotten */
	unsigned next;
};

/* Adds a request. ret_old: the one with the same number that it replaces, for the caller to put. */
int requests_add(struct requests *r, const struct event *e, struct request **ret_old);
/* Borrowed; NULL: not known. */
struct request *requests_find(const struct requests *r, uint32_t pid, uint64_t number);
void requests_forget(struct requests *r, uint32_t pid, uint64_t number);
/* The request is over, but calls may still refer to it. */
void requests_keep(struct requests *r, uint32_t pid, uint64_t number);

/* Drops those of a process, or all; returns how many were not over. */
unsigned requests_drop_process(struct requests *r, uint32_t pid);
unsigned requests_release(struct requests *r);

static inline struct request *request_get(struct request *r)
{
	if (r)
		r->holders++;
	return r;
}

/* Drops a reference; NULL is fine. */
void request_put(struct request *r);

#endif
