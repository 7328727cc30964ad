/* SPDX-License-Identifier: MIT */
#include "thread_name.h"

#include "probes.h"
#include "state.h"
#include "tokens.h"

/*
 * threading._active[ident]; borrowed, NULL: threading is not there, or knows no such thread.
 * threading.current_thread() would make a dummy and run code.
 */
static PyObject *thread_object(void)
{
	PyObject *modules = PyImport_GetModuleDict();
	PyObject *threading = modules ? PyDict_GetItemString(modules, "threading") : NULL;
	PyObject *dict =
		threading && PyModule_Check(threading) ? PyModule_GetDict(threading) : NULL;
	PyObject *active = dict ? PyDict_GetItemString(dict, "_active") : NULL;
	PyObject *ident, *thread = NULL;

	if (!active || !PyDict_CheckExact(active))
		return NULL;
	ident = PyLong_FromUnsignedLong(PyThread_get_thread_ident());
	if (ident)
		thread = PyDict_GetItem(active, ident);
	Py_XDECREF(ident);
	return thread;
}

/* thread._name as a plain attribute of the instance, whatever its class overrides. */
static PyObject *name_of(PyObject *thread)
{
	PyObject *key = PyUnicode_InternFromString("_name"), *name = NULL;

	if (key && !_PyType_Lookup(Py_TYPE(thread), key))
		name = PyObject_GenericGetAttr(thread, key);
	Py_XDECREF(key);
	return name;
}

/* A copy of its record, for listeners that come later; without memory they do without. */
static void keep(struct agent_thread *t, const struct ft_rec *rec)
{
	free(t->name);
	t->name = malloc(rec->size);
	if (t->name)
		memcpy(t->name, rec, rec->size);
}

static void record(struct agent_thread *t, PyObject *name)
{
	struct ft_rec_thread *r = sender_reserve(t);
	struct tokens_out o;

	if (!r)
		return;
	tokens_begin(&o, r + 1, engine_limits());
	tokens_text(&o, name);
	r->hdr = (struct ft_rec){sizeof(*r) + o.used, FT_REC_THREAD, 0, t->pid, t->tid, t->last_ns};
	keep(t, &r->hdr);
	(void)sender_commit(t, &r->hdr);
}

void thread_name_record(struct agent_thread *t)
{
	PyObject *type, *value, *traceback, *thread, *name = NULL;

	PyErr_Fetch(&type, &value, &traceback);
	thread = thread_object();
	if (thread)
		name = name_of(thread);
	if (name && PyUnicode_CheckExact(name))
		record(t, name);
	Py_XDECREF(name);
	PyErr_Restore(type, value, traceback);
	t->named = true;
}

void thread_name_announce(struct agent_thread *t)
{
	t->announced = probes_generation();
	if (t->announced && t->name)
		probe_name(t->name);
}
