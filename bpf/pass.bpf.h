/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Tells at once that a hook does not concern us, by what a slower look has found before. It may be
 * in the dark, then the slower look tells; it is never wrong.
 *
 * An entry: the function was rejected, as the same module. Its code and its dict of globals are
 * known by their addresses. These can be used again for others. ft_freed() tells that of code. Up
 * to 3.13 a dict has a version, which no other state of any dict had before it; later its key
 * table, the place of __name__ in that and the hash of this name are compared.
 *
 * An exit: the thread has no open call, or the innermost one is that of another frame, and no
 * exception was seen in it.
 */
#ifndef FT_PASS_BPF_H
#define FT_PASS_BPF_H

#include "quick.bpf.h"
#include "module.bpf.h"
#include "site.bpf.h"

/* What a hook was hit by. */
struct probe {
	struct ft_proc *proc;
	const struct ft_layout *l;
	u32 tgid, tid;
	u64 tstate; /* 0: not read yet, see probe_thread_state() */
	u64 frame, code;
	u64 globals;	      /* of an entry; 0: not read yet */
	struct ft_site *site; /* by which the frame was found; NULL: otherwise, or not known */
	struct code_entry *entry;
};

#define CHANGES 7     /* a mask: of the globals, on average, until their version is not asked */
#define FRAME_WORDS 4 /* of a frame: they have its code and its globals */

/* ---- where the frame is ------------------------------------------------------------------ */

/* The frame at this instruction; 0: not known. */
FT_INLINE u64 quick_frame(struct ft_site *s, const struct pt_regs *ctx)
{
	u64 ip = instruction_pointer(ctx);

	if (s->ip != ip)
		s++;
	if (s->ip != ip || !s->hits)
		return 0;
	s->hits--; /* at the last one the slower look verifies the registers again */
	return frame_in(ctx, s->unfit);
}

FT_INLINE void quick_learn_site(struct ft_site *s, const struct ft_site *from)
{
	if (!from || from->hits < SITE_LEARNED)
		return;
	if (s[0].ip != from->ip) {
		s[1] = s[0];
		s[0].ip = from->ip;
	}
	s[0].unfit = from->unfit;
	s[0].hits = SITE_AGAIN;
}

/* ---- verdicts ----------------------------------------------------------------------------- */

/* Does the function run as the same module as when it was rejected? */
FT_INLINE bool same_globals(const struct quick *q, const struct rejected *v, u64 globals)
{
	u64 id;

	if (v->globals != globals ||
	    read_ptr(globals + (v->slot ? q->keys_at : q->stamp_at)) != v->guard)
		return false;
	if (!v->slot)
		return true;
	id = name_now(v->slot, q->str_at);
	return id != NAME_UNREADABLE && id != NOT_HASHED && id == v->module_id;
}

/* Was the function that begins rejected? If not, the probe has what was read of its frame. */
FT_INLINE bool quick_rejected(struct probe *p, const struct pt_regs *ctx)
{
	u64 id = my_ids(), word[FRAME_WORDS];
	u32 tgid = id >> 32, tid = id;
	struct quick *q = quick_of(tid);
	struct rejected *v;

	*p = (struct probe){};
	if (!q || q->raised)
		return false;
	p->frame = quick_frame(q->in, ctx);
	if (!p->frame)
		return false;
	if (read_at(word, sizeof(word), p->frame + q->frame_at)) {
		p->frame = 0;
		return false;
	}
	p->code = (q->code_word ? word[3] : word[0]) & ~q->tag_mask;
	p->globals = !q->globals_word ? word[0] : q->globals_word == 2 ? word[2] : word[3];
	v = rejected_at(tgid, p->code, 0);
	if (v && v->code != p->code)
		v = rejected_at(tgid, p->code, 1);
	return v && v->code == p->code && v->program == q->program &&
	       same_globals(q, v, p->globals);
}

/*
 * Keeps that the function was rejected, as its entry tells: it has just been verified. A module
 * that changes its globals has another version with each change, so then the name is compared.
 */
FT_INLINE void quick_learn_rejected(struct quick *q, u32 tgid, const struct ft_proc *p,
				    const struct code_entry *e, u64 code)
{
	struct rejected *v = rejected_at(tgid, code, 0), *other = rejected_at(tgid, code, 1);
	u64 program = program_of(tgid, p, e->policy);
	bool by_name = q->stamp_at == FT_NO_FIELD, named = e->keys && !(e->slot & MODULE_ABSENT);

	if (!v || !other)
		return;
	if (v->code != code && (other->code == code || v->program == program))
		v = other;
	if (v->code == code && v->program == program && v->globals == e->globals)
		by_name |= !(bpf_get_prandom_u32() & CHANGES);
	if (by_name && !named)
		return;
	v->code = 0;
	v->globals = e->globals;
	v->program = program;
	v->guard = by_name ? e->keys : read_ptr(e->globals + q->stamp_at);
	v->slot = by_name ? e->slot : 0;
	v->module_id = e->module_id;
	v->code = v->guard ? code : 0; /* it was readable */
}

/* ---- exits ----------------------------------------------------------------------------------- */

/* Is an exit not that of an open call? frame: 0 = find it. */
FT_INLINE bool quick_other(struct probe *p, const struct pt_regs *ctx, u64 frame)
{
	u32 tid = my_ids();
	struct quick *q = quick_at(tid);
	u64 top;

	p->globals = 0;
	p->site = 0;
	if (!q || q->tid != tid)
		return false;
	q->begun_frame = 0;
	if (!quick_holds(q) || !q->top)
		return false;
	top = q->top;
	if (top != QUICK_IDLE) {
		if (!frame)
			frame = quick_frame(q->out, ctx);
		if (!frame || frame == top)
			return false;
	}
	return true;
}

#endif
