/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include "ft_abi.h"

/* 0 is the maximum, as in flowtrace-bpf. */
static int limit(const char *name, int value, unsigned max, unsigned *ret)
{
	if (value < 0 || (unsigned)value > max) {
		PyErr_Format(PyExc_ValueError, "%s must be 0 to %u, not %d", name, max, value);
		return -1;
	}
	*ret = value ? (unsigned)value : max;
	return 0;
}

static int overflow_of(const char *text, enum overflow *ret)
{
	if (!strcmp(text, "block"))
		*ret = OVERFLOW_BLOCK;
	else if (!strcmp(text, "drop"))
		*ret = OVERFLOW_DROP;
	else
		PyErr_Format(PyExc_ValueError, "overflow must be 'block' or 'drop', not '%.40s'",
			     text);
	return PyErr_Occurred() ? -1 : 0;
}

/* Which functions are wanted is decided before they are recorded: the pipeline keeps all. */
static int keep_all(struct config *c)
{
	c->prefix.at = calloc(2, sizeof(char *));
	if (c->prefix.at)
		c->prefix.at[0] = strdup("");
	if (!c->prefix.at || !c->prefix.at[0]) {
		PyErr_NoMemory();
		return -1;
	}
	c->prefix.count = 1;
	return 0;
}

static int list_of(PyObject *given, const char *name, PyObject **ret)
{
	*ret = PySequence_Tuple(given);
	for (Py_ssize_t i = 0; *ret && i < PyTuple_GET_SIZE(*ret); i++) {
		if (PyUnicode_Check(PyTuple_GET_ITEM(*ret, i)))
			continue;
		PyErr_Format(PyExc_ValueError, "%s must hold str only", name);
		Py_CLEAR(*ret);
	}
	return *ret ? 0 : -1;
}

int settings_read(PyObject *args, PyObject *kwargs, struct settings *ret)
{
	static char *names[] = {"output",	  "to_stdout",	    "prefix",	 "exclude",
				"redact",	  "max_arg_length", "max_depth", "max_items",
				"args",		  "result",	    "overflow",	 "segments",
				"segment_folder", "stack",	    NULL};
	PyObject *output, *prefix, *exclude, *redact, *folder;
	int to_stdout, length, depth, items, with_args, with_result, segments, with_stack;
	struct config *c = &ret->config;
	const char *overflow;

	*ret = (struct settings){};
	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "$O&pOOOiiippspO&p", names,
					 PyUnicode_FSConverter, &output, &to_stdout, &prefix,
					 &exclude, &redact, &length, &depth, &items, &with_args,
					 &with_result, &overflow, &segments, PyUnicode_FSConverter,
					 &folder, &with_stack))
		return -1;
	c->output = strdup(PyBytes_AS_STRING(output));
	c->segment_folder = strdup(PyBytes_AS_STRING(folder));
	Py_DECREF(output);
	Py_DECREF(folder);
	c->to_stdout = to_stdout && c->output && strcmp(c->output, "-");
	c->args = with_args;
	c->result = with_result;
	c->segments = segments;
	c->stack = with_stack;
	if (!c->output || !c->segment_folder)
		PyErr_NoMemory();
	else if (!limit("max_arg_length", length, FT_MAX_TOKEN_BYTES_INSIDE, &c->max_arg_length) &&
		 !limit("max_depth", depth, FT_MAX_DEPTH, &c->max_depth) &&
		 !limit("max_items", items, FT_MAX_ITEMS, &c->max_items) &&
		 !overflow_of(overflow, &ret->overflow) && !keep_all(c) &&
		 !list_of(prefix, "prefix", &ret->prefix) &&
		 !list_of(exclude, "exclude", &ret->exclude) &&
		 !list_of(redact, "redact", &ret->redact))
		return 0;
	settings_release(ret);
	return -1;
}

void settings_release(struct settings *s)
{
	free(s->config.output);
	free(s->config.segment_folder);
	if (s->config.prefix.at)
		free(s->config.prefix.at[0]);
	free(s->config.prefix.at);
	Py_CLEAR(s->prefix);
	Py_CLEAR(s->exclude);
	Py_CLEAR(s->redact);
	*s = (struct settings){};
}
