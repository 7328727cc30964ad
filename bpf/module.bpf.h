/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The module that a frame runs as: the __name__ of its globals. */
#ifndef FT_MODULE_BPF_H
#define FT_MODULE_BPF_H

#include "py_read.bpf.h"

/*
 * Address of the value of __name__ in the frame's globals. With MODULE_ABSENT: there is none, which
 * holds as long as the number of entries at this address is the same. MODULE_UNTOLD: not known.
 */
#define MODULE_UNTOLD 2
u64 ft_module_slot(u64 frame);
/* The name by its hash and length, in any object. */
u64 ft_module_id(u64 slot);
#define MODULE_NO_TEXT 1
/* The module's verdict by the policy; accept_unknown if no rule of it matches. */
int ft_verdict(u64 slot, u64 id, u32 policy);

FT_INLINE u64 module_name(u64 slot, u64 id)
{
	return id == MODULE_NO_TEXT ? 0 : read_ptr(slot);
}

#define NAME_UNREADABLE 0

/* Identifies the name at this place as it is now; NOT_HASHED: its hash was not computed yet. */
FT_INLINE u64 name_now(u64 slot, u32 str_length)
{
	u64 str = read_ptr(slot), word[2]; /* length, hash */

	if (!plausible(str) || read_at(word, sizeof(word), str + str_length))
		return NAME_UNREADABLE;
	return word[1] == NOT_HASHED ? NOT_HASHED : text_id(word[1], word[0]);
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
