/* SPDX-License-Identifier: MIT */
#include "describe.h"

#include "sender.h"
#include "state.h"
#include "tokens.h"
#include "types.h"

#if PY_VERSION_HEX < 0x030b0000
#define CALLABLE_AT 16 /* of static and class methods; a property has three from there on */

static bool is_function_of(PyObject *value, const PyCodeObject *code)
{
	return value && PyFunction_Check(value) &&
	       PyFunction_GET_CODE(value) == (const PyObject *)code;
}

/* Is this entry of a class's dict the function of that code, or does it wrap it? */
static bool is_of_code(PyObject *value, const PyCodeObject *code)
{
	PyObject **wrapped = (PyObject **)((char *)value + CALLABLE_AT);
	PyTypeObject *type = Py_TYPE(value);

	if (type == &PyStaticMethod_Type || type == &PyClassMethod_Type)
		return is_function_of(wrapped[0], code);
	if (type == &PyProperty_Type)
		return is_function_of(wrapped[0], code) || is_function_of(wrapped[1], code) ||
		       is_function_of(wrapped[2], code);
	return is_function_of(value, code);
}

static bool class_holds(PyTypeObject *type, const PyCodeObject *code)
{
	PyObject *key, *value;
	Py_ssize_t at = 0;

	while (type->tp_dict && PyDict_Next(type->tp_dict, &at, &key, &value))
		if (is_of_code(value, code))
			return true;
	return false;
}

/* Code objects have no qualified names: the class in the first argument's MRO that holds it. */
static PyTypeObject *owner_of(const PyCodeObject *code, PyObject *first)
{
	PyTypeObject *type = !first		   ? NULL
			     : PyType_Check(first) ? (PyTypeObject *)first
						   : Py_TYPE(first);
	PyObject *mro = type ? type->tp_mro : NULL;

	if (!code->co_argcount || !mro || PyUnicode_READ_CHAR(code->co_name, 0) == '<')
		return NULL;
	for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(mro); i++) {
		type = (PyTypeObject *)PyTuple_GET_ITEM(mro, i);
		if (class_holds(type, code))
			return type;
	}
	return NULL;
}

static const char *class_path(const PyCodeObject *code, PyTypeObject *owner, size_t *ret_len)
{
	const char *path = owner ? owner->tp_name : "";

	*ret_len = strlen(path);
	return path;
}
#else
static PyTypeObject *owner_of(const PyCodeObject *code, PyObject *first)
{
	return NULL; /* the qualified name says it */
}

static const char *class_path(const PyCodeObject *code, PyTypeObject *owner, size_t *ret_len)
{
	const char *path = text_utf8(code->co_qualname), *dot = strrchr(path, '.');

	*ret_len = dot ? dot - path : 0;
	return path;
}
#endif

static void name_for_probes(const PyCodeObject *code, struct code_info *info, PyObject *module,
			    PyTypeObject *owner)
{
	size_t len;
	const char *path = class_path(code, owner, &len);

	free(info->name);
	free(info->class_name);
	info->name = strdup(text_utf8(code->co_name));
	if (asprintf(&info->class_name, "%s%s%.*s", text_utf8(module), len ? "." : "", (int)len,
		     path) < 0)
		info->class_name = NULL;
}

struct probed_function code_probed(const struct code_info *info)
{
	struct probed_function f = {"", "", info ? info->line : 0};

	if (info && info->class_name)
		f.class_name = info->class_name;
	if (info && info->name)
		f.name = info->name;
	return f;
}

/* names: of the locals, parameters first. */
static void record(PyCodeObject *code, const struct code_info *info, PyObject *names,
		   PyObject *module, PyTypeObject *owner)
{
	static const struct value_limits limits = {FT_MAX_TOKEN_BYTES, FT_MAX_DEPTH, FT_MAX_ITEMS,
						   FT_MAX_TOKEN_BYTES};
	/* One is enough: nothing in here gives the GIL away. */
	static _Alignas(8) uint8_t bytes[sizeof(struct ft_rec_code) + FT_MAX_TOKEN_BYTES];
	struct ft_rec_code *rec = (void *)bytes;
	struct tokens_out o;

	tokens_begin(&o, rec + 1, &limits);
	tokens_within(&o, code->co_filename, FT_MAX_FILE);
	tokens_within(&o, code->co_name, FT_MAX_NAME);
#if PY_VERSION_HEX >= 0x030b0000
	tokens_within(&o, code->co_qualname, FT_MAX_QUALNAME);
#else
	tokens_text(&o, NULL);
#endif
	tokens_within(&o, module, FT_MAX_QUALNAME);
	tokens_open(&o, FT_T_TUPLE, code_params(code));
	for (int i = 0; names && i < info->nparams; i++)
		tokens_text(&o, PyTuple_GET_ITEM(names, i));
	tokens_close(&o);
	*rec = (struct ft_rec_code){
		.hdr = {sizeof(*rec) + o.used, FT_REC_CODE, 0, engine_pid(), 0, 0},
		.code = info->function,
		.first_line = code->co_firstlineno,
		.co_flags = code->co_flags,
		.owner_type = (uintptr_t)owner,
	};
	sender_announce(&rec->hdr, rec->code);
}

void code_describe(PyCodeObject *code, struct code_info *info, PyObject *globals, PyObject *first)
{
	PyObject *names = code_names(code, "co_varnames"), *module = module_name(globals);
	PyTypeObject *owner = owner_of(code, first);

	if (owner)
		type_announce(owner);
	name_for_probes(code, info, module, owner);
	record(code, info, names, module, owner);
	info->described = true;
	Py_XDECREF(names);
}
