/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The records of calls that an exception left, or may have left. */
#ifndef FT_CALL_RECORDS_BPF_H
#define FT_CALL_RECORDS_BPF_H

#include "emit.bpf.h"

/* The id by which user space knows the call's function. */
FT_INLINE u64 code_id(const struct call *c)
{
	return c->code | (u64)c->variant << CODE_VARIANT;
}

/* Sends the EXIT record of a call that an exception left; it has no tokens. */
FT_INLINE void send_unwound(struct thread *t, u32 tid, const struct call *c, u64 now)
{
	struct ft_rec_exit *r = &t->exit;

	if (c->flags & CALL_HIDDEN)
		return;
	if (c->flags & CALL_LOST) {
		thread_lost(t, now, 1, FT_LOST_ring_full);
		return;
	}
	head_init(&r->hdr, FT_REC_EXIT, sizeof(*r), t->pid, tid, now);
	r->code = code_id(c);
	r->start_ns = c->start_ns;
	r->start_tid = c->start_tid;
	r->how = FT_EXIT_EXCEPTION;
	send(t, tid, now, r, sizeof(*r), 1);
}

/* Sends a RAISE record without tokens: it is not known which exception left the call. */
FT_INLINE void send_unknown(struct thread *t, u32 tid, const struct call *c, u64 now)
{
	struct ft_rec_raise *r = (void *)t->small;

	if (c->flags & CALL_HIDDEN)
		return;
	thread_lost(t, now, 1, FT_LOST_walk_bound);
	if (c->flags & CALL_LOST)
		return;
	head_init(&r->hdr, FT_REC_RAISE, sizeof(*r), t->pid, tid, now);
	r->code = code_id(c);
	r->start_ns = c->start_ns;
	r->start_tid = c->start_tid;
	r->line = 0;
	r->exc = 0;
	send(t, tid, now, r, sizeof(*r), 0);
}

/* Sends the RAISE record of this call, whose tokens are in t->tok. below: FT_RAISE_BELOW or 0. */
FT_INLINE void send_raise(struct thread *t, u32 tid, const struct call *c, u64 exc, u64 now,
			  u32 below)
{
	struct ft_rec_raise *r = head_of(t, sizeof(*r));

	if (c->flags & (CALL_LOST | CALL_HIDDEN))
		return;
	head_init(&r->hdr, FT_REC_RAISE, 0, t->pid, tid, now);
	r->code = code_id(c);
	r->start_ns = c->start_ns;
	r->start_tid = c->start_tid;
	r->line = 0;
	r->exc = exc;
	r->hdr.flags = (t->traceback.open ? FT_RAISE_STACK : 0) | below;
	send_tokens(t, tid, now, sizeof(*r), 0);
}

#endif
