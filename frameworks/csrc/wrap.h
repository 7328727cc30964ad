/* SPDX-License-Identifier: MIT */
/*
 * Callables and iterables that wrap those of an application or a server, and add no Python
 * frame. They are all of one shape.
 */
#ifndef FT_WRAP_H
#define FT_WRAP_H

#include "request.h"

#include <structmember.h>

struct wrap {
	PyObject_HEAD struct http_request *request; /* owned; NULL in what wraps an application */
	PyObject *inner;			    /* owned: what it wraps */
	PyObject *more;				    /* owned or NULL: each kind says what */
	int how;				    /* each kind says what */
	PyObject *weak;				    /* weak references to it */
};

/* What every type of them has. */
#define WRAP_TYPE(name)                                                                            \
	PyVarObject_HEAD_INIT(NULL, 0).tp_name = "flowtrace_agent._core." name,                    \
				    .tp_basicsize = sizeof(struct wrap),                           \
				    .tp_dealloc = wrap_dealloc, .tp_traverse = wrap_traverse,      \
				    .tp_clear = wrap_clear,                                        \
				    .tp_weaklistoffset = offsetof(struct wrap, weak)

#define WRAP_FLAGS (Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC)

/* NULL with an error set. */
struct wrap *wrap_new(PyTypeObject *type, struct http_request *request, PyObject *inner);
void wrap_dealloc(PyObject *self);
int wrap_traverse(PyObject *self, visitproc visit, void *arg);
int wrap_clear(PyObject *self);

/* An attribute of what wraps a callable: it looks like that (look.h). */
PyObject *wrap_getattro(PyObject *self, PyObject *name);

/*
 * What wraps an application: __init__(app), its member `app`, its attributes, of which
 * __call__ is around that of the application, and what it is as a method of a class.
 */
int wrap_init(PyObject *self, PyObject *args, PyObject *kwargs);
extern PyMemberDef wrap_members[];
PyObject *wrap_app_getattro(PyObject *self, PyObject *name);
PyObject *wrap_bind(PyObject *self, PyObject *object, PyObject *type);

/* Is it b, ASCII case ignored? a: lower case. */
static inline bool same_name(const char *a, const char *b, Py_ssize_t b_len)
{
	for (; *a && b_len && *a == (*b >= 'A' && *b <= 'Z' ? *b + 'a' - 'A' : *b); a++, b++)
		b_len--;
	return !*a && !b_len;
}

#endif
