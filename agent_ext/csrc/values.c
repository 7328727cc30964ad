/* SPDX-License-Identifier: MIT */
#include "values.h"

#include "redact.h"
#include "types.h"

/* An object, by its class and address. */
static void instance(struct tokens_out *o, unsigned kind, PyTypeObject *type, const void *address)
{
	type_announce(type);
	token_head(o, kind, 0, 0, 16);
	token_word(o, (uintptr_t)type);
	token_word(o, (uintptr_t)address);
}

/* ---- numbers ------------------------------------------------------------------------------ */

static unsigned bits_of(uint32_t digit)
{
	return digit ? 32 - __builtin_clz(digit) : 0;
}

static void put_int(struct tokens_out *o, PyObject *i)
{
	const digit *d = INT_DIGITS(i);
	size_t n = INT_COUNT(i);
	bool negative = INT_NEGATIVE(i);

	if (n <= 2) {
		uint64_t magnitude = n ? d[0] : 0;

		if (n == 2)
			magnitude |= (uint64_t)d[1] << 30;
		token_number(o, FT_T_INT, negative ? -magnitude : magnitude, 1);
		return;
	}
	/* Every digit but the first makes nine decimal ones. */
	if ((n - 1) * 9 > o->limits->max_arg_length || !token_fits(o, n * 4 + 8)) {
		token_head(o, FT_T_INTBITS, 0, negative ? FT_TOK_NEGATIVE : 0, 8);
		token_word(o, (n - 1) * 30 + bits_of(d[n - 1]));
		o->budget -= 15;
		return;
	}
	token_head(o, FT_T_BIGINT, 0, negative ? FT_TOK_NEGATIVE : 0, n * 4);
	token_bytes(o, d, n * 4);
	o->budget -= (n - 1) * 9;
}

static void put_float(struct tokens_out *o, PyObject *f)
{
	double value = PyFloat_AS_DOUBLE(f);
	uint64_t as_word;

	memcpy(&as_word, &value, sizeof(as_word));
	token_number(o, FT_T_FLOAT, as_word, 3);
}

/* ---- containers ---------------------------------------------------------------------------- */

static void put_value(struct tokens_out *o, PyObject *value, unsigned depth);

/* False: it lies too deep. */
static bool begin_container(struct tokens_out *o, unsigned kind, uint64_t items, unsigned depth)
{
	o->budget -= 2;
	if (depth >= o->limits->max_depth) {
		token_head(o, FT_T_DEEP, 0, 0, 0);
		return false;
	}
	token_number(o, kind, items, 0);
	return true;
}

static void put_items(struct tokens_out *o, PyObject *const *item, Py_ssize_t length,
		      unsigned depth)
{
	Py_ssize_t n = length;

	if (n > (Py_ssize_t)o->limits->max_items)
		n = o->limits->max_items;
	for (Py_ssize_t i = 0; i < n && token_next(o); i++) {
		if (i)
			o->budget -= 2;
		if (i == 1 && length == 2 && redacted(item[0]))
			token_plain(o, FT_T_REDACTED, 5);
		else
			put_value(o, item[i], depth + 1);
	}
	token_end(o, n < length);
}

static void put_list(struct tokens_out *o, PyObject *l, unsigned depth)
{
	if (begin_container(o, FT_T_LIST, PyList_GET_SIZE(l), depth))
		put_items(o, ((PyListObject *)l)->ob_item, PyList_GET_SIZE(l), depth);
}

static void put_tuple(struct tokens_out *o, PyObject *t, unsigned depth)
{
	if (begin_container(o, FT_T_TUPLE, PyTuple_GET_SIZE(t), depth))
		put_items(o, ((PyTupleObject *)t)->ob_item, PyTuple_GET_SIZE(t), depth);
}

/* max_items counts the slots of the table, as it does in the kernel. */
static void put_dict(struct tokens_out *o, PyObject *d, unsigned depth)
{
	Py_ssize_t left = PyDict_GET_SIZE(d), slot = 0;
	PyObject *key, *value;

	if (!begin_container(o, FT_T_DICT, left, depth))
		return;
	while (left && PyDict_Next(d, &slot, &key, &value)) {
		if (slot > (Py_ssize_t)o->limits->max_items)
			break;
		left--;
		if (!token_next(o))
			break;
		put_value(o, key, depth + 1);
		if (!token_next(o))
			break;
		if (redacted(key))
			token_plain(o, FT_T_REDACTED, 5);
		else
			put_value(o, value, depth + 1);
	}
	token_end(o, left > 0);
}

static void put_set(struct tokens_out *o, PyObject *s, unsigned kind, unsigned depth)
{
	const PySetObject *set = (PySetObject *)s;
	Py_ssize_t left = set->used, slots = set->mask + 1;

	if (!begin_container(o, kind, left, depth))
		return;
	if (slots > (Py_ssize_t)o->limits->max_items)
		slots = o->limits->max_items;
	for (Py_ssize_t i = 0; i < slots && left; i++) {
		const setentry *e = &set->table[i];

		if (!e->key || e->hash == -1) /* never used, or deleted */
			continue;
		left--;
		if (!token_next(o))
			break;
		put_value(o, e->key, depth + 1);
	}
	token_end(o, left > 0);
}

/* ---- objects ------------------------------------------------------------------------------- */

static void put_object(struct tokens_out *o, PyObject *value)
{
	instance(o, FT_T_OBJECT, Py_TYPE(value), value);
	o->budget -= 20;
}

static void put_args(struct tokens_out *o, PyObject *args, unsigned depth)
{
	if (args && PyTuple_Check(args))
		put_items(o, ((PyTupleObject *)args)->ob_item, PyTuple_GET_SIZE(args), depth);
	else
		token_end(o, false);
}

static void put_instance_of_exception(struct tokens_out *o, PyObject *e, unsigned depth)
{
	PyObject *args = ((PyBaseExceptionObject *)e)->args;

	if (depth >= o->limits->max_depth || !args) {
		instance(o, FT_T_OBJECT, Py_TYPE(e), e);
		return;
	}
	instance(o, FT_T_EXC, Py_TYPE(e), e);
	put_args(o, args, depth);
}

static bool is_a(PyObject *value, PyTypeObject *type)
{
	return Py_TYPE(value) == type || PyType_IsSubtype(Py_TYPE(value), type);
}

/* The kinds that have no flag of their own. */
static void put_unflagged(struct tokens_out *o, PyObject *value, unsigned depth)
{
	if (is_a(value, &PyFloat_Type))
		put_float(o, value);
	else if (is_a(value, &PySet_Type))
		put_set(o, value, FT_T_SET, depth);
	else if (is_a(value, &PyFrozenSet_Type))
		put_set(o, value, FT_T_FROZENSET, depth);
	else if (is_a(value, &PyByteArray_Type))
		token_text(o, FT_T_BYTEARRAY, PyByteArray_AS_STRING(value),
			   PyByteArray_GET_SIZE(value), 1);
	else
		put_object(o, value);
}

static void put_value(struct tokens_out *o, PyObject *value, unsigned depth)
{
	if (!value)
		token_plain(o, FT_T_UNREADABLE, 14);
	else if (value == Py_None)
		token_plain(o, FT_T_NONE, 4);
	else if (PyBool_Check(value))
		token_plain(o, value == Py_True ? FT_T_TRUE : FT_T_FALSE, 4);
	else if (PyLong_Check(value))
		put_int(o, value);
	else if (PyUnicode_Check(value))
		token_str(o, value);
	else if (PyList_Check(value))
		put_list(o, value, depth);
	else if (PyTuple_Check(value))
		put_tuple(o, value, depth);
	else if (PyDict_Check(value))
		put_dict(o, value, depth);
	else if (PyBytes_Check(value))
		token_text(o, FT_T_BYTES, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value), 1);
	else if (PyExceptionInstance_Check(value))
		put_instance_of_exception(o, value, depth);
	else
		put_unflagged(o, value, depth);
}

/* ---- what is asked for ----------------------------------------------------------------------- */

void tokens_value(struct tokens_out *o, PyObject *value, bool first)
{
	if (!token_next(o))
		return;
	if (!first)
		o->budget -= 2;
	put_value(o, value, 0);
}

void tokens_redacted(struct tokens_out *o, bool first)
{
	if (!token_next(o))
		return;
	token_plain(o, FT_T_REDACTED, first ? 5 : 7);
}

/* str(OSError) has the file name, which is not among its args. */
static bool put_os_error(struct tokens_out *o, PyObject *exception)
{
	const PyOSErrorObject *e = (PyOSErrorObject *)exception;
	PyObject *item[3] = {e->myerrno, e->strerror, e->filename};

	if (!e->args || !PyTuple_Check(e->args) || PyTuple_GET_SIZE(e->args) != 2 || !item[0] ||
	    !item[1])
		return false;
	for (int i = 0; i < 3 && item[i] && token_next(o); i++)
		put_value(o, item[i], 0);
	token_end(o, false);
	return true;
}

/* The arguments of an exception that has no instance yet. */
static void put_argument(struct tokens_out *o, PyObject *value)
{
	if (value && PyTuple_Check(value)) {
		put_args(o, value, 0);
		return;
	}
	if (value && value != Py_None && token_next(o))
		put_value(o, value, 0);
	token_end(o, false);
}

void tokens_exception(struct tokens_out *o, PyObject *type, PyObject *value)
{
	if (value && PyExceptionInstance_Check(value))
		type = (PyObject *)Py_TYPE(value);
	instance(o, FT_T_EXC, (PyTypeObject *)type, value);
	if (!value || !PyExceptionInstance_Check(value))
		put_argument(o, value);
	else if (!is_a(value, (PyTypeObject *)PyExc_OSError) || !put_os_error(o, value))
		put_args(o, ((PyBaseExceptionObject *)value)->args, 0);
}
