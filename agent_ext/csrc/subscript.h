/* SPDX-License-Identifier: MIT */
/*
 * Python 3.11.0 to 3.11.3: a subscription that was specialised for a class with a __getitem__ in
 * Python (BINARY_SUBSCR_GETITEM) goes there without calling the hook of the evaluation of
 * bodies. It remembers the function by its version, and is not made for one above 16 bits
 * (_Py_Specialize_BinarySubscr). So all functions get a version above that.
 */
#ifndef FT_AGENT_SUBSCRIPT_H
#define FT_AGENT_SUBSCRIPT_H

#include "python.h"

#if PY_VERSION_HEX >= 0x030b0000 && PY_VERSION_HEX < 0x030c0000

/* Before the first watch; takes some milliseconds, in these releases only. -1 with a Python error
 * set. */
int subscript_watch(void);
/* A function that is called. */
void subscript_seen(PyObject *function);

#else

static inline int subscript_watch(void)
{
	return 0;
}

#endif

#endif
