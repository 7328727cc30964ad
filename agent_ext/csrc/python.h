/* SPDX-License-Identifier: MIT */
/* Python.h as all files here need it, and the fields that moved between releases. */
#ifndef FT_AGENT_PYTHON_H
#define FT_AGENT_PYTHON_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#if PY_VERSION_HEX >= 0x030c0000
#define INT_DIGITS(i) (((PyLongObject *)(i))->long_value.ob_digit)
#define INT_COUNT(i) (((PyLongObject *)(i))->long_value.lv_tag >> 3)
#define INT_NEGATIVE(i) ((((PyLongObject *)(i))->long_value.lv_tag & 3) == 2)
#else
#if PY_VERSION_HEX < 0x030b0000
#include <longintrepr.h>
#endif
#define INT_DIGITS(i) (((PyLongObject *)(i))->ob_digit)
#define INT_COUNT(i) (Py_SIZE(i) < 0 ? -Py_SIZE(i) : Py_SIZE(i))
#define INT_NEGATIVE(i) (Py_SIZE(i) < 0)
#endif

#endif
