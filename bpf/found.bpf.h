/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Processes that become known. */
#ifndef FT_FOUND_BPF_H
#define FT_FOUND_BPF_H

#include "maps.bpf.h"

/* A process that is not known was hit: makes it known, dormant, and tells user space. 0: it is not
 * to be traced, or there is no room. */
int ft_found(u32 tgid, u32 tid);

#endif
