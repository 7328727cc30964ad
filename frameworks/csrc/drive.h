/* SPDX-License-Identifier: MIT */
/*
 * An awaitable around another, which runs for a request: a coroutine in all that a loop asks of
 * one, without a frame of its own.
 */
#ifndef FT_DRIVE_H
#define FT_DRIVE_H

#include "request.h"

enum drive_how {
	DRIVE_PART,  /* some of what is done for the request */
	DRIVE_APP,   /* all of it: the request is over at its end, if it was not before */
	DRIVE_FIRST, /* the first of the body is sent: the client has the status with it */
	DRIVE_LAST,  /* the last of the response is sent: the request is over with it */
};

/* NULL with an error set. */
PyObject *drive_new(struct http_request *request, PyObject *awaitable, enum drive_how how);
int drive_init(void);

#endif
