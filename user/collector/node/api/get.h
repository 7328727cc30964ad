/* SPDX-License-Identifier: MIT */
/*
 * Asks the API server for one path after the other, and gives what it answers to a function while
 * it arrives. Any thread can end the wait of the one that asks.
 */
#ifndef FT_GET_H
#define FT_GET_H

#include <stddef.h>

#include "node/api/access.h"

struct get;

struct get_request {
	const char *path; /* with its query, from the slash on */
	unsigned max_s;	  /* for all of it */
	/* A piece of the body, if the status is 200. An error ends the request, and is returned. */
	int (*data)(void *arg, const char *s, size_t len);
	void (*begun)(void *arg); /* the status is 200; NULL is fine */
	void *arg;
};

/* access is borrowed. -ENOMEM */
int get_new(const struct access *access, struct get **ret_get);
void get_free(struct get *g); /* NULL is fine */

/*
 * 0: the answer was 200, and has ended. Else w has the reason. -ECANCELED: get_stop() was called;
 * -ETIMEDOUT, -ECONNREFUSED: what the names say; -EACCES: 401 or 403, or the token cannot be read;
 * -ESTALE: 410; -EIO: other answers and failures.
 */
int get_run(struct get *g, const struct get_request *r, struct why *w);
/* From any thread, at any time: the request ends, and none begins. */
void get_stop(struct get *g);
/* Waits that long, or until get_stop(). */
void get_pause(struct get *g, unsigned ms);

/* Escaped for a query; owned by the caller; NULL without memory. */
char *get_escape(const char *s);

#endif
