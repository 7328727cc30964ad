/* SPDX-License-Identifier: MIT */
#include "subscript.h"

#if PY_VERSION_HEX >= 0x030b0000 && PY_VERSION_HEX < 0x030c0000

#include <stdbool.h>

#include "base/buf.h"

static bool concerned; /* the interpreter that runs this is such a release */

/* ---- functions that have a version ------------------------------------------------------- */

#define VERSION_SHORT 0xffffu
#define VERSION_KEPT 0x80000000u /* as unique as it was */

static void keep(PyObject *o)
{
	PyFunctionObject *function = (PyFunctionObject *)o;

	if (!PyFunction_Check(o) || !function->func_version ||
	    function->func_version > VERSION_SHORT ||
	    ((PyCodeObject *)function->func_code)->co_argcount != 2)
		return;
	function->func_version |= VERSION_KEPT;
}

static void keep_all_in(PyObject *dict)
{
	PyObject *key, *value;
	Py_ssize_t at = 0;

	while (dict && PyDict_Next(dict, &at, &key, &value))
		keep(value);
}

/*
 * All methods: any may become __getitem__ later. A class of several bases is found below the one
 * that it extends in memory, once.
 */
static void keep_in_classes(PyTypeObject *type)
{
	PyObject *below = type->tp_subclasses, *key, *reference;
	Py_ssize_t at = 0;

	if (type->tp_flags & Py_TPFLAGS_HEAPTYPE)
		keep_all_in(type->tp_dict);
	while (below && PyDict_Next(below, &at, &key, &reference)) {
		PyObject *other = PyWeakref_GET_OBJECT(reference);

		if (PyType_Check(other) && ((PyTypeObject *)other)->tp_base == type)
			keep_in_classes((PyTypeObject *)other);
	}
}

/* The same. */
static void keep_in_modules(void)
{
	PyObject *modules = PyImport_GetModuleDict(), *key, *module;
	Py_ssize_t at = 0;

	while (modules && PyDict_Next(modules, &at, &key, &module))
		if (PyModule_Check(module))
			keep_all_in(PyModule_GetDict(module));
}

/* ---- functions that have none yet -------------------------------------------------------- */

/*
 * They get the next number that there is, when a place that calls them is specialised. So numbers
 * are used up, by places in code of our own that call functions of our own.
 */
#define PLACES 128
#define WARM 9 /* calls before a place is specialised when it is first reached */

static void for_places(struct buf *text, const char *format)
{
	char part[32];

	for (int i = 0; i < PLACES; i++) {
		snprintf(part, sizeof(part), format, i);
		buf_str(text, part);
	}
}

/* def use(f): if f: (f0,f1,)=f; f0();f1(); */
static PyObject *source_of_places(void)
{
	struct buf text = {};
	PyObject *source = NULL;

	buf_str(&text, "def use(f):\n if f:\n  (");
	for_places(&text, "f%d,");
	buf_str(&text, ")=f\n");
	for_places(&text, "  f%d()\n");
	buf_str(&text, "def none(): pass\n");
	if (!text.failed)
		source = PyUnicode_FromStringAndSize(text.s, text.len);
	buf_release(&text);
	return source ?: PyErr_Occurred() ? source : PyErr_NoMemory();
}

/* The namespace in which both are defined. */
static PyObject *make_places(void)
{
	PyObject *source = source_of_places(), *space = PyDict_New(), *done = NULL;

	if (source && space && !PyDict_SetItemString(space, "__builtins__", PyEval_GetBuiltins()))
		done = PyRun_String(PyUnicode_AsUTF8(source), Py_file_input, space, space);
	if (!done)
		Py_CLEAR(space);
	Py_XDECREF(source);
	Py_XDECREF(done);
	return space;
}

static PyObject *make_functions(PyObject *space)
{
	PyObject *none = PyDict_GetItemString(space, "none"), *all = PyTuple_New(PLACES);

	for (int i = 0; all && i < PLACES; i++) {
		PyObject *function = PyFunction_New(PyFunction_GET_CODE(none), space);

		if (!function)
			Py_CLEAR(all);
		else
			PyTuple_SET_ITEM(all, i, function);
	}
	return all;
}

static uint32_t *version_of(PyObject *functions, int i)
{
	return &((PyFunctionObject *)PyTuple_GET_ITEM(functions, i))->func_version;
}

static int call(PyObject *use, PyObject *functions)
{
	PyObject *result = PyObject_CallOneArg(use, functions);

	Py_XDECREF(result);
	return result ? 0 : -1;
}

/* Each place is specialised once: in a fresh copy of the code, for functions without a version. */
static int use_up_some(PyObject *space, PyObject *functions, PyObject *empty)
{
	PyObject *use = PyDict_GetItemString(space, "use");
	PyObject *code = PyObject_CallMethod(PyFunction_GET_CODE(use), "replace", NULL);
	PyObject *fresh = code ? PyFunction_New(code, space) : NULL;
	int err = fresh ? 0 : -1;

	for (int i = 0; !err && i < WARM; i++)
		err = call(fresh, empty);
	for (int i = 0; i < PLACES; i++)
		*version_of(functions, i) = 0;
	if (!err)
		err = call(fresh, functions);
	Py_XDECREF(code);
	Py_XDECREF(fresh);
	return err;
}

static int use_up_short_versions(void)
{
	PyObject *space = make_places(), *functions = space ? make_functions(space) : NULL;
	PyObject *empty = PyTuple_New(0);
	int err = functions && empty ? 0 : -1;
	PyThreadState *thread = PyThreadState_Get();

	/* A trace function of this thread would see it, and nothing be specialised. */
	PyThreadState_EnterTracing(thread);
	for (unsigned n = 0; !err && n <= VERSION_SHORT; n += PLACES) {
		err = use_up_some(space, functions, empty);
		if (!err && *version_of(functions, PLACES - 1) > VERSION_SHORT)
			break;
	}
	PyThreadState_LeaveTracing(thread);
	Py_XDECREF(space);
	Py_XDECREF(functions);
	Py_XDECREF(empty);
	return err;
}

/* ---- both -------------------------------------------------------------------------------- */

int subscript_watch(void)
{
	if (concerned || Py_Version >= 0x030b04f0)
		return 0;
	if (use_up_short_versions())
		return -1;
	keep_in_classes(&PyBaseObject_Type);
	keep_in_modules();
	concerned = true;
	return 0;
}

void subscript_seen(PyObject *function)
{
	if (concerned)
		keep(function);
}

#endif
