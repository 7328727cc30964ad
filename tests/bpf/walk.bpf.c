/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What a test asks of the BPF sources: the record of a call that returned this value. */
#include "value.bpf.h"

FT_GLOBAL int walk_value(u32 tid, u64 obj, u64 code)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	struct ft_rec_exit *r;

	if (!l)
		return -1;
	walk_begin(t);
	if (!put_plain(l, t, tid, obj)) {
		t->roots[0] = obj;
		walk_push(t, LEVEL_ROOTS, 0, 1);
		ft_walk(tid);
	}
	r = head_of(t, sizeof(*r));
	head_init(&r->hdr, FT_REC_EXIT, 0, t->pid, tid, bpf_ktime_get_ns());
	r->code = code;
	r->start_ns = 1;
	r->start_tid = tid;
	r->how = FT_EXIT_RETURN;
	return send_tokens(t, tid, r->hdr.ts_ns, sizeof(*r), 1);
}
