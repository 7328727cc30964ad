/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The name of a thread in the module threading. */
#ifndef FT_THREAD_NAME_BPF_H
#define FT_THREAD_NAME_BPF_H

#include "maps.bpf.h"

/* Finds the thread's name from any of its frames: 1 = to be walked and sent, 0 = it has none. */
int ft_thread_name(u32 tid, u64 frame);
int ft_thread_send(u32 tid);

#endif
