/* SPDX-License-Identifier: MIT */
/*
 * An awaitable around another, which runs for a request: a coroutine in all that a loop asks of
 * one, without a frame of its own.
 */
#ifndef FT_AWAITABLE_H
#define FT_AWAITABLE_H

#include "request.h"

enum awaitable_how {
	AWAITABLE_PART,	 /* some of what is done for the request */
	AWAITABLE_APP,	 /* all of it: the request is over at its end, if it was not before */
	AWAITABLE_FIRST, /* the first of the body is sent: the client has the status with it */
	AWAITABLE_LAST,	 /* the last of the response is sent: the request is over with it */
};

/* NULL with an error set. */
PyObject *awaitable_new(struct http_request *request, PyObject *awaitable, enum awaitable_how how);
int awaitable_init(void);

#endif
