/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What a test asks of the BPF sources about greenlets. */
#include "greenlet.bpf.h"
#include "walk_greenlet.h"

int ft_greenlet_loaded(struct pt_regs *ctx); /* greenlet.bpf.c */
extern char ft_parked;
unsigned shim_entries(const void *map);

int come_to_frame(u32 tid, u64 frame, u32 enters)
{
	if (!ft_on_other_stack(tid, frame, enters))
		return 0;
	ft_switch_stack(tid);
	return 1;
}

void drop_stacks(u32 tid)
{
	ft_drop_stacks(tid);
}

int make_capsule(u64 name)
{
	struct pt_regs ctx = {.si = name};
	const struct ft_proc *p;

	ft_greenlet_loaded(&ctx);
	p = my_proc();
	return p && p->flags & FT_PROC_GREENLETS;
}

unsigned stacks_kept(void)
{
	return shim_entries(&ft_stacks) + shim_entries(&ft_parked);
}
