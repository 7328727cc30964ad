/* SPDX-License-Identifier: MIT */
/*
 * An HTTP request: a Python object that has its id, makes its two records, and is known to calls
 * through a context variable: so in whatever is awaited, in tasks, and in threads that run in its
 * context. It is in a trace as a whole or not at all: of one that was there when a run began
 * nothing is recorded.
 *
 * The last reference to it gone, no call can be made for it any more.
 */
#ifndef FT_REQUEST_H
#define FT_REQUEST_H

#include "ft_abi.h"
#include "python.h"

#include <stdbool.h>
#include <stdint.h>

#define STATUS_FAILED FT_HTTP_FAILED	  /* the application did, before it said a status */
#define STATUS_GONE FT_HTTP_CLIENT_CLOSED /* the client was gone before that */
#define STATUS_UNKNOWN (-1)		  /* the server may have told the client this or that */

struct http_request {
	PyObject_HEAD uint64_t number;
	unsigned run; /* that has its HTTP_REQUEST; 0: none has */
	int status;   /* what the application said; 0: nothing yet */
	char sent;    /* the client has that already */
	char unsure;  /* or it may have */
	char held;    /* the server gathers parts of the body before it sends any */
	bool over;
	PyObject *id; /* owned str of latin-1 */
};

extern PyTypeObject request_type;

/* What is known of it: borrowed, each a str, None or NULL. */
struct request_facts {
	PyObject *id; /* what X-Request-ID brought */
	PyObject *method, *path, *remote_addr, *user_agent;
};

/* A new one, and its HTTP_REQUEST. NULL with a Python error set. */
struct http_request *request_begin(const struct request_facts *facts);
/* What the client was told, as far as that is known, of a request that is left as it is; otherwise:
 * if the application said nothing. */
int request_said(const struct http_request *r, int otherwise);
/* Its HTTP_RESPONSE, the first time. Whatever error is set stays so. */
void request_end(struct http_request *r, int status);
/* Is it a request that is not over? NULL is none. */
bool request_is_open(PyObject *found);
/* What is called between these two is called for it. Errors that are set stay so. */
PyObject *request_enter(struct http_request *r);
void request_leave(PyObject *token);
/* Wrappers exist from now on: calls are asked what they are made for. -1 with an error set. */
int request_watch(void);

#endif
