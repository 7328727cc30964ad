/* SPDX-License-Identifier: MIT */
/*
 * Python values to tokens (ft_abi.h), in the process that has them. The same tokens as the
 * BPF side writes (bpf/value.bpf.c), so that decode/ renders both alike. Runs no code of the
 * application: types are told by their flags, and what is in an object is read in place.
 */
#ifndef FT_AGENT_VALUES_H
#define FT_AGENT_VALUES_H

#include "python.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct value_limits {
	unsigned max_arg_length, max_depth, max_items;
	size_t max_bytes; /* of tokens */
};

/* Where tokens go. */
struct tokens_out {
	uint8_t *bytes;	   /* borrowed */
	size_t size, used; /* size: limits->max_bytes */
	long budget;	   /* characters of the rendered field that are still wanted */
	bool stopped;
	const struct value_limits *limits; /* borrowed */
};

/* bytes: limits->max_bytes of room. */
void tokens_begin(struct tokens_out *o, void *bytes, const struct value_limits *limits);
/* A parameter of a call, or a result; first: no comma comes before it. */
void tokens_value(struct tokens_out *o, PyObject *value, bool first);
void tokens_redacted(struct tokens_out *o, bool first);
/* An exception that is raised: its type, and what str() of it is made of. value: the instance;
 * up to 3.11 also what one will be made from: its argument, a tuple of them, or NULL. */
void tokens_exception(struct tokens_out *o, PyObject *type, PyObject *value);
/* A str, or NONE for NULL; no limit but the room. */
void tokens_text(struct tokens_out *o, PyObject *text);
/* ... of which so many characters at most. */
void tokens_within(struct tokens_out *o, PyObject *text, long characters);
/* The same with the room that a class's name has. */
void tokens_class_name(struct tokens_out *o, PyObject *text);
/* A C string in UTF-8: such a name, too. */
void tokens_utf8(struct tokens_out *o, const char *s);
/* An int. */
void tokens_number(struct tokens_out *o, int64_t value);
void tokens_open(struct tokens_out *o, unsigned kind, uint64_t items);
void tokens_close(struct tokens_out *o);
/* There is no room for more: every open container is cut here. */
void tokens_stop(struct tokens_out *o);

#endif
