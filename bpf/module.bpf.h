/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The module that a frame runs as: the __name__ of its globals. */
#ifndef FT_MODULE_BPF_H
#define FT_MODULE_BPF_H

#include "py_read.bpf.h"

/*
 * Where the name of the module is whose globals this frame has. MODULE_ABSENT: it has none, and
 * nothing says so but the number of entries, which is there. MODULE_UNTOLD: it cannot be told.
 */
#define MODULE_UNTOLD 2
u64 ft_module_slot(u64 frame);
/* What the name is, by its hash and its length, whichever object it is. */
u64 ft_module_id(u64 slot);
#define MODULE_NO_TEXT 1
/* What the rules say of the module; accept_unknown when none of them names it. */
int ft_verdict(u64 slot, u64 id);

FT_INLINE u64 module_name(u64 slot, u64 id)
{
	return id == MODULE_NO_TEXT ? 0 : read_ptr(slot);
}

FT_INLINE void module_keep(const struct ft_layout *l, struct code_entry *e, u64 frame, u64 slot)
{
	e->globals = read_ptr(frame + l->frame_globals);
	e->keys = e->module_id == MODULE_NO_TEXT && !(slot & MODULE_ABSENT)
			  ? 0
			  : read_ptr(e->globals + l->dict_keys);
	e->slot = slot;
	e->nentries = slot & MODULE_ABSENT ? read_u32(slot & ~MODULE_ABSENT) : 0;
}

#endif
