/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What user space is told of processes. */
#ifndef FT_PROC_BPF_H
#define FT_PROC_BPF_H

#include "emit.bpf.h"

FT_INLINE void proc_send(u32 type, u32 tgid, u32 tid, u32 other)
{
	struct ft_rec_proc r;

	head_init(&r.hdr, type, sizeof(r), tgid, tid, bpf_ktime_get_ns());
	r.other = other;
	r.pad = 0;
	if (bpf_ringbuf_output(&ft_ring, &r, sizeof(r), BPF_RB_FORCE_WAKEUP))
		count(FT_LOST_proc_event);
}

#endif
