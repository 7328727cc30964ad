/* SPDX-License-Identifier: MIT */
/*
 * Where a USDT probe has its arguments, as the compiler wrote it into the note of the probe, in the
 * words of the machine's assembler: "-4@112(%rsp) -8@%r12". In: the text, which is foreign input.
 */
#ifndef FT_USDT_NUMBER_H
#define FT_USDT_NUMBER_H

#include "arch/machine.h"
#include "ft_layout.h"

/* Argument n, from 1, which is a whole number. -ENOENT: there is none; -EINVAL: it is not in a
 * register, at an offset from one, or a constant. */
int usdt_number(const char *arguments, int n, struct ft_number *ret_number);

#endif
