/* SPDX-License-Identifier: MIT */
/*
 * Which functions are wanted. What was decided about one hangs on its code object (co_extra), and
 * goes with it: once for each module that it runs as.
 */
#ifndef FT_AGENT_NAMES_H
#define FT_AGENT_NAMES_H

#include "python.h"

#include <stdbool.h>
#include <stdint.h>

#include "ft_abi.h"
#include "state.h"

struct code_info {
	unsigned run;	  /* the run that the rest was decided in */
	unsigned learned; /* ... and what is the same for every module was learned in */
	bool shared;	  /* the code may run as other modules too */
	bool marked;	  /* by @trace: wanted whatever its module; in every run */
	bool wanted;	  /* its module is */
	bool described;	  /* in this run */
	bool generator;	  /* or a coroutine: may be suspended */
	uint16_t nparams;
	uint16_t *cell_slot; /* owned; up to 3.10: the slot of parameter i's cell. NULL: none has */
	uint64_t cells;	     /* bit i: parameter i is kept in a cell */
	uint64_t secrets;    /* bit i: its name is on the redaction list */
	int line;
	char *name, *class_name;	       /* owned, UTF-8; for probes */
	PyCodeObject *code;		       /* borrowed: this goes before it does */
	uint64_t function;		       /* what the records call it */
	PyObject *module;		       /* owned: the str that it runs as; NULL: none */
	PyObject *globals;		       /* borrowed: whose name that was ... */
	uint64_t version;		       /* ... when they were last looked at (to 3.11) */
	struct code_info *other;	       /* as another module; owned by the first of them */
	unsigned others;		       /* of the first: how many there have been */
	struct code_info *next_marked, **link; /* of the list of those that are marked */
};

/* At each import. kept: what lasts as long as the interpreter. -1 with a Python error set. */
int names_init(PyObject *kept);
/* Which modules: sequences of str. -1 with a Python error set. */
int names_filter(PyObject *prefix, PyObject *exclude);

/* What is known of a code object in this run, as the module of these globals: of its frame. Decides
 * when it is new. NULL without memory. */
struct code_info *code_info(PyCodeObject *code, PyObject *globals);
/* The same without deciding, as whichever module: NULL when it was not seen in this run. */
struct code_info *code_info_seen(PyCodeObject *code);
/* -1 without memory, with a Python error set. */
int code_mark(PyCodeObject *code);
/* All that are marked: next_marked. */
struct code_info *code_marked(void);

#if PY_VERSION_HEX < 0x030c0000
/* Where on code objects: an index into co_extra. */
extern Py_ssize_t code_extra;

/* What co_extra points to (codeobject.c, _PyCodeObjectExtra). */
struct code_extras {
	Py_ssize_t size;
	struct code_info *at[];
};

/*
 * Was it decided that this code is not traced as the module of these globals? Asked for every call
 * of everybody, so no function is called for it.
 */
static inline bool code_is_untraced(const PyCodeObject *code, const PyObject *globals)
{
	const struct code_extras *extras = code->co_extra;
	const struct code_info *info =
		extras && extras->size > code_extra ? extras->at[code_extra] : NULL;

	return info && info->run == engine_run_id() && info->globals == globals &&
	       info->version == ((const PyDictObject *)globals)->ma_version_tag &&
	       !(info->wanted | info->marked | (info->shared & info->generator));
}
#endif

/* Code was switched off that now runs as another module; says so once. */
bool names_to_see_again(void);

/* How many parameters it has; FT_MAX_PARAMS are captured. */
int code_params(const PyCodeObject *code);
/* A tuple of names of the code object, new; NULL without an error set. */
PyObject *code_names(PyCodeObject *code, const char *attribute);
/* The name of the module whose globals these are, borrowed; NULL: it has none. */
PyObject *module_name(PyObject *globals);
/* Borrowed from the str; "" where there is none. */
const char *text_utf8(PyObject *text);

#endif
