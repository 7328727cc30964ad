/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Records and tokens on their way to the ring. A record is built in its thread's slot (never per
 * CPU) and sent at its true size. A record that does not fit is counted on the thread; a LOST
 * record with the count goes out before the next record that fits.
 */
#ifndef FT_EMIT_BPF_H
#define FT_EMIT_BPF_H

#include "py_read.bpf.h"

FT_INLINE void head_init(struct ft_rec *h, u32 type, u32 size, u32 pid, u32 tid, u64 ts_ns)
{
	h->size = size;
	h->type = type;
	h->flags = 0;
	h->pid = pid;
	h->tid = tid;
	h->ts_ns = ts_ns;
}

FT_INLINE void thread_lost(struct thread *t, u64 now, u32 n, enum ft_counter reason)
{
	if (!t->lost_count)
		t->lost_first_ns = now;
	t->lost_last_ns = now;
	t->lost_count += n;
	t->lost_reason = reason;
}

/* Sends the thread's losses so far; 0 when none is left to send. */
FT_INLINE int lost_send(struct thread *t, u32 tid, u64 now)
{
	struct ft_rec_lost *r = &t->lost;

	if (!t->lost_count)
		return 0;
	head_init(&r->hdr, FT_REC_LOST, sizeof(*r), t->pid, tid, now);
	r->first_ns = t->lost_first_ns;
	r->last_ns = t->lost_last_ns;
	r->count = t->lost_count;
	r->reason = t->lost_reason;
	if (bpf_ringbuf_output(&ft_ring, r, sizeof(*r), BPF_RB_NO_WAKEUP))
		return -1;
	t->lost_count = 0;
	return 0;
}

/*
 * Sends a record of constant size from any memory. Events (lose = 1) that do not fit are counted as
 * lost; for other records the caller decides.
 */
FT_INLINE int send(struct thread *t, u32 tid, u64 now, void *rec, u32 size, u32 lose)
{
	if (!lost_send(t, tid, now) && !bpf_ringbuf_output(&ft_ring, rec, size, BPF_RB_NO_WAKEUP))
		return 0;
	count(FT_LOST_ring_full);
	if (lose)
		thread_lost(t, now, lose, FT_LOST_ring_full);
	return -1;
}

/* ---- tokens ------------------------------------------------------------------------- */

/* The byte at offset off of the token buffer. */
FT_INLINE u8 *tok_at(struct thread *t, u32 off)
{
	u64 o = off;

	FT_MASK(o, FT_TOK_MASK);
	return t->tok + o;
}

FT_INLINE void tok_word(struct thread *t, u64 word)
{
	*(u64 *)tok_at(t, t->walk.used) = word;
	t->walk.used += 8;
}

FT_INLINE void tok_head(struct thread *t, u32 kind, u32 width, u32 aux, u32 len)
{
	tok_word(t, kind | width << 8 | aux << 16 | (u64)len << 32);
}

FT_INLINE void tok_0(struct thread *t, u32 kind)
{
	tok_head(t, kind, 0, 0, 0);
}

FT_INLINE void tok_8(struct thread *t, u32 kind, u64 payload)
{
	tok_head(t, kind, 0, 0, 8);
	tok_word(t, payload);
}

FT_INLINE void tok_16(struct thread *t, u32 kind, u64 a, u64 b)
{
	tok_head(t, kind, 0, 0, 16);
	tok_word(t, a);
	tok_word(t, b);
}

/* The header of the record whose tokens are in t->tok. */
FT_INLINE void *head_of(struct thread *t, u32 size)
{
	return t->head + FT_HEAD - size;
}

/* Sends the record whose header of head_size bytes ends at tok. */
FT_INLINE int send_tokens(struct thread *t, u32 tid, u64 now, u32 head_size, u32 lose)
{
	struct ft_rec *h = head_of(t, head_size);
	u64 size = t->walk.used;

	if (size > FT_MAX_TOKEN_BYTES)
		return -1;
	size += head_size;
	h->size = size;
	if (!lost_send(t, tid, now) && !bpf_ringbuf_output(&ft_ring, h, size, BPF_RB_NO_WAKEUP))
		return 0;
	count(FT_LOST_ring_full);
	if (lose)
		thread_lost(t, now, lose, FT_LOST_ring_full);
	return -1;
}

#endif
