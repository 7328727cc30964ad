/* SPDX-License-Identifier: MIT */
#include "redact.h"

#include "ft_abi.h"

struct name {
	char text[FT_MAX_REDACT_LEN];
	size_t len;
};

static struct name list[FT_MAX_REDACT];
static size_t count;
static uint64_t lengths; /* bit n: a name of n bytes is on the list */

static char lower(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c + 'a' - 'A';
	return c == '-' ? '_' : c;
}

static bool fold(const unsigned char *s, size_t len, struct name *ret)
{
	if (len > FT_MAX_REDACT_LEN)
		return false;
	for (size_t i = 0; i < len; i++)
		ret->text[i] = lower(s[i]);
	ret->len = len;
	return true;
}

int redact_set(PyObject *names)
{
	PyObject *fast = PySequence_Fast(names, "redact must be a sequence of str");
	Py_ssize_t n = fast ? PySequence_Fast_GET_SIZE(fast) : 0;

	if (!fast)
		return -1;
	count = lengths = 0;
	for (Py_ssize_t i = 0; i < n; i++) {
		Py_ssize_t len;
		const char *s = PyUnicode_AsUTF8AndSize(PySequence_Fast_GET_ITEM(fast, i), &len);

		if (s && (count == FT_MAX_REDACT || !fold((const void *)s, len, &list[count])))
			PyErr_Format(PyExc_ValueError,
				     "redact: at most %d names of at most %d "
				     "bytes",
				     FT_MAX_REDACT, FT_MAX_REDACT_LEN);
		if (PyErr_Occurred())
			break;
		lengths |= 1ULL << list[count++].len;
	}
	Py_DECREF(fast);
	return PyErr_Occurred() ? -1 : 0;
}

static bool listed(const unsigned char *s, size_t len)
{
	struct name name;

	if (len > FT_MAX_REDACT_LEN || !(lengths >> len & 1) || !fold(s, len, &name))
		return false;
	for (size_t i = 0; i < count; i++)
		if (list[i].len == len && !memcmp(list[i].text, name.text, len))
			return true;
	return false;
}

static bool has_http(const unsigned char *s, size_t len)
{
	static const char http[] = "http_";

	if (len <= 5)
		return false;
	for (int i = 0; i < 5; i++)
		if (lower(s[i]) != http[i])
			return false;
	return true;
}

bool redacted(PyObject *name)
{
	const unsigned char *s;
	size_t len;

	if (!name || !count)
		return false;
	if (PyUnicode_Check(name) && PyUnicode_IS_COMPACT_ASCII(name)) {
		s = PyUnicode_1BYTE_DATA(name);
		len = PyUnicode_GET_LENGTH(name);
	} else if (PyBytes_Check(name)) {
		s = (const void *)PyBytes_AS_STRING(name);
		len = PyBytes_GET_SIZE(name);
	} else {
		return false;
	}
	return listed(s, len) || (has_http(s, len) && listed(s + 5, len - 5));
}
