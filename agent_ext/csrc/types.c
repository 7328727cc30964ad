/* SPDX-License-Identifier: MIT */
#include "types.h"

#include <unistd.h>

#include "base/map.h"
#include "sender.h"
#include "state.h"
#include "tokens.h"

/* What was announced of a class, as hashes of its names: it may be renamed, and another class may
 * come to its address, with its names where those of the one before were. */
struct announced {
	bool is_announced;
	unsigned kind;
	Py_hash_t name, qualname, module;
};

static struct map announced; /* address -> struct announced, owned; of this run */
static unsigned announced_run;

static unsigned kind_of(PyTypeObject *type)
{
	if (!PyType_FastSubclass(type, Py_TPFLAGS_BASE_EXC_SUBCLASS))
		return FT_KIND_OBJECT;
	if (PyType_IsSubtype(type, (PyTypeObject *)PyExc_OSError))
		return FT_KIND_EXC_OS;
	if (PyType_IsSubtype(type, (PyTypeObject *)PyExc_KeyError))
		return FT_KIND_EXC_KEY;
	return FT_KIND_EXC;
}

static PyObject *module_of(PyTypeObject *type)
{
	static PyObject *key;

	if (!key)
		key = PyUnicode_InternFromString("__module__");
	return key && type->tp_dict ? PyDict_GetItem(type->tp_dict, key) : NULL;
}

static void describe(PyTypeObject *type)
{
	static const struct value_limits limits = {FT_MAX_TOKEN_BYTES, FT_MAX_DEPTH, FT_MAX_ITEMS,
						   FT_MAX_TOKEN_BYTES};
	/* One is enough: nothing in here gives the GIL away. */
	static _Alignas(8) uint8_t bytes[sizeof(struct ft_rec_pytype) + FT_MAX_TOKEN_BYTES];
	struct ft_rec_pytype *rec = (void *)bytes;
	bool heap = type->tp_flags & Py_TPFLAGS_HEAPTYPE;
	struct tokens_out o;

	tokens_begin(&o, rec + 1, &limits);
	tokens_utf8(&o, type->tp_name);
	tokens_class_name(&o, heap ? ((PyHeapTypeObject *)type)->ht_qualname : NULL);
	tokens_class_name(&o, module_of(type));
	*rec = (struct ft_rec_pytype){
		.hdr = {sizeof(*rec) + o.used, FT_REC_TYPE, 0, engine_pid(), 0, 0},
		.type = (uintptr_t)type,
		.kind = kind_of(type),
	};
	sender_announce(&rec->hdr, rec->type);
}

static bool forget(void *arg, const struct map_slot *slot)
{
	free(slot->value);
	return true;
}

static void begin_run(void)
{
	map_sweep(&announced, forget, NULL);
	announced_run = engine_run_id();
}

/* The entry of this address, made when there is none; NULL without memory. */
static struct announced *entry_of(PyTypeObject *type)
{
	struct announced *t = map_get(&announced, (uintptr_t)type, 0);

	if (t)
		return t;
	t = calloc(1, sizeof(*t));
	if (t && map_put(&announced, (uintptr_t)type, 0, t, NULL)) {
		free(t);
		t = NULL;
	}
	return t;
}

/* Nearly always it is known: names are interned. */
static Py_hash_t hash_of(PyObject *name)
{
	return name && PyUnicode_Check(name) ? PyUnicode_Type.tp_hash(name) : 0;
}

/* One that is in static memory stays, and what it is. */
static struct announced facts_of(PyTypeObject *type)
{
	const PyHeapTypeObject *heap = (PyHeapTypeObject *)type;
	struct announced now;

	memset(&now, 0, sizeof(now)); /* its padding is compared */
	now.is_announced = true;
	if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE))
		return now;
	now.kind = kind_of(type);
	now.name = hash_of(heap->ht_name);
	now.qualname = hash_of(heap->ht_qualname);
	now.module = hash_of(module_of(type));
	return now;
}

void type_announce(PyTypeObject *type)
{
	struct announced now = facts_of(type), *before;

	if (announced_run != engine_run_id())
		begin_run();
	before = entry_of(type);
	if (!before || !memcmp(before, &now, sizeof(now)))
		return;
	*before = now;
	describe(type);
}
