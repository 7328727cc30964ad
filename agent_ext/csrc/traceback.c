/* SPDX-License-Identifier: MIT */
#include "traceback.h"

#include <frameobject.h>

static const PyTracebackObject *as_traceback(const PyTracebackObject *t)
{
	return t && PyTraceBack_Check(t) ? t : NULL;
}

/* A reference of one's own, as PyFrame_GetCode gives since 3.9. */
static PyCodeObject *code_of(const PyTracebackObject *t)
{
#if PY_VERSION_HEX >= 0x03090000
	return PyFrame_GetCode(t->tb_frame);
#else
	Py_INCREF(t->tb_frame->f_code);
	return t->tb_frame->f_code;
#endif
}

#define NAME_MAX                                                                                   \
	1024 /* characters of a file or a function: 4 KiB each, with the rest 8704 bytes           \
	      */

static void put_entry(struct tokens_out *o, const PyTracebackObject *t)
{
	PyCodeObject *code = code_of(t);
	int line = t->tb_lineno;

	/* From 3.12 on it is looked for only when asked for. */
	if (line < 0)
		line = PyCode_Addr2Line(code, t->tb_lasti);
	tokens_open(o, FT_T_TUPLE, 3);
	tokens_within(o, code->co_filename, NAME_MAX);
	tokens_number(o, line > 0 ? line : 0);
	tokens_within(o, code->co_name, NAME_MAX);
	tokens_close(o);
	Py_DECREF(code);
}

void tokens_traceback(struct tokens_out *o, PyObject *traceback)
{
	const PyTracebackObject *t, *first = as_traceback((PyTracebackObject *)traceback);
	uint64_t count = 0;

	if (o->stopped || o->used + TRACEBACK_BYTES > o->size) {
		tokens_stop(o);
		return;
	}
	for (t = first; t; t = as_traceback(t->tb_next))
		count++;
	tokens_open(o, FT_T_LIST, count);
	for (t = first; t; t = as_traceback(t->tb_next))
		if (count-- <= FT_MAX_STACK)
			put_entry(o, t);
	tokens_close(o);
}
