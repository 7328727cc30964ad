/* SPDX-License-Identifier: MIT */
/*
 * Around a WSGI application (PEP 3333): what it calls and what it returns is wrapped too, so that
 * the response ends when its body does, or when the server closes it before that.
 *
 * A file that the server itself sends (an instance of wsgi.file_wrapper) goes through as it is:
 * that response ends when the application returns.
 */
#ifndef FT_WSGI_H
#define FT_WSGI_H

#include "request.h"

extern PyTypeObject wsgi_type;
int wsgi_init(void);

/* The body of a response: iterated for its request, which is over at its end. */
PyObject *body_new(struct http_request *request, PyObject *iterable);

#endif
