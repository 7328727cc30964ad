/* SPDX-License-Identifier: MIT */
#include "awaitable.h"

#include "look.h"
#include "wrap.h"

/* inner: the iterator of the awaitable; more: the awaitable if it is a coroutine; how: an enum
 * awaitable_how. */
static PyTypeObject awaitable_type;

/* What `await` makes of it. */
static PyObject *iterator_of(PyObject *awaitable)
{
	PyAsyncMethods *async = Py_TYPE(awaitable)->tp_as_async;

	if (async && async->am_await)
		return async->am_await(awaitable);
	if (PyGen_CheckExact(awaitable)) { /* of types.coroutine() */
		Py_INCREF(awaitable);
		return awaitable;
	}
	return PyErr_Format(PyExc_TypeError, "object %.100s can't be used in 'await' expression",
			    Py_TYPE(awaitable)->tp_name);
}

PyObject *awaitable_new(struct http_request *request, PyObject *awaitable, enum awaitable_how how)
{
	PyObject *iterator = iterator_of(awaitable);
	struct wrap *w = iterator ? wrap_new(&awaitable_type, request, iterator) : NULL;

	Py_XDECREF(iterator);
	if (!w)
		return NULL;
	w->how = how;
	if (PyCoro_CheckExact(awaitable) || PyGen_CheckExact(awaitable)) {
		Py_INCREF(awaitable);
		w->more = awaitable;
	}
	return (PyObject *)w;
}

/* ---- its end -------------------------------------------------------------------- */

/* What the client got, or gets: the server answers for an application that failed. */
static int final_status(const struct http_request *r)
{
	PyObject *error = PyErr_Occurred();

	/* CancelledError and others that are not an Exception: the client has gone. */
	if (error && !PyErr_GivenExceptionMatches(error, PyExc_Exception))
		return request_said(r, STATUS_GONE);
	return request_said(r, STATUS_FAILED);
}

static bool is_sending(const struct wrap *w)
{
	return w->how == AWAITABLE_FIRST || w->how == AWAITABLE_LAST;
}

static bool ends(const struct wrap *w)
{
	return w->how == AWAITABLE_APP || w->how == AWAITABLE_LAST;
}

static void end_awaitable(const struct wrap *w)
{
	if (is_sending(w) && (!PyErr_Occurred() || PyErr_ExceptionMatches(PyExc_StopIteration)))
		w->request->sent = 1;
	if (ends(w))
		request_end(w->request, final_status(w->request));
}

/* ---- its steps ------------------------------------------------------------------ */

typedef PyObject *(*step_fn)(PyObject *inner, PyObject *arg);

static PyObject *awaitable_step(struct wrap *w, step_fn step, PyObject *arg)
{
	PyObject *token = NULL, *result;

	if (!is_sending(w)) {
		token = request_enter(w->request);
		if (!token)
			return NULL;
	}
	result = step(w->inner, arg);
	request_leave(token);
	if (!result)
		end_awaitable(w);
	return result;
}

static PyObject *step_next(PyObject *inner, PyObject *unused)
{
	if (!Py_TYPE(inner)->tp_iternext)
		return PyErr_Format(PyExc_TypeError,
				    "__await__() returned non-iterator of type "
				    "'%.100s'",
				    Py_TYPE(inner)->tp_name);
	return Py_TYPE(inner)->tp_iternext(inner);
}

static PyObject *step_send(PyObject *inner, PyObject *value)
{
	return PyObject_CallMethod(inner, "send", "(O)", value);
}

static PyObject *step_throw(PyObject *inner, PyObject *args)
{
	PyObject *method = PyObject_GetAttrString(inner, "throw");
	PyObject *result = method ? PyObject_CallObject(method, args) : NULL;

	Py_XDECREF(method);
	return result;
}

static PyObject *step_close(PyObject *inner, PyObject *unused)
{
	PyObject *method = PyObject_GetAttrString(inner, "close"), *result;

	if (!method) {
		if (!PyErr_ExceptionMatches(PyExc_AttributeError))
			return NULL;
		PyErr_Clear();
		Py_RETURN_NONE;
	}
	result = PyObject_CallObject(method, NULL);
	Py_DECREF(method);
	return result;
}

static PyObject *awaitable_next(PyObject *self)
{
	return awaitable_step((struct wrap *)self, step_next, NULL);
}

static PyObject *awaitable_send(PyObject *self, PyObject *value)
{
	PyObject *result = awaitable_step((struct wrap *)self,
					  value == Py_None ? step_next : step_send, value);

	if (!result && !PyErr_Occurred())
		PyErr_SetNone(PyExc_StopIteration);
	return result;
}

static PyObject *awaitable_throw(PyObject *self, PyObject *args)
{
	return awaitable_step((struct wrap *)self, step_throw, args);
}

static PyObject *awaitable_close(PyObject *self, PyObject *unused)
{
	struct wrap *w = (struct wrap *)self;
	PyObject *result = awaitable_step(w, step_close, NULL);

	if (result && ends(w))
		request_end(w->request, request_said(w->request, STATUS_GONE));
	return result;
}

static PyObject *itself(PyObject *self)
{
	Py_INCREF(self);
	return self;
}

static PyObject *awaitable_await(PyObject *self, PyObject *unused)
{
	return itself(self);
}

static PyObject *awaitable_getattro(PyObject *self, PyObject *name)
{
	return look_attribute(self, ((struct wrap *)self)->more, name);
}

static PyMethodDef methods[] = {
	{"send", awaitable_send, METH_O, NULL},
	{"throw", awaitable_throw, METH_VARARGS, NULL},
	{"close", awaitable_close, METH_NOARGS, NULL},
	{"__await__", awaitable_await, METH_NOARGS, NULL},
	{NULL, NULL, 0, NULL},
};

static PyAsyncMethods async = {.am_await = itself};

static PyTypeObject awaitable_type = {
	WRAP_TYPE("Drive"),
	.tp_flags = WRAP_FLAGS,
	.tp_as_async = &async,
	.tp_iter = itself,
	.tp_iternext = awaitable_next,
	.tp_methods = methods,
	.tp_getattro = awaitable_getattro,
};

int awaitable_init(void)
{
	return PyType_Ready(&awaitable_type);
}
