/* SPDX-License-Identifier: MIT */
#include "describe.h"
#include "ft_abi.h"
#include "redact.h"
#include "values.h"

#define CLOSERS 256 /* bytes kept free for CUT and END of every open level, and for STOP */
#define LARGEST 32  /* bytes of the largest token but text */

void tokens_begin(struct tokens_out *o, void *bytes, const struct value_limits *limits)
{
	*o = (struct tokens_out){
		.bytes = bytes,
		.size = limits->max_bytes,
		.budget = limits->max_arg_length,
		.limits = limits,
	};
}

/* ---- single tokens ----------------------------------------------------------------------- */

static bool room(const struct tokens_out *o, size_t bytes)
{
	return o->used + bytes + CLOSERS <= o->size;
}

static void word(struct tokens_out *o, uint64_t value)
{
	memcpy(o->bytes + o->used, &value, sizeof(value));
	o->used += sizeof(value);
}

static void head(struct tokens_out *o, unsigned kind, unsigned width, unsigned aux, uint32_t len)
{
	struct ft_token t = {kind, width, aux, len};

	memcpy(o->bytes + o->used, &t, sizeof(t));
	o->used += sizeof(t);
}

static void bytes(struct tokens_out *o, const void *data, size_t len)
{
	size_t padded = (len + 7) & ~(size_t)7;

	if (padded)
		memset(o->bytes + o->used + padded - 8, 0, 8);
	memcpy(o->bytes + o->used, data, len);
	o->used += padded;
}

static void plain(struct tokens_out *o, unsigned kind, long cost)
{
	head(o, kind, 0, 0, 0);
	o->budget -= cost;
}

static void number(struct tokens_out *o, unsigned kind, uint64_t value, long cost)
{
	head(o, kind, 0, 0, 8);
	word(o, value);
	o->budget -= cost;
}

/* An object, by its class and address. */
static void instance(struct tokens_out *o, unsigned kind, PyTypeObject *type, const void *address)
{
	type_announce(type);
	head(o, kind, 0, 0, 16);
	word(o, (uintptr_t)type);
	word(o, (uintptr_t)address);
}

/* ---- text and numbers --------------------------------------------------------------------- */

/* length units of width bytes, as many of them as the field has room for. */
static void text(struct tokens_out *o, unsigned kind, const void *data, size_t length,
		 unsigned width)
{
	size_t most = (o->size - CLOSERS - 24 - o->used) / width, n = length;

	if (o->budget < 0 || !room(o, LARGEST))
		n = 0;
	else if (n > (size_t)o->budget)
		n = o->budget;
	if (n > most)
		n = most;
	if (n < length) {
		head(o, kind, width, FT_TOK_CUT, n * width + 8);
		word(o, length);
	} else {
		head(o, kind, width, 0, n * width);
	}
	bytes(o, data, n * width);
	o->budget -= n + 2;
}

static void put_str(struct tokens_out *o, PyObject *s)
{
#if PY_VERSION_HEX < 0x030c0000
	if (!PyUnicode_IS_READY(s)) { /* a legacy string */
		plain(o, FT_T_UNREADABLE, 14);
		return;
	}
#endif
	text(o, FT_T_STR, PyUnicode_DATA(s), PyUnicode_GET_LENGTH(s), PyUnicode_KIND(s));
}

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
		number(o, FT_T_INT, negative ? -magnitude : magnitude, 1);
		return;
	}
	/* Every digit but the first makes nine decimal ones. */
	if ((n - 1) * 9 > o->limits->max_arg_length || !room(o, n * 4 + 8)) {
		head(o, FT_T_INTBITS, 0, negative ? FT_TOK_NEGATIVE : 0, 8);
		word(o, (n - 1) * 30 + bits_of(d[n - 1]));
		o->budget -= 15;
		return;
	}
	head(o, FT_T_BIGINT, 0, negative ? FT_TOK_NEGATIVE : 0, n * 4);
	bytes(o, d, n * 4);
	o->budget -= (n - 1) * 9;
}

static void put_float(struct tokens_out *o, PyObject *f)
{
	double value = PyFloat_AS_DOUBLE(f);
	uint64_t as_word;

	memcpy(&as_word, &value, sizeof(as_word));
	number(o, FT_T_FLOAT, as_word, 3);
}

/* ---- containers ---------------------------------------------------------------------------- */

static void put(struct tokens_out *o, PyObject *value, unsigned depth);

/* Room for one more token? If not, everything that is open is cut here. */
static bool next(struct tokens_out *o)
{
	if (o->stopped)
		return false;
	if (room(o, LARGEST) && o->budget >= 0)
		return true;
	head(o, FT_T_STOP, 0, 0, 0);
	o->stopped = true;
	return false;
}

static void end(struct tokens_out *o, bool cut)
{
	if (o->stopped)
		return;
	if (cut)
		head(o, FT_T_CUT, 0, 0, 0);
	head(o, FT_T_END, 0, 0, 0);
}

/* False: it lies too deep. */
static bool begin(struct tokens_out *o, unsigned kind, uint64_t items, unsigned depth)
{
	o->budget -= 2;
	if (depth >= o->limits->max_depth) {
		head(o, FT_T_DEEP, 0, 0, 0);
		return false;
	}
	number(o, kind, items, 0);
	return true;
}

static void put_items(struct tokens_out *o, PyObject *const *item, Py_ssize_t length,
		      unsigned depth)
{
	Py_ssize_t n = length;

	if (n > (Py_ssize_t)o->limits->max_items)
		n = o->limits->max_items;
	for (Py_ssize_t i = 0; i < n && next(o); i++) {
		if (i)
			o->budget -= 2;
		if (i == 1 && length == 2 && redacted(item[0]))
			plain(o, FT_T_REDACTED, 5);
		else
			put(o, item[i], depth + 1);
	}
	end(o, n < length);
}

static void put_list(struct tokens_out *o, PyObject *l, unsigned depth)
{
	if (begin(o, FT_T_LIST, PyList_GET_SIZE(l), depth))
		put_items(o, ((PyListObject *)l)->ob_item, PyList_GET_SIZE(l), depth);
}

static void put_tuple(struct tokens_out *o, PyObject *t, unsigned depth)
{
	if (begin(o, FT_T_TUPLE, PyTuple_GET_SIZE(t), depth))
		put_items(o, ((PyTupleObject *)t)->ob_item, PyTuple_GET_SIZE(t), depth);
}

/* max_items counts the slots of the table, as it does in the kernel. */
static void put_dict(struct tokens_out *o, PyObject *d, unsigned depth)
{
	Py_ssize_t left = PyDict_GET_SIZE(d), slot = 0;
	PyObject *key, *value;

	if (!begin(o, FT_T_DICT, left, depth))
		return;
	while (left && PyDict_Next(d, &slot, &key, &value)) {
		if (slot > (Py_ssize_t)o->limits->max_items)
			break;
		left--;
		if (!next(o))
			break;
		put(o, key, depth + 1);
		if (!next(o))
			break;
		if (redacted(key))
			plain(o, FT_T_REDACTED, 5);
		else
			put(o, value, depth + 1);
	}
	end(o, left > 0);
}

static void put_set(struct tokens_out *o, PyObject *s, unsigned kind, unsigned depth)
{
	const PySetObject *set = (PySetObject *)s;
	Py_ssize_t left = set->used, slots = set->mask + 1;

	if (!begin(o, kind, left, depth))
		return;
	if (slots > (Py_ssize_t)o->limits->max_items)
		slots = o->limits->max_items;
	for (Py_ssize_t i = 0; i < slots && left; i++) {
		const setentry *e = &set->table[i];

		if (!e->key || e->hash == -1) /* never used, or deleted */
			continue;
		left--;
		if (!next(o))
			break;
		put(o, e->key, depth + 1);
	}
	end(o, left > 0);
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
		end(o, false);
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
		text(o, FT_T_BYTEARRAY, PyByteArray_AS_STRING(value), PyByteArray_GET_SIZE(value),
		     1);
	else
		put_object(o, value);
}

static void put(struct tokens_out *o, PyObject *value, unsigned depth)
{
	if (!value)
		plain(o, FT_T_UNREADABLE, 14);
	else if (value == Py_None)
		plain(o, FT_T_NONE, 4);
	else if (PyBool_Check(value))
		plain(o, value == Py_True ? FT_T_TRUE : FT_T_FALSE, 4);
	else if (PyLong_Check(value))
		put_int(o, value);
	else if (PyUnicode_Check(value))
		put_str(o, value);
	else if (PyList_Check(value))
		put_list(o, value, depth);
	else if (PyTuple_Check(value))
		put_tuple(o, value, depth);
	else if (PyDict_Check(value))
		put_dict(o, value, depth);
	else if (PyBytes_Check(value))
		text(o, FT_T_BYTES, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value), 1);
	else if (PyExceptionInstance_Check(value))
		put_instance_of_exception(o, value, depth);
	else
		put_unflagged(o, value, depth);
}

/* ---- what is asked for ----------------------------------------------------------------------- */

void tokens_value(struct tokens_out *o, PyObject *value, bool first)
{
	if (!next(o))
		return;
	if (!first)
		o->budget -= 2;
	put(o, value, 0);
}

void tokens_redacted(struct tokens_out *o, bool first)
{
	if (!next(o))
		return;
	plain(o, FT_T_REDACTED, first ? 5 : 7);
}

/* str(OSError) has the file name, which is not among its args. */
static bool put_os_error(struct tokens_out *o, PyObject *exception)
{
	const PyOSErrorObject *e = (PyOSErrorObject *)exception;
	PyObject *item[3] = {e->myerrno, e->strerror, e->filename};

	if (!e->args || !PyTuple_Check(e->args) || PyTuple_GET_SIZE(e->args) != 2 || !item[0] ||
	    !item[1])
		return false;
	for (int i = 0; i < 3 && item[i] && next(o); i++)
		put(o, item[i], 0);
	end(o, false);
	return true;
}

/* The arguments of an exception that has no instance yet. */
static void put_argument(struct tokens_out *o, PyObject *value)
{
	if (value && PyTuple_Check(value)) {
		put_args(o, value, 0);
		return;
	}
	if (value && value != Py_None && next(o))
		put(o, value, 0);
	end(o, false);
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

void tokens_text(struct tokens_out *o, PyObject *s)
{
	tokens_within(o, s, o->size);
}

void tokens_within(struct tokens_out *o, PyObject *s, long characters)
{
	long budget = o->budget;

	o->budget = characters;
	if (s && PyUnicode_Check(s))
		put_str(o, s);
	else
		head(o, FT_T_NONE, 0, 0, 0);
	o->budget = budget;
}

void tokens_class_name(struct tokens_out *o, PyObject *s)
{
	long budget = o->budget;

	o->budget = FT_MAX_CLASS_NAME;
	if (s && PyUnicode_Check(s)) {
		o->budget /= PyUnicode_KIND(s);
		put_str(o, s);
	} else {
		head(o, FT_T_NONE, 0, 0, 0);
	}
	o->budget = budget;
}

void tokens_utf8(struct tokens_out *o, const char *s)
{
	long budget = o->budget;

	o->budget = FT_MAX_CLASS_NAME;
	text(o, FT_T_STR, s, strlen(s), 1);
	o->budget = budget;
}

void tokens_number(struct tokens_out *o, int64_t value)
{
	number(o, FT_T_INT, value, 0);
}

void tokens_open(struct tokens_out *o, unsigned kind, uint64_t items)
{
	number(o, kind, items, 0);
}

void tokens_stop(struct tokens_out *o)
{
	plain(o, FT_T_STOP, 0);
	o->stopped = true;
}

void tokens_close(struct tokens_out *o)
{
	end(o, false);
}
