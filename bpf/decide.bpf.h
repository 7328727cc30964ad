/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Which functions are traced. Decided once for each code object and module that it runs as, and
 * cached by the code's address until the code is freed.
 */
#ifndef FT_DECIDE_BPF_H
#define FT_DECIDE_BPF_H

#include "code.bpf.h"
#include "describe.bpf.h"
#include "http_words.bpf.h"
#include "module.bpf.h"
#include "thread.bpf.h"
#include "type.bpf.h"
#include "value.bpf.h"

/* The key of the code's variant for the module with this id; a variant's number is not 0. */
FT_INLINE u64 variant_key(u64 code, u64 id)
{
	u64 number = id ^ id >> 16 ^ id >> 32 ^ id >> 48;

	return code | ((number & 0xffff) ?: 1) << CODE_VARIANT;
}

/*
 * Decides on a code object seen in a frame, describes it to user space when it is accepted, and
 * keeps the verdict; returns the entry, or NULL. first: the code's first entry, if that was for
 * another module, or for the same module with its name at another place. policy: which the process
 * had when the call began; it may have another by now.
 */
FT_INLINE struct code_entry *decide(u32 tgid, u32 tid, u64 frame, u64 code, u32 policy,
				    struct code_entry *first)
{
	u64 slot = ft_module_slot(frame), key = code, id, owner;
	struct code_entry *e;
	bool accept;
	u32 role, i;

	if (slot == MODULE_UNTOLD) {
		count(FT_LOST_read_module); /* the next call decides */
		return 0;
	}
	id = ft_module_id(slot);
	if (first && first->module_id == id) {
		const struct ft_layout *l = my_layout();

		if (l)
			module_keep(l, first, frame, slot);
		return first;
	}
	if (first) {
		key = variant_key(code, id);
		e = code_find(tgid, key);
		if (e && e->birth == first->birth && e->module_id == id && e->policy == policy) {
			e->role = first->role;
			e->role_arg = first->role_arg;
			return e;
		}
	}
	accept = ft_verdict(slot, id, policy) == CODE_ACCEPT;
	role = ft_settings.http ? ft_http_role(tgid, code) : 0;
	if (!accept && !role) {
		ft_reject(key, frame, slot, id, policy);
		return code_find(tgid, key);
	}
	if (!thread_get(tgid, tid))
		return 0;
	if (ft_entry(tid, key, role, policy)) {
		count(FT_LOST_read_code);
		return 0;
	}
	ft_entry_module(tid, key, frame, slot, id);
	if (!accept) {
		ft_watch(tid, key);
		return code_find(tgid, key);
	}
	owner = ft_owner(tid, frame, code);
	if (owner)
		classify(tid, owner);
	for (i = 0; i < DESCRIBE_TEXTS; i++) {
		ft_describe(tid, code, slot, id, i);
		ft_walk(tid);
	}
	ft_describe_params(tid, code);
	ft_walk(tid);
	ft_accept(tid, key, owner);
	if (first)
		ft_varied(tid, code);
	return code_find(tgid, key);
}

#endif
