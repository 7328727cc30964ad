/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The entries of code objects. */
#ifndef FT_CODE_BPF_H
#define FT_CODE_BPF_H

#include "py_read.bpf.h"

#define CODE_OF(key) ((key) & ((1ULL << CODE_VARIANT) - 1))

FT_INLINE bool code_rejected(const struct code_entry *e)
{
	return e->verdict == CODE_REJECT || e->verdict == CODE_DROPPED;
}

FT_INLINE struct code_entry *code_find(u32 tgid, u64 code)
{
	struct code_key key = {.code = code, .tgid = tgid};

	return bpf_map_lookup_elem(&ft_codes, &key);
}

#endif
