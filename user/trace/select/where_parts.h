/* SPDX-License-Identifier: MIT */
/*
 * What a condition is made of: where_parse.c makes it, where.c looks at lines with it.
 */
#ifndef FT_TRACE_WHERE_PARTS_H
#define FT_TRACE_WHERE_PARTS_H

#include "select/regex.h"
#include "select/where.h"

enum where_op {
	WHERE_IS_THERE,
	WHERE_EQUAL,
	WHERE_FINDS,
	WHERE_LESS,
	WHERE_AT_MOST,
	WHERE_MORE,
	WHERE_AT_LEAST,
};

struct where_test {
	const struct trace_field *field;
	char *path; /* owned: inside of the field; NULL: the field itself */
	enum where_op op;
	bool number; /* what it is compared with is one: n, in the field's unit */
	bool glob;   /* text is a pattern */
	long double n;
	char *text; /* owned; what it is compared with */
	size_t len;
	struct trace_regex *regex; /* owned; WHERE_FINDS */
};

enum where_kind { WHERE_TEST, WHERE_NOT, WHERE_AND, WHERE_OR };

struct where_node {
	enum where_kind kind;
	unsigned left, right; /* nodes; WHERE_TEST: left is the test */
};

/* Every test has a node, every node but one has one that joins or negates it. */
#define WHERE_NODES 512

struct where {
	struct where_test test[WHERE_TESTS];
	size_t tests;
	struct where_node node[WHERE_NODES];
	unsigned nodes, root;
	struct buf plain, inner; /* scratch: a text without its escapes; a value inside of it */
};

/* Fills w from text, which is all zero before. */
int where_parse(struct where *w, const char *text, struct why *why);

#endif
