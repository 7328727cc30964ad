/* SPDX-License-Identifier: MIT */
/* The layout of one process: the release's row and the addresses in this process. */
#include <errno.h>

#include "cpython/cpython.h"
#include "cpython/debug_offsets.h"
#include "cpython/facts.h"
#include "cpython/tls.h"
#include "cpython/tstate.h"
#include "discover/elf.h"

/* Static types whose exact address BPF compares with. */
static const struct {
	enum ft_kind kind;
	const char *symbol;
} types[] = {
	{FT_KIND_NONE, "_PyNone_Type"},
	{FT_KIND_BOOL, "PyBool_Type"},
	{FT_KIND_INT, "PyLong_Type"},
	{FT_KIND_FLOAT, "PyFloat_Type"},
	{FT_KIND_STR, "PyUnicode_Type"},
	{FT_KIND_BYTES, "PyBytes_Type"},
	{FT_KIND_BYTEARRAY, "PyByteArray_Type"},
	{FT_KIND_LIST, "PyList_Type"},
	{FT_KIND_TUPLE, "PyTuple_Type"},
	{FT_KIND_SET, "PySet_Type"},
	{FT_KIND_FROZENSET, "PyFrozenSet_Type"},
	{FT_KIND_DICT, "PyDict_Type"},
	{FT_KIND_OBJECT, "PyBaseObject_Type"},
	{FT_KIND_TYPE, "PyType_Type"},
};

/* Exported are pointers to exception classes; the classes themselves are local symbols. */
static const struct {
	enum ft_kind kind;
	const char *symbol;
} exceptions[] = {
	{FT_KIND_EXC, "PyExc_BaseException"},
	{FT_KIND_EXC_OS, "PyExc_OSError"},
	{FT_KIND_EXC_KEY, "PyExc_KeyError"},
};

#define TP_BASICSIZE 32
#define OBJECT_SIZE 16
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Address in the process of what a symbol names; 0 where the file does not tell. */
static uint64_t address_of(struct elf *e, const struct target *t, const char *symbol)
{
	Elf64_Sym s;

	return elf_symbol(e, symbol, &s) ? 0 : t->bias + s.st_value;
}

static uint64_t pointee_of(struct elf *e, const struct target *t, const char *symbol)
{
	uint64_t value;
	Elf64_Sym s;

	if (elf_symbol(e, symbol, &s) || elf_pointer(e, s.st_value, &value))
		return 0;
	return t->bias + value;
}

static int need(uint64_t address, const char *symbol, const struct target *t, struct why *w)
{
	if (address)
		return 0;
	return why_exit(w, EXIT_PYTHON, -ENOEXEC, "%s has no symbol %s: not a usual CPython build",
			t->binary, symbol);
}

static int fill_addresses(struct ft_layout *l, struct elf *e, const struct target *t, struct why *w)
{
	int err;

	l->none_addr = address_of(e, t, "_Py_NoneStruct");
	l->true_addr = address_of(e, t, "_Py_TrueStruct");
	l->hash_secret = address_of(e, t, "_Py_HashSecret");
	err = need(l->none_addr, "_Py_NoneStruct", t, w);
	l->function_type = address_of(e, t, "PyFunction_Type");
	l->static_type = address_of(e, t, "PyStaticMethod_Type");
	l->class_type = address_of(e, t, "PyClassMethod_Type");
	l->property_type = address_of(e, t, "PyProperty_Type");
	for (size_t i = 0; !err && i < COUNT(types); i++) {
		l->type_addr[types[i].kind] = address_of(e, t, types[i].symbol);
		if (types[i].kind != FT_KIND_NONE)
			err = need(l->type_addr[types[i].kind], types[i].symbol, t, w);
	}
	for (size_t i = 0; !err && i < COUNT(exceptions); i++)
		l->type_addr[exceptions[i].kind] = pointee_of(e, t, exceptions[i].symbol);
	return err;
}

/*
 * A build with Py_TRACE_REFS has two more pointers at the head of every object. The type
 * "object" tells: where its tp_basicsize lies, and that a bare object has 16 bytes.
 */
static int check_object_head(struct elf *e, const struct target *t, struct why *w)
{
	const uint64_t *size = NULL;
	Elf64_Sym s;

	if (!elf_symbol(e, "PyBaseObject_Type", &s) && !(s.st_value & 7))
		size = elf_at(e, s.st_value + TP_BASICSIZE, sizeof(*size));
	if (size && *size == OBJECT_SIZE)
		return 0;
	return why_exit(w, EXIT_PYTHON, -ENOEXEC,
			"%s is an unusual build: its objects do not start with a reference count "
			"and a type (Py_TRACE_REFS?)",
			t->binary);
}

/* Where the thread state of the thread that runs is found. */
static int fill_tstate(struct ft_layout *l, struct elf *e, const struct target *t,
		       const struct cpython_facts *facts, struct why *w)
{
	uint64_t address;
	int err;

	if (!facts->tstate_current)
		return tls_find(e, t, l, w);
	err = tstate_find(e, t, facts, &address, w);
	if (!err)
		l->tstate_addr = address;
	return err;
}

int cpython_layout(const struct target *t, struct ft_layout *ret_layout, struct why *w)
{
	const struct cpython_facts *facts;
	struct ft_layout l;
	struct elf e;
	int err = cpython_facts(t, &facts, w);

	if (err)
		return err;
	err = elf_open_as(&e, t->open_path, t->binary, t->budget, w);
	if (err)
		return err;
	l = facts->layout;
	if (facts->debug.structure_size)
		err = debug_offsets_read(&e, t, &facts->debug, &l, w);
	if (!err)
		err = fill_tstate(&l, &e, t, facts, w);
	if (!err)
		err = check_object_head(&e, t, w);
	if (!err)
		err = fill_addresses(&l, &e, t, w);
	elf_release(&e);
	if (!err)
		*ret_layout = l;
	return err;
}
