/* SPDX-License-Identifier: MIT */
#include "frameworks.h"

#include "asgi.h"
#include "awaitable.h"
#include "request.h"
#include "wsgi.h"

/* ---- methods of Request --------------------------------------------------------- */

static PyObject *method_end(PyObject *self, PyObject *unused)
{
	struct http_request *r = (struct http_request *)self;

	request_end(r, r->status ?: STATUS_FAILED);
	Py_RETURN_NONE;
}

static PyObject *method_call(PyObject *self, PyObject *args)
{
	PyObject *function, *arg, *token, *result;

	if (!PyArg_ParseTuple(args, "OO:call", &function, &arg))
		return NULL;
	token = request_enter((struct http_request *)self);
	if (!token)
		return NULL;
	result = PyObject_CallFunctionObjArgs(function, arg, NULL);
	request_leave(token);
	return result;
}

static PyObject *method_drive(PyObject *self, PyObject *awaitable)
{
	return awaitable_new((struct http_request *)self, awaitable, AWAITABLE_PART);
}

static PyObject *method_iterate(PyObject *self, PyObject *iterable)
{
	((struct http_request *)self)->sent = 1;
	return body_new((struct http_request *)self, iterable);
}

static PyMethodDef request_methods[] = {
	{"end", method_end, METH_NOARGS, "It is over, with .status."},
	{"call", method_call, METH_VARARGS, "Calls a function with one argument for it."},
	{"drive", method_drive, METH_O, "An awaitable that runs for it."},
	{"iterate", method_iterate, METH_O, "A body that is made for it, and ends it."},
	{NULL, NULL, 0, NULL},
};

static int request_init(void)
{
	request_type.tp_methods = request_methods;
	return PyType_Ready(&request_type);
}

/* ---- the module ----------------------------------------------------------------- */

static int add_type(PyObject *module, const char *name, PyTypeObject *type)
{
	Py_INCREF(type);
	if (!PyModule_AddObject(module, name, (PyObject *)type))
		return 0;
	Py_DECREF(type);
	return -1;
}

int frameworks_init(PyObject *module)
{
	return request_init() || awaitable_init() || wsgi_init() || asgi_init() ||
			       add_type(module, "Request", &request_type) ||
			       add_type(module, "WSGI", &wsgi_type) ||
			       add_type(module, "ASGI", &asgi_type)
		       ? -1
		       : 0;
}
