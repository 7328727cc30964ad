/* SPDX-License-Identifier: MIT */
/*
 * JSON to standard output, piece by piece. A key is NULL for the elements of an array.
 */
#ifndef FT_JSON_OUT_H
#define FT_JSON_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct json_out {
	struct buf b;
	bool comma; /* something precedes, on this level */
};

/* '{' or '['. */
void json_begin(struct json_out *j, const char *key, char bracket);
void json_end(struct json_out *j, char bracket);
/* NULL is null. What is not UTF-8, as it may be in the name of a file, is U+FFFD. */
void json_text(struct json_out *j, const char *key, const char *s);
void json_bytes(struct json_out *j, const char *key, const char *s, size_t len);
/* What is JSON already. */
void json_raw(struct json_out *j, const char *key, const char *s, size_t len);
void json_u64(struct json_out *j, const char *key, uint64_t n);
/* 0 when it has no finite value. */
void json_float(struct json_out *j, const char *key, double d);
void json_flag(struct json_out *j, const char *key, bool b);
/* Prints what there is so far, so that a long text need not be in memory. */
void json_flush(struct json_out *j);
/* Ends the text with a newline, prints and releases it. 0 or -ENOMEM. */
int json_print(struct json_out *j);

#endif
