/* SPDX-License-Identifier: MIT */
/*
 * Does Python's repr() show this character as it is, or escape it?
 */
#ifndef FT_PRINTABLE_H
#define FT_PRINTABLE_H

#include <stdbool.h>
#include <stdint.h>

bool printable(uint32_t c);

#endif
