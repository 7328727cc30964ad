/* SPDX-License-Identifier: MIT */
#include "source/walk.h" /* Python.h comes first */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "source/examine.h"
#include "source/interpreter.h"

static const struct {
	const char *name, *text;
} states[FOUND_STATES] = {
	[FOUND_FREE] = {"instrumentable", "can be instrumented"},
	[FOUND_INSTRUMENTED] = {"instrumented", "already instrumented"},
	[FOUND_STUB] = {"stub", "nothing in its body"},
	[FOUND_OVERLOAD] = {"overload", "an overload, for type checkers"},
	[FOUND_TYPE_CHECKING] = {"type-checking", "exists for type checkers only"},
	[FOUND_COMPILED] = {"compiled", "compiled to machine code by its decorator"},
	[FOUND_READS_FRAMES] = {"reads-frames", "looks at the frames of its callers"},
};

const char *found_state_name(enum found_state s)
{
	return states[s].name;
}

const char *found_state_text(enum found_state s)
{
	return states[s].text;
}

const char *refusal_name(enum refusal r)
{
	static const char *const name[] = {
		[REFUSAL_PYTHON_2] = "python-2",
		[REFUSAL_SYNTAX] = "syntax",
		[REFUSAL_ENCODING] = "encoding",
		[REFUSAL_TOO_DEEP] = "too-deep",
	};

	return name[r];
}

void found_release(struct found *f)
{
	for (size_t i = 0; i < f->nfunctions; i++)
		free(f->function[i].name);
	free(f->function);
	free(f->decorator_line);
	free(f->frameworks);
	memset(f, 0, sizeof(*f));
}

static int no_memory(struct why *w)
{
	PyErr_Clear();
	return why(w, -ENOMEM, "out of memory");
}

static int refuse(PyObject *result, enum refusal *ret_refusal, struct why *w)
{
	int kind;
	Py_ssize_t line;
	const char *message;
	char where[32] = "";

	if (!PyArg_ParseTuple(result, "ins", &kind, &line, &message)) {
		PyErr_Clear();
		message = "its message is not text";
		kind = REFUSAL_SYNTAX;
		line = 0;
	}
	*ret_refusal = (enum refusal)kind;
	if (line > 0)
		snprintf(where, sizeof(where), "line %zd: ", line);
	if (kind == REFUSAL_PYTHON_2)
		return why(w, -EINVAL, "Python 2: %s%s", where, message);
	return why(w, -EINVAL, "not Python %s: %s%s", interpreter_version(), where, message);
}

static int take_functions(PyObject *list, struct found *f)
{
	Py_ssize_t count = PyList_GET_SIZE(list);

	f->function = calloc((size_t)count + 1, sizeof(*f->function));
	if (!f->function)
		return -ENOMEM;
	for (Py_ssize_t i = 0; i < count; i++) {
		struct found_function *to = &f->function[i];
		const char *name;
		int state;

		if (!PyArg_ParseTuple(PyList_GET_ITEM(list, i), "snIi", &name, &to->line,
				      &to->flags, &state))
			return -EINVAL;
		to->state = (enum found_state)state;
		to->name = strdup(name);
		f->nfunctions++;
		if (!to->name)
			return -ENOMEM;
	}
	return 0;
}

static int take_decorators(PyObject *list, struct found *f)
{
	f->ndecorators = (size_t)PyList_GET_SIZE(list);
	f->decorator_line = calloc(f->ndecorators + 1, sizeof(*f->decorator_line));
	if (!f->decorator_line)
		return -ENOMEM;
	for (size_t i = 0; i < f->ndecorators; i++)
		f->decorator_line[i] = PyLong_AsSize_t(PyList_GET_ITEM(list, (Py_ssize_t)i));
	return 0;
}

static int take_frameworks(PyObject *list, struct found *f)
{
	struct buf text = {};

	for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
		buf_str(&text, i ? ", " : "");
		buf_str(&text, PyUnicode_AsUTF8(PyList_GET_ITEM(list, i)));
	}
	f->frameworks = buf_dup(&text);
	buf_release(&text);
	return f->frameworks ? 0 : -ENOMEM;
}

static int take(PyObject *result, struct found *f)
{
	PyObject *functions, *decorators, *frameworks;
	int is_script, uses_our_name, err;

	if (!PyArg_ParseTuple(result, "O!nnnO!O!pp", &PyList_Type, &functions, &f->nclasses,
			      &f->import_line, &f->guard_line, &PyList_Type, &decorators,
			      &PyList_Type, &frameworks, &is_script, &uses_our_name))
		return -EINVAL;
	f->is_script = is_script;
	f->uses_our_name = uses_our_name;
	err = take_functions(functions, f);
	if (!err)
		err = take_decorators(decorators, f);
	return err ? err : take_frameworks(frameworks, f);
}

int examine(const char *source, size_t len, struct found *ret, enum refusal *ret_refusal,
	    struct why *w)
{
	struct found f = {};
	PyObject *result = walk_call("examine", source, len);
	int err = 0;

	if (!result)
		return no_memory(w);
	if (PyTuple_GET_SIZE(result) == 3) {
		err = refuse(result, ret_refusal, w);
	} else if (take(result, &f)) {
		found_release(&f);
		err = no_memory(w);
	} else {
		*ret = f;
	}
	Py_DECREF(result);
	return err;
}

int examine_compiles(const char *source, size_t len, struct why *w)
{
	PyObject *result = walk_call("compiles", source, len);
	const char *text;
	int err = 0;

	if (!result)
		return no_memory(w);
	if (result != Py_None) {
		text = PyUnicode_AsUTF8(result);
		err = why(w, -EINVAL, "%s", text ? text : "it does not compile");
		PyErr_Clear();
	}
	Py_DECREF(result);
	return err;
}
