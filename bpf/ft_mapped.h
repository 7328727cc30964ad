/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What the iterator of mapped.bpf.c writes for each mapping of a file. */
#ifndef FT_MAPPED_H
#define FT_MAPPED_H

#include "ft_abi.h"

struct ft_mapped_file {
	__u64 start, end; /* addresses */
	__u64 inode;
	__u64 dev; /* as the kernel has it: 12 bits of major, 20 of minor */
};

#endif
