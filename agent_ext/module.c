/* SPDX-License-Identifier: MIT */
/*
 * flowtrace_agent._core: what the package's Python side (_run.py, decorators.py) needs of C.
 */
#include "python.h"

#include <errno.h>

#include "backend.h"
#include "engine.h"
#include "filter/stdlib.h"
#include "frameworks.h"
#include "names.h"
#include "open_calls.h"
#include "opens.h"
#include "redact.h"
#include "settings.h"
#include "status.h"

#ifdef Py_GIL_DISABLED
#error "flowtrace_agent needs the GIL: it does not support free-threaded builds"
#endif

static struct settings settings;
static bool watching; /* everything that is wanted, not only what is marked */

/* ---- a run ------------------------------------------------------------------------------ */

static PyObject *fail(const struct why *w, int err)
{
	PyObject *args = Py_BuildValue("(is)", err < 0 ? -err : EIO, w->text);

	if (args)
		PyErr_SetObject(PyExc_OSError, args);
	Py_XDECREF(args);
	return NULL;
}

static PyObject *core_start(PyObject *self, PyObject *args, PyObject *kwargs)
{
	struct settings wanted;
	struct why w = {};
	int err;

	if (engine_running()) {
		PyErr_SetString(PyExc_RuntimeError, "a run is on: stop it first");
		return NULL;
	}
	if (settings_read(args, kwargs, &wanted))
		return NULL;
	if (names_filter(wanted.prefix, wanted.exclude) || redact_set(wanted.redact)) {
		settings_release(&wanted);
		return NULL;
	}
	settings_release(&settings);
	settings = wanted;
	err = engine_start(&settings, backend_look, &w);
	if (err)
		return fail(&w, err);
	open_forget();
	watching = false;
	if (backend_start(false)) {
		struct engine_totals unused;

		(void)engine_stop(&unused, &w);
		return NULL;
	}
	opens_run(&settings);
	status_run(&settings);
	Py_RETURN_NONE;
}

static PyObject *core_stop(PyObject *self, PyObject *unused)
{
	struct engine_totals t;
	struct why w = {};
	int err;

	status_watching(false);
	backend_stop();
	watching = false;
	err = engine_stop(&t, &w);
	open_forget();
	if (err)
		return fail(&w, err);
	return Py_BuildValue("{sKsKsKsK}", "events", (unsigned long long)t.events, "lost",
			     (unsigned long long)t.lost, "functions",
			     (unsigned long long)t.functions, "unfinished",
			     (unsigned long long)t.unfinished);
}

static PyObject *core_flush(PyObject *self, PyObject *unused)
{
	struct why w = {};
	int err = engine_flush(&w);

	if (err)
		return fail(&w, err);
	Py_RETURN_NONE;
}

static PyObject *core_running(PyObject *self, PyObject *unused)
{
	return PyBool_FromLong(engine_running());
}

/* ---- what is traced --------------------------------------------------------------------- */

static PyObject *core_watch(PyObject *self, PyObject *arg)
{
	int on = PyObject_IsTrue(arg);

	if (on < 0)
		return NULL;
	if (on && !engine_running()) {
		PyErr_SetString(PyExc_RuntimeError, "no run is on: start one first");
		return NULL;
	}
	if (engine_running() && backend_start(on))
		return NULL;
	watching = on;
	status_watching(on && engine_running());
	Py_RETURN_NONE;
}

static PyObject *core_watching(PyObject *self, PyObject *unused)
{
	return PyBool_FromLong(watching && engine_running());
}

static PyObject *core_mark(PyObject *self, PyObject *code)
{
	if (!PyCode_Check(code))
		return PyErr_Format(PyExc_TypeError, "a code object is wanted, not %.100s",
				    Py_TYPE(code)->tp_name);
	if (code_mark((PyCodeObject *)code) || backend_marked((PyCodeObject *)code))
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *core_is_stdlib(PyObject *self, PyObject *module)
{
	const char *name = PyUnicode_AsUTF8(module);

	return name ? PyBool_FromLong(stdlib_has(name)) : NULL;
}

/* ---- the module ------------------------------------------------------------------------- */

#define KEYWORDS(name) (PyCFunction)(void (*)(void)) name, METH_VARARGS | METH_KEYWORDS

static PyMethodDef methods[] = {
	{"start", KEYWORDS(core_start), "Begins a run: opens the file, starts the writer."},
	{"stop", core_stop, METH_NOARGS, "Writes everything and ends the run; returns totals."},
	{"flush", core_flush, METH_NOARGS, "What is recorded by now is in the file after it."},
	{"running", core_running, METH_NOARGS, "Is a run on?"},
	{"watch", core_watch, METH_O, "Automatic tracing of all wanted modules, on or off."},
	{"watching", core_watching, METH_NOARGS, "Is automatic tracing on?"},
	{"mark", core_mark, METH_O, "Traces a code object whenever a run is on."},
	{"is_stdlib", core_is_stdlib, METH_O, "Is a dotted module name of the standard library?"},
	{NULL, NULL, 0, NULL},
};

/*
 * A dictionary that lasts as long as the interpreter, borrowed: the module may be imported again,
 * and must find what it began. Another copy of this library in the process has another.
 */
static PyObject *kept_by(PyInterpreterState *interpreter)
{
	PyObject *all = PyInterpreterState_GetDict(interpreter), *kept = NULL;
	char key[64];

	snprintf(key, sizeof(key), "flowtrace_agent._core at %p", (void *)&settings);
	if (all)
		kept = PyDict_GetItemString(all, key);
	if (kept)
		return kept;
	kept = all ? PyDict_New() : PyErr_NoMemory();
	if (kept && PyDict_SetItemString(all, key, kept))
		Py_CLEAR(kept);
	Py_XDECREF(kept); /* all has it */
	return kept;
}

static int exec_module(PyObject *module)
{
#if PY_VERSION_HEX >= 0x03090000
	PyInterpreterState *here = PyInterpreterState_Get();
#else
	PyInterpreterState *here = _PyInterpreterState_Get();
#endif
	PyObject *kept;

	if (here != PyInterpreterState_Main()) {
		PyErr_SetString(PyExc_ImportError,
				"flowtrace_agent does not work in sub-interpreters: import it in "
				"the main interpreter only");
		return -1;
	}
	kept = kept_by(here);
	if (!kept)
		return -1;
	opens_init(kept);
	return names_init(kept) || PyObject_SetAttrString(module, "kept", kept) ||
			       PyModule_AddIntConstant(module, "MAX_ARG_LENGTH",
						       FT_MAX_TOKEN_BYTES_INSIDE) ||
			       PyModule_AddIntConstant(module, "MAX_DEPTH", FT_MAX_DEPTH) ||
			       PyModule_AddIntConstant(module, "MAX_ITEMS", FT_MAX_ITEMS) ||
			       frameworks_init(module)
		       ? -1
		       : 0;
}

static PyModuleDef_Slot slots[] = {
	{Py_mod_exec, exec_module},
	{0, NULL},
};

static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT,
	.m_name = "flowtrace_agent._core",
	.m_doc = "The part of flowtrace_agent that is written in C.",
	.m_methods = methods,
	.m_slots = slots,
};

/* 3.8 does not say so itself. */
__attribute__((visibility("default"))) PyMODINIT_FUNC PyInit__core(void)
{
	return PyModuleDef_Init(&definition);
}
