/* SPDX-License-Identifier: MIT */
/*
 * The layout of one process: the release's row, plus the addresses in its file, plus the bias of
 * the file in this process.
 */
#include <errno.h>
#include <stdlib.h>

#include "cpython/cpython.h"
#include "cpython/debug_offsets.h"
#include "cpython/facts.h"
#include "cpython/memory.h"
#include "cpython/tls.h"
#include "cpython/tstate.h"
#include "discover/binary.h"

/* Static types that BPF recognises by address. */
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

/* The exported symbols are pointers to exception classes; the classes themselves are local
 * symbols. */
static const struct {
	enum ft_kind kind;
	const char *symbol;
} exceptions[] = {
	{FT_KIND_EXC, "PyExc_BaseException"},
	{FT_KIND_EXC_OS, "PyExc_OSError"},
	{FT_KIND_EXC_KEY, "PyExc_KeyError"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The symbol's address in the file; 0 if the file does not have it. */
static uint64_t address_of(struct elf *e, const char *symbol)
{
	Elf64_Sym s;

	return elf_symbol(e, symbol, &s) ? 0 : s.st_value;
}

static uint64_t pointee_of(struct elf *e, const char *symbol)
{
	uint64_t value;
	Elf64_Sym s;

	return elf_symbol(e, symbol, &s) || elf_pointer(e, s.st_value, &value) ? 0 : value;
}

static int need(uint64_t address, const char *symbol, const struct target *t, struct why *w)
{
	if (address)
		return 0;
	return why_exit(w, EXIT_PYTHON, -ENOEXEC, "%s has no symbol %s: not a usual CPython build",
			t->binary, symbol);
}

static int fill_addresses(struct ft_layout *l, struct elf *e, const struct target *t,
			  const struct cpython_facts *facts, struct why *w)
{
	uint64_t runtime = address_of(e, "_PyRuntime");
	int err;

	l->initialized = runtime ? runtime + facts->initialized : 0;
	l->none_addr = address_of(e, "_Py_NoneStruct");
	l->true_addr = address_of(e, "_Py_TrueStruct");
	l->hash_secret = address_of(e, "_Py_HashSecret");
	err = need(l->none_addr, "_Py_NoneStruct", t, w);
	l->function_type = address_of(e, "PyFunction_Type");
	l->static_type = address_of(e, "PyStaticMethod_Type");
	l->class_type = address_of(e, "PyClassMethod_Type");
	l->property_type = address_of(e, "PyProperty_Type");
	for (size_t i = 0; !err && i < COUNT(types); i++) {
		l->type_addr[types[i].kind] = address_of(e, types[i].symbol);
		if (types[i].kind != FT_KIND_NONE)
			err = need(l->type_addr[types[i].kind], types[i].symbol, t, w);
	}
	for (size_t i = 0; !err && i < COUNT(exceptions); i++)
		l->type_addr[exceptions[i].kind] = pointee_of(e, exceptions[i].symbol);
	return err;
}

/*
 * A build with Py_TRACE_REFS has two more pointers at the head of every object. The type "object"
 * shows that, by the offset of its tp_basicsize and by its value: a bare object is exactly a head.
 */
static int check_object_head(const struct ft_layout *l, struct elf *e, const struct target *t,
			     struct why *w)
{
	const uint64_t *size = NULL;
	Elf64_Sym s;

	if (!elf_symbol(e, "PyBaseObject_Type", &s) && !(s.st_value & 7))
		size = elf_at(e, s.st_value + l->type_basicsize, sizeof(*size));
	if (size && *size == l->object_size)
		return 0;
	return why_exit(w, EXIT_PYTHON, -ENOEXEC,
			"%s is an unusual build: its objects do not start with a reference count "
			"and a type (Py_TRACE_REFS?)",
			t->binary);
}

/* How to find the thread state of the running thread. */
static int fill_tstate(struct binary_layout *ret, struct elf *e, const struct target *t,
		       const struct cpython_facts *facts, struct why *w)
{
	uint64_t vaddr;
	int err;

	if (!facts->tstate_current)
		return tls_find(e, t, ret, w);
	err = tstate_find(e, t, facts, &vaddr, w);
	if (!err)
		ret->layout.tstate_addr = vaddr;
	return err;
}

static int read_layout(struct elf *e, const struct target *t, const struct cpython_facts *facts,
		       struct binary_layout *ret, struct why *w)
{
	int err = 0;

	ret->layout = facts->layout;
	if (facts->debug.structure_size)
		err = debug_offsets_read(e, t, &facts->debug, ret, w);
	if (!err)
		err = fill_tstate(ret, e, t, facts, w);
	if (!err)
		err = check_object_head(&ret->layout, e, t, w);
	if (!err)
		err = fill_addresses(&ret->layout, e, t, facts, w);
	return err;
}

static int layout_of_file(struct binary *b, const struct target *t,
			  const struct cpython_facts *facts, struct why *w)
{
	struct binary_layout layout = {.known = true};
	struct elf *e;
	int err;

	if (b->layout.known)
		return 0;
	err = binary_open(b, t->open_path, t->binary, t->budget, &e, w);
	if (!err)
		err = read_layout(e, t, facts, &layout, w);
	if (!err)
		b->layout = layout;
	else
		free(layout.debug);
	return err;
}

static int layout_of_process(const struct binary_layout *file, const struct target *t,
			     struct ft_layout *ret_layout, struct why *w)
{
	struct ft_layout l = file->layout;
	int err = 0;

	if (file->debug)
		err = debug_offsets_compare(t, file->debug_at, file->debug, file->debug_bytes, w);
	ft_layout_move(&l, t->bias);
	if (!err)
		err = tls_resolve(t, file, &l, w);
	if (!err)
		*ret_layout = l;
	return err;
}

bool cpython_has_begun(pid_t pid, const struct ft_layout *l)
{
	int initialized = 0;

	return l->initialized &&
	       !memory_read(pid, l->initialized, &initialized, sizeof(initialized)) && initialized;
}

int cpython_layout(const struct target *t, struct ft_layout *ret_layout, struct why *w)
{
	struct binary own = {0}, *b = t->file ?: &own;
	const struct cpython_facts *facts;
	int err = cpython_facts(t, &facts, w);

	if (!err)
		err = layout_of_file(b, t, facts, w);
	if (!err)
		err = layout_of_process(&b->layout, t, ret_layout, w);
	binary_release(&own);
	return err;
}
