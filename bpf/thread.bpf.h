/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The state of a thread. */
#ifndef FT_THREAD_BPF_H
#define FT_THREAD_BPF_H

#include "maps.bpf.h"

/* The thread's slot, created if it is new. NULL: no room, which is counted. */
FT_INLINE struct thread *thread_get(u32 tgid, u32 tid)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	u32 zero = 0;
	void *zeroes;

	if (t) {
		t->pid = tgid; /* the slot may be that of an ended thread with unreported losses */
		return t;
	}
	zeroes = bpf_map_lookup_elem(&ft_zero, &zero);
	if (zeroes)
		bpf_map_update_elem(&ft_threads, &tid, zeroes, BPF_NOEXIST);
	t = bpf_map_lookup_elem(&ft_threads, &tid);
	if (t)
		t->pid = tgid;
	else
		count(FT_LOST_threads_full);
	return t;
}

#endif
