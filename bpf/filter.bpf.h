/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Which functions are traced. Decided once a code object and module that it runs as, and cached by
 * its address until it is freed. That the module is the same is seen at each call.
 */
#ifndef FT_FILTER_BPF_H
#define FT_FILTER_BPF_H

#include "py_value.bpf.h"

/* The thread's name, seen from any of its frames: 1 = to be walked and sent, 0 = it has none. */
int ft_thread_name(u32 tid, u64 frame);
int ft_thread_send(u32 tid);

FT_INLINE bool code_rejected(const struct code_entry *e)
{
	return e->verdict == CODE_REJECT || e->verdict == CODE_DROPPED;
}

FT_INLINE struct code_entry *code_find(u32 tgid, u64 code)
{
	struct code_key key = {.code = code, .tgid = tgid};

	return bpf_map_lookup_elem(&ft_codes, &key);
}

/* ---- deciding, once a code object; decide.bpf.c ------------------------------------- */

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
/* The entry's facts of the module, in the thread's slot. key: the code with the number of its
 * variant. */
int ft_entry_module(u32 tid, u64 key, u64 frame, u64 slot, u64 id);
int ft_reject(u64 key, u64 frame, u64 slot, u64 id);
/* What it is to HTTP requests: enum http_role | parameter << 8; 0 = nothing. */
int ft_http_role(u32 tgid, u64 code);
#define DESCRIBED 4 /* texts */

/* The steps of accepting; of what is watched only the first and the last. */
int ft_entry(u32 tid, u64 code, u32 role);
int ft_watch(u32 tid, u64 key);
u64 ft_owner(u32 tid, u64 frame, u64 code);
int ft_describe(u32 tid, u64 code, u64 slot, u64 id, u32 i);
int ft_describe_params(u32 tid, u64 code);
int ft_accept(u32 tid, u64 key, u64 owner);
/* A variant is wanted: what passes the code's exits is looked at. */
int ft_varied(u32 tid, u64 code);

/* The thread's slot, made when it is new. NULL: no room, counted. */
FT_INLINE struct thread *thread_get(u32 tgid, u32 tid)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	u32 zero = 0;
	void *zeroes;

	if (t) {
		t->pid = tgid; /* it may be left over from a thread with losses to tell */
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

/* Where the module's name was, as it was: what is said of it holds. */
FT_INLINE bool module_same(const struct ft_layout *l, u64 frame, const struct code_entry *e)
{
	u64 globals = read_ptr(frame + l->frame_globals), word[2], str;

	if (!e->keys || globals != e->globals || read_ptr(globals + l->dict_keys) != e->keys)
		return false;
	if (e->slot & MODULE_ABSENT)
		return read_u32(e->slot & ~MODULE_ABSENT) == e->nentries;
	str = read_ptr(e->slot);
	if (!plausible(str) || read_at(word, sizeof(word), str + l->str_length))
		return false;
	if (word[1] == NOT_HASHED)
		return ft_module_id(e->slot) == e->module_id;
	return text_id(word[1], word[0]) == e->module_id;
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

/* The key of the variant that runs as the module of this id; its number is not 0. */
FT_INLINE u64 variant_key(u64 code, u64 id)
{
	u64 number = id ^ id >> 16 ^ id >> 32 ^ id >> 48;

	return code | ((number & 0xffff) ?: 1) << CODE_VARIANT;
}

/*
 * Decides on a code object seen in a frame, describes it to user space when it is accepted, and
 * keeps the verdict; the entry, or NULL. first: its entry, when it was decided on as another
 * module, or as one whose name lies elsewhere.
 */
FT_INLINE struct code_entry *decide(u32 tgid, u32 tid, u64 frame, u64 code,
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
		if (e && e->birth == first->birth && e->module_id == id) {
			e->role = first->role;
			e->role_arg = first->role_arg;
			return e;
		}
	}
	accept = ft_verdict(slot, id) == CODE_ACCEPT;
	role = ft_settings.http ? ft_http_role(tgid, code) : 0;
	if (!accept && !role) {
		ft_reject(key, frame, slot, id);
		return code_find(tgid, key);
	}
	if (!thread_get(tgid, tid))
		return 0;
	if (ft_entry(tid, key, role)) {
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
	for (i = 0; i < DESCRIBED; i++) {
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
