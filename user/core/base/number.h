/* SPDX-License-Identifier: MIT */
/*
 * Numbers as text: decimal integers by hand (they are on every line), floats as Python's
 * repr() prints them, and Python's long integers.
 */
#ifndef FT_NUMBER_H
#define FT_NUMBER_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define NUMBER_MAX 24 /* characters of a 64-bit integer or of a finite float's repr, at most 24 */

/* Writes to p, which has room for NUMBER_MAX; returns the end. Not NUL-terminated. */
char *number_u64(char *p, uint64_t v);
char *number_i64(char *p, int64_t v);
char *number_hex(char *p, uint64_t v); /* lower case, no prefix */
/* A finite float. */
char *number_float(char *p, double v);

void buf_u64(struct buf *b, uint64_t v);

/*
 * n digits of 30 bits, the lowest first, to decimal. Costs the square of n: callers bound
 * it. 0 or -ENOMEM.
 */
int number_bigint(struct buf *b, const uint32_t *digits, size_t n, int negative);
/* int.bit_length() of the same. */
uint64_t number_bits(const uint32_t *digits, size_t n);

#endif
