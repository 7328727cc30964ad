/* SPDX-License-Identifier: MIT */
#include "look.h"

#include <stdbool.h>

/* Every type has these itself, or its base has: what is inside is asked first. */
static const char *const of_inside[] = {"__class__", "__doc__", "__module__", "__annotations__",
					"__type_params__"};

/* copy and pickle ask for these, and would make another of what is inside, without us. */
static const char *const own[] = {"__copy__",	    "__deepcopy__",   "__getstate__",
				  "__setstate__",   "__getnewargs__", "__getnewargs_ex__",
				  "__getinitargs__"};

#define IS_IN(name, names) is_in(name, names, sizeof(names) / sizeof(*(names)))

static bool is_in(PyObject *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!PyUnicode_CompareWithASCIIString(name, names[i]))
			return true;
	return false;
}

/* What was set on it: new; NULL: nothing, without an error. */
static PyObject *set_on(PyObject *self, PyObject *name)
{
	PyObject *dict, *value;

	if (!(Py_TYPE(self)->tp_flags & Py_TPFLAGS_HEAPTYPE))
		return NULL;
	dict = PyObject_GenericGetDict(self, NULL);
	value = dict ? PyDict_GetItemWithError(dict, name) : NULL;
	Py_XINCREF(value);
	Py_XDECREF(dict);
	PyErr_Clear();
	return value;
}

/* inspect takes a class as it is, and would ask ours how it is called. */
static PyObject *signature_of(PyObject *class)
{
	PyObject *inspect = PyImport_ImportModule("inspect"), *signature;

	signature = inspect ? PyObject_CallMethod(inspect, "signature", "O", class) : NULL;
	Py_XDECREF(inspect);
	if (!signature && !PyErr_ExceptionMatches(PyExc_AttributeError))
		PyErr_SetString(PyExc_AttributeError, "__signature__");
	return signature;
}

static PyObject *ask_inside(PyObject *inside, PyObject *name)
{
	if (!PyUnicode_CompareWithASCIIString(name, "__wrapped__")) {
		Py_INCREF(inside);
		return inside;
	}
	if (PyType_Check(inside) && !PyUnicode_CompareWithASCIIString(name, "__signature__"))
		return signature_of(inside);
	return PyObject_GetAttr(inside, name);
}

PyObject *look_attribute(PyObject *self, PyObject *inside, PyObject *name)
{
	PyObject *found;

	if (inside && IS_IN(name, of_inside)) {
		found = set_on(self, name);
		return found ?: PyObject_GetAttr(inside, name);
	}
	found = PyObject_GenericGetAttr(self, name);
	if (found || !inside || !PyErr_ExceptionMatches(PyExc_AttributeError) || IS_IN(name, own))
		return found;
	PyErr_Clear();
	return ask_inside(inside, name);
}

PyTypeObject *look_base(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);

	while (type->tp_flags & Py_TPFLAGS_HEAPTYPE)
		type = type->tp_base;
	return type;
}
