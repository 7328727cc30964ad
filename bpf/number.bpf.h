/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The number that a probe comes with: an argument of a USDT probe, or of a function. */
#ifndef FT_NUMBER_BPF_H
#define FT_NUMBER_BPF_H

#include "machine.bpf.h"
#include "py_read.bpf.h"

FT_INLINE u64 number_cut(const struct ft_number *n, u64 value)
{
	u32 unused = 64 - 8 * (n->size & 7);

	if (n->size >= 8)
		return value;
	value <<= unused & 63;
	return n->has_sign ? (u64)((s64)value >> (unused & 63)) : value >> (unused & 63);
}

FT_INLINE bool number_read(const struct ft_number *n, const struct pt_regs *ctx, u64 *ret_value)
{
	u64 value = n->how == FT_NUMBER_CONSTANT ? 0 : any_register(ctx, n->reg);

	if (n->how != FT_NUMBER_REGISTER)
		value += (s64)n->offset;
	if (n->how == FT_NUMBER_MEMORY && read_at(&value, sizeof(value), value))
		return false;
	*ret_value = number_cut(n, value);
	return true;
}

/* Of the probe that was hit; false: it is not known where that has one, or not readable. */
FT_INLINE bool probe_number(const struct ft_layout *l, const struct pt_regs *ctx, u64 *ret_value)
{
	u64 ip = instruction_pointer(ctx);
	u32 i;

	for (i = 0; i < FT_NUMBERS; i++)
		if (l->number[i].ip == ip)
			return number_read(&l->number[i], ctx, ret_value);
	return false;
}

#endif
