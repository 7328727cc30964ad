/* SPDX-License-Identifier: MIT */
#include "names.h"

#include "filter/filter.h"
#include "frames.h"
#include "redact.h"

#define CO_SUSPENDS (0x20 | 0x80 | 0x100 | 0x200)

#if PY_VERSION_HEX >= 0x030c0000
#define GET_EXTRA PyUnstable_Code_GetExtra
#define SET_EXTRA PyUnstable_Code_SetExtra
#define NEW_EXTRA PyUnstable_Eval_RequestCodeExtraIndex
#else
#define GET_EXTRA _PyCode_GetExtra
#define SET_EXTRA _PyCode_SetExtra
#define NEW_EXTRA _PyEval_RequestCodeExtraIndex
#endif

Py_ssize_t code_extra = -1;
static struct filter *filter;
static struct code_info *marked;
static bool see_again;

#define OTHERS_MAX 64 /* modules beside the first that one code object is remembered as */
#define VARIANT 48    /* the bit of their number in what the records call a function */

static void forget_names(struct code_info *info)
{
	free(info->cell_slot);
	free(info->name);
	free(info->class_name);
	info->cell_slot = NULL;
	info->name = info->class_name = NULL;
}

/*
 * The code object goes. One that has something of another user of co_extra, at an index above
 * ours, and nothing of us, comes with NULL.
 */
static void info_free(void *arg)
{
	struct code_info *info = arg;

	if (!info)
		return;
	info_free(info->other);
	Py_XDECREF(info->module);
	if (info->link) {
		*info->link = info->next_marked;
		if (info->next_marked)
			info->next_marked->link = info->link;
	}
	forget_names(info);
	free(info);
}

static PyObject *new_extra(void)
{
	Py_ssize_t index = NEW_EXTRA(info_free);

	if (index >= 0)
		return PyLong_FromSsize_t(index);
	PyErr_SetString(PyExc_RuntimeError, "flowtrace: no place left on code objects (co_extra)");
	return NULL;
}

/* An interpreter gives out 255 indexes and takes none back: we ask for one, once. */
int names_init(PyObject *kept)
{
	PyObject *index = PyDict_GetItemString(kept, "co_extra");

	if (index) {
		code_extra = PyLong_AsSsize_t(index);
		return 0;
	}
	index = new_extra();
	if (!index)
		return -1;
	code_extra = PyLong_AsSsize_t(index);
	if (PyDict_SetItemString(kept, "co_extra", index))
		code_extra = -1;
	Py_DECREF(index);
	return code_extra < 0 ? -1 : 0;
}

/* ---- which functions ----------------------------------------------------------------------- */

/* The UTF-8 of a sequence of str, borrowed from it; to be freed. NULL with an error set. */
static const char **texts_of(PyObject *fast)
{
	Py_ssize_t n = PySequence_Fast_GET_SIZE(fast);
	const char **texts = PyMem_Calloc(n + 1, sizeof(*texts));

	if (!texts)
		PyErr_NoMemory();
	for (Py_ssize_t i = 0; texts && i < n; i++) {
		texts[i] = PyUnicode_AsUTF8(PySequence_Fast_GET_ITEM(fast, i));
		if (!texts[i]) {
			PyMem_Free(texts);
			return NULL;
		}
	}
	return texts;
}

int names_filter(PyObject *prefix, PyObject *exclude)
{
	PyObject *yes = PySequence_Fast(prefix, "prefix must be a sequence of str");
	PyObject *no = yes ? PySequence_Fast(exclude, "exclude must be a sequence of str") : NULL;
	const char **yes_texts = no ? texts_of(yes) : NULL;
	const char **no_texts = yes_texts ? texts_of(no) : NULL;
	struct filter *made = NULL;

	if (no_texts && filter_new(yes_texts, PySequence_Fast_GET_SIZE(yes), no_texts,
				   PySequence_Fast_GET_SIZE(no), &made))
		PyErr_NoMemory();
	if (made) {
		filter_free(filter);
		filter = made;
	}
	PyMem_Free(yes_texts);
	PyMem_Free(no_texts);
	Py_XDECREF(yes);
	Py_XDECREF(no);
	return made ? 0 : -1;
}

const char *text_utf8(PyObject *text)
{
	const char *s = text && PyUnicode_Check(text) ? PyUnicode_AsUTF8(text) : NULL;

	if (!s)
		PyErr_Clear(); /* lone surrogates */
	return s ?: "";
}

static bool is_wanted(PyObject *module, PyObject *file)
{
	struct function f = {.module = (char *)text_utf8(module),
			     .filename = (char *)text_utf8(file)};

	return filter_keep(filter, &f);
}

/* ---- functions ------------------------------------------------------------------------------- */

int code_params(const PyCodeObject *code)
{
	int n = code->co_argcount + code->co_kwonlyargcount;

	n += (code->co_flags & CO_VARARGS) != 0;
	return n + ((code->co_flags & CO_VARKEYWORDS) != 0);
}

PyObject *code_names(PyCodeObject *code, const char *attribute)
{
	PyObject *names = PyObject_GetAttrString((PyObject *)code, attribute);

	if (names && !PyTuple_Check(names))
		Py_CLEAR(names);
	PyErr_Clear();
	return names;
}

#if PY_VERSION_HEX < 0x030b0000
/* co_cell2arg says which parameter a cell is made for; cells come after the locals. */
static void learn_cells(const PyCodeObject *code, struct code_info *info)
{
	Py_ssize_t n = code->co_cell2arg ? PyTuple_GET_SIZE(code->co_cellvars) : 0;

	if (n)
		info->cell_slot = calloc(FT_MAX_PARAMS, sizeof(*info->cell_slot));
	for (Py_ssize_t i = 0; info->cell_slot && i < n; i++) {
		Py_ssize_t param = code->co_cell2arg[i];

		if (param < 0 || param >= info->nparams)
			continue;
		info->cells |= 1ULL << param;
		info->cell_slot[param] = code->co_nlocals + i;
	}
}
#else
/* co_localspluskinds has a byte for each slot; 0x40: what it holds is a cell (pycore_code.h). */
static void learn_cells(const PyCodeObject *code, struct code_info *info)
{
	const char *kinds = PyBytes_AS_STRING(code->co_localspluskinds);

	for (int i = 0; i < info->nparams; i++)
		info->cells |= (uint64_t)((kinds[i] & 0x40) != 0) << i;
}
#endif

static void learn(PyCodeObject *code, struct code_info *info)
{
	PyObject *names = code_names(code, "co_varnames");
	int n = code_params(code);

	info->learned = engine_run_id();
	if (n > FT_MAX_PARAMS)
		n = FT_MAX_PARAMS;
	forget_names(info);
	info->nparams = names && PyTuple_GET_SIZE(names) >= n ? n : 0;
	info->line = code->co_firstlineno;
	info->cells = info->secrets = 0;
	for (int i = 0; i < info->nparams; i++)
		info->secrets |= (uint64_t)redacted(PyTuple_GET_ITEM(names, i)) << i;
	learn_cells(code, info);
	Py_XDECREF(names);
}

struct code_info *code_info_seen(PyCodeObject *code)
{
	void *info = NULL;

	if (GET_EXTRA((PyObject *)code, code_extra, &info) || !info)
		return NULL;
	return ((struct code_info *)info)->run == engine_run_id() ? info : NULL;
}

static PyObject *get(PyObject *globals, const char *name, PyObject **key)
{
	if (!*key)
		*key = PyUnicode_InternFromString(name);
	return *key && globals && PyDict_Check(globals) ? PyDict_GetItem(globals, *key) : NULL;
}

PyObject *module_name(PyObject *globals)
{
	static PyObject *key;
	PyObject *name = get(globals, "__name__", &key);

	return name && PyUnicode_Check(name) ? name : NULL;
}

/* What hangs on the code object, made when it has nothing; NULL without memory. */
static struct code_info *info_of(PyCodeObject *code)
{
	void *old = NULL;
	struct code_info *info;

	GET_EXTRA((PyObject *)code, code_extra, &old);
	if (old)
		return old;
	info = calloc(1, sizeof(*info));
	if (!info || SET_EXTRA((PyObject *)code, code_extra, info)) {
		PyErr_Clear();
		free(info);
		return NULL;
	}
	info->code = code;
	info->function = (uintptr_t)code;
	return info;
}

/* ---- code that runs as several modules ------------------------------------------------------- */

#if PY_VERSION_HEX < 0x030c0000
/* No two states of any dicts have the same. */
static uint64_t version_of(PyObject *globals)
{
	return ((PyDictObject *)globals)->ma_version_tag;
}
#else
static uint64_t version_of(PyObject *globals)
{
	return 0; /* to be looked at each time */
}
#endif

static bool same_text(PyObject *a, PyObject *b)
{
	return a == b || (a && b && !PyUnicode_Compare(a, b));
}

/* Does it run as the module of these globals? */
static bool is_as(struct code_info *info, PyObject *globals)
{
	uint64_t version = version_of(globals);

	if (info->globals == globals && version && info->version == version)
		return true;
	if (!same_text(info->module, module_name(globals)))
		return false;
	info->globals = globals;
	info->version = version;
	return true;
}

/* What is defined in this code may come to run as any module that this code does. */
static void share(PyCodeObject *code, int depth)
{
	for (Py_ssize_t i = 0; depth && i < PyTuple_GET_SIZE(code->co_consts); i++) {
		PyObject *inner = PyTuple_GET_ITEM(code->co_consts, i);
		struct code_info *info =
			PyCode_Check(inner) ? info_of((PyCodeObject *)inner) : NULL;

		if (!info)
			continue;
		see_again |= !info->shared && info->run;
		info->shared = true;
		share((PyCodeObject *)inner, depth - 1);
	}
}

/* Code of no module of the import system: a host of plug-ins, templates, a notebook runs it. */
static bool is_loose(PyObject *globals)
{
	static PyObject *key;
	PyObject *spec = get(globals, "__spec__", &key), *name = module_name(globals);

	if (spec && spec != Py_None)
		return false;
	return !name || PyUnicode_CompareWithASCIIString(name, "__main__");
}

bool names_to_see_again(void)
{
	bool again = see_again;

	see_again = false;
	return again;
}

#define SHARED_DEPTH 16

static void decide(PyCodeObject *code, struct code_info *info, PyObject *globals)
{
	PyObject *module = module_name(globals);

	Py_XINCREF(module);
	Py_XSETREF(info->module, module);
	info->globals = globals;
	info->version = version_of(globals);
	info->wanted = is_wanted(module, code->co_filename);
	info->generator = code->co_flags & CO_SUSPENDS;
	info->described = false;
	if (!(code->co_flags & CO_NEWLOCALS) && (info->shared || is_loose(globals))) {
		info->shared = true;
		share(code, SHARED_DEPTH);
	}
	if ((info->wanted || info->marked) && info->learned != engine_run_id())
		learn(code, info);
	info->run = engine_run_id(); /* last: learning may let other threads run */
}

/* The last of too many, taken from among the others, or a new one. Nothing is freed: another thread
 * that waits for room in its channel may hold it. */
static struct code_info *new_other(struct code_info *first)
{
	struct code_info **last = &first->other, *info;

	for (int i = 1; *last && i < OTHERS_MAX; i++)
		last = &(*last)->other;
	info = *last;
	*last = NULL;
	return info ?: calloc(1, sizeof(*info));
}

/* One for another module, first among the others. */
static struct code_info *add_other(struct code_info *first)
{
	struct code_info *info = new_other(first);

	if (!info)
		return NULL;
	info->run = 0;
	first->others = first->others % 0xffff + 1;
	info->code = first->code;
	info->marked = first->marked;
	info->function = first->function | (uint64_t)first->others << VARIANT;
	info->shared = first->shared = true;
	info->other = first->other;
	first->other = info;
	return info;
}

static struct code_info *as_module(PyCodeObject *code, struct code_info *first, PyObject *globals)
{
	struct code_info *info = first;

	while (info && !(info->run == engine_run_id() && is_as(info, globals)))
		info = info->other;
	if (!info)
		info = first->run == engine_run_id() ? add_other(first) : first;
	if (info && info->run != engine_run_id())
		decide(code, info, globals);
	return info;
}

struct code_info *code_info(PyCodeObject *code, PyObject *globals)
{
	struct code_info *info = code_info_seen(code);
	PyObject *type, *value, *traceback;

	if (info && info->globals == globals && info->version == version_of(globals) &&
	    info->version)
		return info;
	PyErr_Fetch(&type, &value, &traceback); /* a generator's throw() comes with an exception */
	info = info_of(code);
	if (info)
		info = as_module(code, info, globals);
	PyErr_Restore(type, value, traceback);
	return info;
}

int code_mark(PyCodeObject *code)
{
	struct code_info *info = info_of(code);

	if (!info) {
		PyErr_NoMemory();
		return -1;
	}
	if (info->marked)
		return 0;
	info->marked = true;
	for (struct code_info *i = info; i; i = i->other)
		i->run = 0; /* to be decided anew, as every module */
	info->next_marked = marked;
	info->link = &marked;
	if (marked)
		marked->link = &info->next_marked;
	marked = info;
	return 0;
}

struct code_info *code_marked(void)
{
	return marked;
}
