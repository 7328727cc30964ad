/* SPDX-License-Identifier: MIT */
/*
 * Watching from 3.12 on: sys.monitoring (PEP 669), with callbacks in C. To watch everything, its
 * events are on for all code, and a place in code that is not wanted is switched off when it is
 * first seen: it costs nothing after that. To watch what @trace marked, they are on for that code
 * alone. Leaving by an exception is an event for all code up to 3.14.
 */
#include "python.h"

#if PY_VERSION_HEX >= 0x030c0000

#include "backend.h"
#include "calls.h"
#include "frames.h"
#include "open_calls.h"
#include "stacks.h"
#include "state.h"

/* Bits of sys.monitoring.events (Include/cpython/monitoring.h, from 3.13). */
enum { PY_START, PY_RESUME, PY_RETURN, PY_YIELD, PY_THROW, PY_UNWIND, EVENT_COUNT };

static const char *const event_names[EVENT_COUNT] = {
	"PY_START", "PY_RESUME", "PY_RETURN", "PY_YIELD", "PY_THROW", "PY_UNWIND",
};

static struct {
	PyObject *monitoring; /* sys.monitoring, owned; NULL: nothing is watched */
	PyObject *disable;    /* its DISABLE, owned */
	long event[EVENT_COUNT];
	int tool;
	bool all;
} monitor;

static int call(const char *method, const char *format, ...);

/* ---- callbacks -------------------------------------------------------------------------- */

/* What is known of the code that runs; false: it is not wanted. */
static bool is_watched(PyObject *code, void *frame, struct code_info **ret_info)
{
	struct code_info *info = NULL;

	if (engine_running() && frame && (PyObject *)frame_code(frame) == code)
		info = code_info((PyCodeObject *)code, frame_globals(frame));
	*ret_info = info;
	return info && (info->marked || (info->wanted && monitor.all));
}

/* A call is of the module that it began as, whatever its globals say by now: they may be cleared.
 */
static bool may_be_open(PyObject *code, void *frame, struct code_info **ret_info)
{
	return is_watched(code, frame, ret_info) || (*ret_info && (*ret_info)->shared);
}

static bool may_resume(PyObject *code, void *frame, struct code_info **ret_info)
{
	return is_watched(code, frame, ret_info) ||
	       (*ret_info && (*ret_info)->shared && open_waits((PyCodeObject *)code, frame));
}

/* It starts or resumes. */
static void entering(void *frame)
{
	if (greenlets_loaded())
		stack_enter(frame, frame_previous(frame));
}

/* It returns, is left or suspended. */
static void leaving(void *frame)
{
	if (greenlets_loaded())
		stack_leave(frame);
}

/* As another module it may be wanted. */
static PyObject *not_again(const struct code_info *info)
{
	bool shared = info && info->shared;

	return Py_NewRef(engine_running() && !shared ? monitor.disable : Py_None);
}

#define CALLBACK(name) static PyObject *name(PyObject *self, PyObject *const *args, Py_ssize_t n)

CALLBACK(on_start)
{
	void *frame = frame_current();
	struct code_info *info;
	bool watched = is_watched(args[0], frame, &info);

	if (names_to_see_again() && call("restart_events", "()"))
		return NULL;
	if (!watched)
		return not_again(info);
	entering(frame);
	call_begin((PyCodeObject *)args[0], info, frame, frame_previous(frame), true);
	Py_RETURN_NONE;
}

CALLBACK(on_return)
{
	void *frame = frame_current();
	struct code_info *info;

	if (!may_be_open(args[0], frame, &info))
		return not_again(info);
	leaving(frame);
	call_return((PyCodeObject *)args[0], frame, args[2]);
	Py_RETURN_NONE;
}

CALLBACK(on_yield)
{
	void *frame = frame_current();
	struct code_info *info;

	if (!may_be_open(args[0], frame, &info))
		return not_again(info);
	leaving(frame);
	call_suspend((PyCodeObject *)args[0], frame);
	Py_RETURN_NONE;
}

CALLBACK(on_resume)
{
	void *frame = frame_current();
	struct code_info *info;

	if (!may_resume(args[0], frame, &info))
		return not_again(info);
	entering(frame);
	call_resume((PyCodeObject *)args[0], frame);
	Py_RETURN_NONE;
}

/* These two may not be switched off. */

CALLBACK(on_throw)
{
	void *frame = frame_current();
	struct code_info *info;

	if (may_resume(args[0], frame, &info)) {
		entering(frame);
		call_resume((PyCodeObject *)args[0], frame);
	}
	Py_RETURN_NONE;
}

CALLBACK(on_unwind)
{
	void *frame = frame_current();
	struct code_info *info;

	if (may_be_open(args[0], frame, &info)) {
		leaving(frame);
		call_raise((PyCodeObject *)args[0], frame, (PyObject *)Py_TYPE(args[2]), args[2],
			   ((PyBaseExceptionObject *)args[2])->traceback);
	}
	Py_RETURN_NONE;
}

#define METHOD(name)                                                                               \
	{                                                                                          \
#name, (PyCFunction)(void (*)(void))name, METH_FASTCALL, NULL                      \
	}

static PyMethodDef callbacks[EVENT_COUNT] = {
	[PY_START] = METHOD(on_start),	 [PY_RESUME] = METHOD(on_resume),
	[PY_RETURN] = METHOD(on_return), [PY_YIELD] = METHOD(on_yield),
	[PY_THROW] = METHOD(on_throw),	 [PY_UNWIND] = METHOD(on_unwind),
};

/* ---- in and out of sys.monitoring ------------------------------------------------------- */

static int forget(PyObject *result)
{
	Py_XDECREF(result);
	return result ? 0 : -1;
}

static int call(const char *method, const char *format, ...)
{
	PyObject *function = PyObject_GetAttrString(monitor.monitoring, method), *args = NULL;
	PyObject *result = NULL;
	va_list ap;

	va_start(ap, format);
	if (function)
		args = Py_VaBuildValue(format, ap);
	va_end(ap);
	if (args)
		result = PyObject_CallObject(function, args);
	Py_XDECREF(function);
	Py_XDECREF(args);
	return forget(result);
}

static int learn_events(void)
{
	PyObject *events = PyObject_GetAttrString(monitor.monitoring, "events");

	for (int i = 0; events && i < EVENT_COUNT; i++) {
		PyObject *bit = PyObject_GetAttrString(events, event_names[i]);

		monitor.event[i] = bit ? PyLong_AsLong(bit) : -1;
		Py_XDECREF(bit);
	}
	Py_XDECREF(events);
	return PyErr_Occurred() ? -1 : 0;
}

/* The numbers without a name first. 0 to 2 are a debugger, coverage, a profiler. */
static int take_tool(void)
{
	static const int numbers[] = {3, 4, 2, 5, 1, 0};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		if (!call("use_tool_id", "(is)", numbers[i], "flowtrace")) {
			monitor.tool = numbers[i];
			return 0;
		}
		if (!PyErr_ExceptionMatches(PyExc_ValueError)) /* it is in use */
			return -1;
		PyErr_Clear();
	}
	PyErr_SetString(PyExc_RuntimeError, "flowtrace: all tool numbers of sys.monitoring are "
					    "in use: end another tool first");
	return -1;
}

static int set_callbacks(bool on)
{
	int err = 0;

	for (int i = 0; !err && i < EVENT_COUNT; i++) {
		PyObject *function = on ? PyCFunction_New(&callbacks[i], NULL) : Py_NewRef(Py_None);

		err = function ? call("register_callback", "(ilN)", monitor.tool, monitor.event[i],
				      function)
			       : -1;
	}
	return err;
}

/* May be asked for on one code object. */
static long local_events(void)
{
	long events = monitor.event[PY_START] | monitor.event[PY_RESUME] |
		      monitor.event[PY_RETURN] | monitor.event[PY_YIELD];

	return PY_VERSION_HEX >= 0x030f0000
		       ? events | monitor.event[PY_THROW] | monitor.event[PY_UNWIND]
		       : events;
}

static long global_events(bool all)
{
	long leaving = monitor.event[PY_THROW] | monitor.event[PY_UNWIND];

	if (all)
		return local_events() | leaving;
	return PY_VERSION_HEX >= 0x030f0000 ? 0 : leaving;
}

static int set_local(PyCodeObject *code, long events)
{
	return call("set_local_events", "(iOl)", monitor.tool, code, events);
}

static int set_marked(long events)
{
	int err = 0;

	for (struct code_info *i = code_marked(); !err && i; i = i->next_marked)
		err = set_local(i->code, events);
	return err;
}

static int take_monitoring(void)
{
	PyObject *monitoring = PySys_GetObject("monitoring");

	if (monitor.monitoring)
		return 0;
	if (!monitoring) {
		PyErr_SetString(PyExc_RuntimeError, "flowtrace: there is no sys.monitoring");
		return -1;
	}
	monitor.monitoring = Py_NewRef(monitoring);
	monitor.disable = PyObject_GetAttrString(monitoring, "DISABLE");
	if (monitor.disable && !learn_events() && !take_tool()) {
		if (!set_callbacks(true))
			return 0;
		(void)call("free_tool_id", "(i)", monitor.tool);
	}
	Py_CLEAR(monitor.disable);
	Py_CLEAR(monitor.monitoring);
	return -1;
}

int backend_start(bool all)
{
	if (take_monitoring())
		return -1;
	monitor.all = all;
	/* Places that were switched off in another run, or when less was wanted, come back. */
	if (call("set_events", "(il)", monitor.tool, global_events(all)) ||
	    set_marked(local_events()) || call("restart_events", "()")) {
		backend_stop();
		return -1;
	}
	return 0;
}

void backend_stop(void)
{
	PyObject *type, *value, *traceback;

	if (!monitor.monitoring)
		return;
	PyErr_Fetch(&type, &value, &traceback);
	(void)call("set_events", "(il)", monitor.tool, 0L);
	(void)set_marked(0);
	(void)set_callbacks(false);
	(void)call("free_tool_id", "(i)", monitor.tool);
	Py_CLEAR(monitor.disable);
	Py_CLEAR(monitor.monitoring);
	PyErr_Restore(type, value, traceback);
}

int backend_marked(PyCodeObject *code)
{
	return monitor.monitoring ? set_local(code, local_events()) : 0;
}

void backend_look(void)
{
	/* A tool has its number to itself. */
}

#endif
