/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Was the call that begins asked for? Its code was decided on for one module; each call checks that
 * it runs as the same one.
 */
#ifndef FT_WANTED_BPF_H
#define FT_WANTED_BPF_H

#include "decide.bpf.h"
#include "greenlet.bpf.h"

/*
 * A rejected function is entered without a Python caller: so any call that is still open on this
 * thread was left by an exception. By this the end of a script that fails is seen, when the
 * interpreter shuts down.
 */
FT_INLINE void reap_at_bottom(struct probe *p)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &p->tid);

	if (!t || read_ptr(p->frame + p->l->frame_previous))
		return;
	t->tstate = p->tstate ?: tstate_of(p->l);
	stack_switch(p, true);
	ft_reap(p->tid, 0, p->frame, 0);
	p->proc->raised_tid = 0;
}

/* Is the module's name still the same, at the same place? Then the verdict holds. */
FT_INLINE bool module_same(const struct probe *p, const struct code_entry *e)
{
	const struct ft_layout *l = p->l;
	u64 globals = p->globals ?: read_ptr(p->frame + l->frame_globals), id;

	if (!e->keys || globals != e->globals || read_ptr(globals + l->dict_keys) != e->keys)
		return false;
	if (e->slot & MODULE_ABSENT)
		return read_u32(e->slot & ~MODULE_ABSENT) == e->nentries;
	id = name_now(e->slot, l->str_length);
	if (id == NOT_HASHED)
		id = ft_module_id(e->slot);
	return id != NAME_UNREADABLE && id == e->module_id;
}

/* Makes the next entry cheaper. */
FT_INLINE void learn_entry(struct probe *p, bool rejected)
{
	struct quick *q = quick_begin(p->tgid, p->tid, p->proc);

	if (!q)
		return;
	quick_learn_site(q->in, p->site);
	if (!rejected)
		return;
	q->raised = 0;
	quick_learn_rejected(q, p->tgid, p->proc, p->entry, p->code);
}

/* At an entry: decides on code not seen before, or not as this module, or not by this policy. */
FT_INLINE bool probe_wanted(struct probe *p)
{
	struct code_entry *e = code_find(p->tgid, p->code);
	u32 policy = *(volatile u32 *)&p->proc->policy; /* read once: user space changes it */

	bool known;

	if (e && (e->verdict == CODE_MARKED || e->birth < p->proc->born || e->policy != policy))
		e = 0;
	known = e && module_same(p, e);
	p->entry = e;
	if (!known)
		p->entry = decide(p->tgid, p->tid, p->frame, p->code, policy, e);
	if (p->entry && (p->entry->verdict == CODE_ACCEPT || p->entry->role)) {
		if (p->site)
			learn_entry(p, false);
		stack_switch(p, true);
		return true;
	}
	if (p->proc->raised_tid == p->tid)
		reap_at_bottom(p);
	else if (known && e->verdict == CODE_REJECT && !e->left_out)
		learn_entry(p, true);
	return false;
}

#endif
