/* SPDX-License-Identifier: MIT */
/*
 * What a Python file holds: from its bytes to its functions and to the places where lines may be
 * put or were put. Lines count from 1. Needs the interpreter to be started.
 */
#ifndef FT_EXAMINE_H
#define FT_EXAMINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/why.h"

/* Bits of found_function.flags; walk.py knows the numbers. */
enum { FOUND_ASYNC = 1, FOUND_GENERATOR = 2, FOUND_METHOD = 4, FOUND_NESTED = 8 };

/* May a function get the decorator? walk.py knows the numbers. */
enum found_state {
	FOUND_FREE, /* yes */
	FOUND_INSTRUMENTED,
	FOUND_STUB,
	FOUND_OVERLOAD,
	FOUND_TYPE_CHECKING,
	FOUND_COMPILED,
	FOUND_READS_FRAMES, /* only with --all */
	FOUND_STATES
};

/* Why a file could not be read; walk.py knows the numbers. */
enum refusal { REFUSAL_PYTHON_2, REFUSAL_SYNTAX, REFUSAL_ENCODING, REFUSAL_TOO_DEEP };

struct found_function {
	char *name;  /* owned; qualified: "Shop.price", "outer.<locals>.inner" */
	size_t line; /* of its def */
	unsigned flags;
	enum found_state state;
};

struct found {
	struct found_function *function; /* owned */
	size_t nfunctions, nclasses;
	size_t import_line;	/* where an import may be; 0 = nowhere */
	size_t guard_line;	/* where flowctl's import may begin; 0 = none */
	size_t *decorator_line; /* owned: lines that may be flowctl's */
	size_t ndecorators;
	char *frameworks; /* owned: "Flask, FastAPI" */
	bool is_script;	  /* looks at __name__ */
	bool uses_our_name;
};

/* 0, or -errno; -EINVAL: it cannot be read as Python, ret_refusal says in what way. */
int examine(const char *source, size_t len, struct found *ret, enum refusal *ret_refusal,
	    struct why *w);
void found_release(struct found *f);

/* 0 if it compiles; else -EINVAL and why not. */
int examine_compiles(const char *source, size_t len, struct why *w);

/* A word or two for programs ("reads-frames"), and a few for people. */
const char *found_state_name(enum found_state s);
const char *found_state_text(enum found_state s);
const char *refusal_name(enum refusal r);

#endif
