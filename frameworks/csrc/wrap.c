/* SPDX-License-Identifier: MIT */
#include "wrap.h"

#include "look.h"

#include <string.h>

struct wrap *wrap_new(PyTypeObject *type, struct http_request *request, PyObject *inner)
{
	struct wrap *w = PyObject_GC_New(struct wrap, type);

	if (!w)
		return NULL;
	Py_XINCREF(request);
	Py_INCREF(inner);
	w->request = request;
	w->inner = inner;
	w->more = NULL;
	w->how = 0;
	w->weak = NULL;
	PyObject_GC_Track(w);
	return w;
}

int wrap_traverse(PyObject *self, visitproc visit, void *arg)
{
	struct wrap *w = (struct wrap *)self;

	Py_VISIT(w->inner);
	Py_VISIT(w->more);
	return 0;
}

int wrap_clear(PyObject *self)
{
	struct wrap *w = (struct wrap *)self;

	Py_CLEAR(w->inner);
	Py_CLEAR(w->more);
	return 0;
}

void wrap_dealloc(PyObject *self)
{
	struct wrap *w = (struct wrap *)self;

	PyObject_GC_UnTrack(self);
	if (w->weak)
		PyObject_ClearWeakRefs(self);
	(void)wrap_clear(self);
	Py_CLEAR(w->request);
	Py_TYPE(self)->tp_free(self);
}

int wrap_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"app", NULL};
	PyObject *app;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O", names, &app) || request_watch())
		return -1;
	if (!PyCallable_Check(app)) {
		PyErr_Format(PyExc_TypeError,
			     "an application is called: %.100s object is not callable",
			     Py_TYPE(app)->tp_name);
		return -1;
	}
	Py_INCREF(app);
	Py_XSETREF(((struct wrap *)self)->inner, app);
	return 0;
}

PyObject *wrap_getattro(PyObject *self, PyObject *name)
{
	return look_attribute(self, ((struct wrap *)self)->inner, name);
}

/* Another one of its kind, around something else. */
static PyObject *around(PyObject *self, PyObject *inner)
{
	struct http_request *request = ((struct wrap *)self)->request;

	return (PyObject *)wrap_new(look_base(self), request, inner);
}

/*
 * The __call__ of an object is a method, which says what the object is: ours wraps it. That
 * of a function says nothing.
 */
static PyObject *call_of(PyObject *self, PyObject *inner)
{
	PyObject *call = PyObject_GetAttrString(inner, "__call__"), *made;

	if (call && call != inner && strcmp(Py_TYPE(call)->tp_name, "method-wrapper")) {
		made = around(self, call);
		Py_DECREF(call);
		return made;
	}
	Py_XDECREF(call);
	PyErr_Clear();
	Py_INCREF(self);
	return self;
}

PyObject *wrap_app_getattro(PyObject *self, PyObject *name)
{
	PyObject *inner = ((struct wrap *)self)->inner;

	if (inner && !PyUnicode_CompareWithASCIIString(name, "__call__"))
		return call_of(self, inner);
	return look_attribute(self, inner, name);
}

PyObject *wrap_bind(PyObject *self, PyObject *object, PyObject *type)
{
	PyObject *inner = ((struct wrap *)self)->inner, *bound, *made;
	descrgetfunc bind = inner ? Py_TYPE(inner)->tp_descr_get : NULL;

	bound = bind ? bind(inner, object, type) : NULL;
	if (bind && !bound)
		return NULL;
	if (!bound || bound == inner) {
		Py_XDECREF(bound);
		Py_INCREF(self);
		return self;
	}
	made = around(self, bound);
	Py_DECREF(bound);
	return made;
}

PyMemberDef wrap_members[] = {
	{"app", T_OBJECT_EX, offsetof(struct wrap, inner), READONLY, NULL},
	{NULL, 0, 0, 0, NULL},
};
