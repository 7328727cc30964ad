/* SPDX-License-Identifier: MIT */
#include "opens.h"

#include <sys/stat.h>
#include <unistd.h>

#include "engine.h"

static PyObject *home; /* borrowed; lasts as long as the interpreter */

/* What the run writes to. */
static struct {
	struct stat file[2]; /* the log and standard output, where they are files */
	int count;
	const char *name; /* of the log, without folders; borrowed from the settings */
} output;

/* ---- is it ours ---------------------------------------------------------------------------- */

static bool is_output(const struct stat *st)
{
	for (int i = 0; i < output.count; i++)
		if (st->st_dev == output.file[i].st_dev && st->st_ino == output.file[i].st_ino)
			return true;
	return false;
}

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* By its name too: it may be relative to another folder than the current one (dir_fd). */
static bool path_may_be(const char *path)
{
	struct stat st;

	if (output.name && !strcmp(name_of(path), output.name))
		return true;
	return !stat(path, &st) && is_output(&st);
}

static bool fd_is(PyObject *number)
{
	struct stat st;
	long fd = PyLong_AsLong(number);

	PyErr_Clear();
	return fd >= 0 && !fstat(fd, &st) && is_output(&st);
}

static bool text_may_be(PyObject *text)
{
	PyObject *bytes = PyUnicode_EncodeFSDefault(text);
	bool may_be = bytes && path_may_be(PyBytes_AS_STRING(bytes));

	Py_XDECREF(bytes);
	PyErr_Clear();
	return may_be;
}

/* Of what the program gave; none of its code is run to find out. */
static bool may_be_ours(PyObject *file)
{
	if (PyUnicode_Check(file))
		return text_may_be(file);
	if (PyBytes_Check(file))
		return path_may_be(PyBytes_AS_STRING(file));
	return PyLong_Check(file) ? fd_is(file) : true;
}

/* ---- events -------------------------------------------------------------------------------- */

static bool is_own_end(PyObject *args)
{
	PyObject *pid = PyTuple_GET_ITEM(args, 0);

	return PyLong_Check(pid) && PyLong_AsLong(pid) == getpid();
}

/* Another program may read it next, or be this process; what is in our memory is lost then. */
static bool hands_over(const char *event, PyObject *args)
{
	static const char *const events[] = {
		"os.exec",   "os.fork", "os.forkpty",	    "os.posix_spawn",
		"os.system", "os.kill", "subprocess.Popen",
	};
	size_t i = 0, n = sizeof(events) / sizeof(*events);

	while (i < n && strcmp(event, events[i]))
		i++;
	return i < n && (strcmp(event, "os.kill") || is_own_end(args));
}

static bool concerns_us(const char *event, PyObject *args)
{
	if (!strcmp(event, "open"))
		return PyTuple_GET_SIZE(args) && may_be_ours(PyTuple_GET_ITEM(args, 0));
	return hands_over(event, args);
}

/* Called for each event, of whatever kind, with the interpreter's lock held. */
static int on_event(const char *event, PyObject *args, void *unused)
{
	if ((event[0] == 'o' || event[0] == 's') && engine_running() && output.count && args &&
	    PyTuple_Check(args) && concerns_us(event, args))
		engine_catch_up();
	return 0;
}

/* ---- begin ------------------------------------------------------------------------------ */

void opens_init(PyObject *kept)
{
	home = kept;
}

/* Others that listen may refuse us; then the program reads what is in the file by then. */
static void listen(void)
{
	if (PyDict_GetItemString(home, "opens"))
		return;
	if (PySys_AddAuditHook(on_event, NULL) || PyDict_SetItemString(home, "opens", Py_True))
		PyErr_Clear();
}

static void add_output(int err, const struct stat *st)
{
	if (!err && S_ISREG(st->st_mode))
		output.file[output.count++] = *st;
}

void opens_run(const struct settings *s)
{
	bool to_file = strcmp(s->config.output, "-");
	struct stat st;

	output.count = 0;
	output.name = to_file ? name_of(s->config.output) : NULL;
	if (to_file)
		add_output(stat(s->config.output, &st), &st);
	if (!to_file || s->config.to_stdout)
		add_output(fstat(STDOUT_FILENO, &st), &st);
	if (output.count)
		listen();
}
