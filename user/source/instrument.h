/* SPDX-License-Identifier: MIT */
/*
 * The lines that flowctl puts into a Python file, and takes out again: above each function
 *
 *     @_flowtrace_trace  # flowctl
 *
 * directly above its def, below its other decorators, so that it gets the plain function and they
 * get what they got before; and once for the file, after its docstring and __future__ imports,
 *
 *     try:  # flowctl
 *         from flowtrace_agent import trace as _flowtrace_trace  # flowctl
 *     except Exception:  # flowctl
 *         _flowtrace_trace = lambda function: function  # flowctl
 *
 * so that the program runs as before where there is no agent, and where the agent is only half
 * imported because it imports this very file: then any exception may come. Lines are taken out when
 * they are these, to the byte, and are where Python reads them so: not in a string.
 */
#ifndef FT_INSTRUMENT_H
#define FT_INSTRUMENT_H

#include "source/edits.h"
#include "source/examine.h"
#include "source/lines.h"

struct instrument_result {
	size_t functions; /* that get the decorator, or lose it */
	size_t left;	  /* lines that look like flowctl's and were changed: they stay */
};

/* The edits that make f's source traced. all: also functions that look at frames.
 * 0, -ENOMEM, or -EINVAL: there is no place for the import, or its name is taken. */
int instrument_edits(const struct found *f, const struct lines *l, bool all, struct edits *ret,
		     struct instrument_result *ret_result, struct why *w);
/* The edits that take it back. */
int uninstrument_edits(const struct found *f, const struct lines *l, struct edits *ret,
		       struct instrument_result *ret_result, struct why *w);

/* Would it get the decorator? */
static inline bool is_wanted(const struct found_function *f, bool all)
{
	return f->state == FOUND_FREE || (all && f->state == FOUND_READS_FRAMES);
}

#endif
