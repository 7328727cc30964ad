/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* A dormant process becomes one that is traced. */
#ifndef FT_WAKE_BPF_H
#define FT_WAKE_BPF_H

#include "maps.bpf.h"

#define NO_COOKIE 0

/*
 * At a hit of this dormant process, by the hook's cookie, or NO_COOKIE, and the address that it was
 * hit at. 1: its layout and flags are there now. 0: it stays dormant.
 */
int ft_wake(u32 tgid, u64 cookie, u64 ip);

#endif
