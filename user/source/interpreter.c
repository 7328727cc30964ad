/* SPDX-License-Identifier: MIT */
#include "source/walk.h" /* Python.h comes first */

#include <errno.h>

#include "source/embed.h"
#include "source/interpreter.h"

#define STRINGIFY(x) #x
#define VERSION(major, minor) STRINGIFY(major) "." STRINGIFY(minor)

EMBED(walk_source, FT_SOURCE_DIR "/walk.py");

static PyObject *walk; /* the namespace that it made */

const char *interpreter_version(void)
{
	return VERSION(PY_MAJOR_VERSION, PY_MINOR_VERSION);
}

/* What Python says in PyStatus is for its developers: this says what to do. */
static int cannot_start(const PyStatus *status, struct why *w)
{
	return why(w, -ENOEXEC,
		   "cannot start the Python %s inside this program: %s: is libpython%s-stdlib "
		   "installed?",
		   interpreter_version(), status->err_msg ? status->err_msg : "it ended",
		   interpreter_version());
}

static PyStatus initialize(void)
{
	PyConfig config;
	PyStatus status;

	PyConfig_InitIsolatedConfig(&config);
	config.site_import = 0;
	config.write_bytecode = 0;
	/* Where its library is: else it would go by whatever python3 is first in PATH. */
	status = PyConfig_SetBytesString(&config, &config.home, FT_PYTHON_PREFIX);
	if (!PyStatus_Exception(status))
		status = Py_InitializeFromConfig(&config);
	PyConfig_Clear(&config);
	return status;
}

static int load_walk(struct why *w)
{
	PyObject *code = Py_CompileString(walk_source, "walk.py", Py_file_input);
	PyObject *names = PyDict_New(), *done = NULL;

	/* Of names, the compiler imports what it needs for \N{...} by. */
	if (code && names && !PyDict_SetItemString(names, "__builtins__", PyEval_GetBuiltins()))
		done = PyEval_EvalCode(code, names, names);
	Py_XDECREF(code);
	if (!done) {
		PyErr_Clear();
		Py_XDECREF(names);
		return why(w, -ENOEXEC, "the Python %s inside this program does not work",
			   interpreter_version());
	}
	Py_DECREF(done);
	walk = names;
	return 0;
}

int interpreter_start(struct why *w)
{
	PyStatus status;

	if (walk)
		return 0;
	status = initialize();
	if (PyStatus_Exception(status))
		return cannot_start(&status, w);
	return load_walk(w);
}

void interpreter_stop(void)
{
	Py_CLEAR(walk);
	if (Py_IsInitialized())
		Py_FinalizeEx();
}

PyObject *walk_call(const char *function, const char *source, size_t len)
{
	PyObject *callable = PyDict_GetItemString(walk, function); /* borrowed */
	PyObject *bytes = PyBytes_FromStringAndSize(source, (Py_ssize_t)len);
	PyObject *result = bytes ? PyObject_CallOneArg(callable, bytes) : NULL;

	Py_XDECREF(bytes);
	return result;
}
