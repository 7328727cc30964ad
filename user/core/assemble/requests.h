/* SPDX-License-Identifier: MIT */
/*
 * HTTP requests: those that calls may still be made for, by their numbers. An open call holds its
 * request, which lives as long as anybody needs it.
 */
#ifndef FT_REQUESTS_H
#define FT_REQUESTS_H

#include "base/map.h"
#include "model/event.h"

struct request {
	unsigned holders; /* the table and open calls */
	bool over;	  /* its response was seen, or is not to be */
	bool silent;	  /* it was lost, and so is its response */
	uint64_t start_ns;
	struct http http; /* id, method and path; they borrow from bytes[] */
	char bytes[];
};

/* Of those that are over as many are kept for calls that go on for them. */
#define REQUESTS_KEPT 4096

struct requests {
	struct map by_number; /* (pid, 0), number -> struct request, held */
	struct request_name {
		uint32_t pid;
		uint64_t number;
	} kept[REQUESTS_KEPT]; /* a ring: the oldest is forgotten */
	unsigned next;
};

/* Adds one, in the place of one with the same number. ret_old: that, for the caller to put. */
int requests_add(struct requests *r, const struct event *e, struct request **ret_old);
/* Borrowed; NULL: it is not known. */
struct request *requests_find(const struct requests *r, uint32_t pid, uint64_t number);
void requests_forget(struct requests *r, uint32_t pid, uint64_t number);
/* It is over, but calls may still name it. */
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

/* Gives one back; NULL is none. */
void request_put(struct request *r);

#endif
