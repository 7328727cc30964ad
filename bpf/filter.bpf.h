/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Which functions are traced. Decided once a code object and cached by its address; a guard
 * (hash of what never changes in it) tells when the address holds another one.
 */
#ifndef FT_FILTER_BPF_H
#define FT_FILTER_BPF_H

#include "py_value.bpf.h"

/* The thread's name, seen from any of its frames: 1 = to be walked and sent, 0 = it has none. */
int ft_thread_name(u32 tid, u64 frame);
int ft_thread_send(u32 tid);

/* A hash of n words of the target, never 0; 0 when they cannot be read. */
u64 ft_guard(u64 words, u32 n);

/* 0 when the code object cannot be read. */
FT_INLINE u64 code_guard(const struct ft_layout *l, u64 code)
{
	return plausible(code) ? ft_guard(code + l->code_guard, l->guard_words) : 0;
}

FT_INLINE u64 name_hash(const struct ft_layout *l, u64 code)
{
	return read_ptr(read_ptr(code + l->code_name) + l->str_hash);
}

FT_INLINE bool code_rejected(const struct code_entry *e)
{
	return e->verdict == CODE_REJECT || e->verdict == CODE_DROPPED;
}

/*
 * Is the entry still about what lies at this address? A rejected function is compared by the
 * words alone: generated code may come to lie just where its forerunner was, with another
 * name, but in the same module, and the module is all that the rejection is about.
 */
FT_INLINE bool code_same(const struct ft_layout *l, u64 code, const struct code_entry *e)
{
	return e->guard == code_guard(l, code) &&
	       (code_rejected(e) || e->name_hash == name_hash(l, code));
}

FT_INLINE struct code_entry *code_find(u32 tgid, u64 code)
{
	struct code_key key = {.code = code, .tgid = tgid};

	return bpf_map_lookup_elem(&ft_codes, &key);
}

/* ---- deciding, once a code object; decide.bpf.c ------------------------------------- */

/* The name of the module whose globals this frame has: a str; 0: it has none; MODULE_UNTOLD. */
#define MODULE_UNTOLD 1
u64 ft_module(u64 frame);
/* What the rules say of a module; accept_unknown when none of them names it. */
int ft_verdict(u64 module);
int ft_reject(u32 tgid, u64 code);
/* What it is to HTTP requests: enum http_role | parameter << 8; 0 = nothing. */
int ft_http_role(u32 tgid, u64 code);
/* The steps of accepting; of what is watched only the first and the last. */
int ft_entry(u32 tid, u64 code, u32 role);
int ft_watch(u32 tid, u64 code);
u64 ft_owner(u32 tid, u64 frame, u64 code);
int ft_describe(u32 tid, u64 code, u64 module);
int ft_describe_params(u32 tid, u64 code);
int ft_accept(u32 tid, u64 code, u64 owner);

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

/* Decides on a code object seen in a frame, describes it to user space when it is accepted, and
 * keeps the verdict. */
FT_INLINE void decide(u32 tgid, u32 tid, u64 frame, u64 code)
{
	u64 module = ft_module(frame), owner;
	bool accept = ft_verdict(module) == CODE_ACCEPT;
	u32 role = ft_settings.http ? ft_http_role(tgid, code) : 0;

	if (module == MODULE_UNTOLD) {
		count(FT_LOST_read_module); /* the next call decides */
		return;
	}
	if (!accept && !role) {
		ft_reject(tgid, code);
		return;
	}
	if (!thread_get(tgid, tid))
		return;
	if (ft_entry(tid, code, role)) {
		count(FT_LOST_read_code);
		return;
	}
	if (!accept) {
		ft_watch(tid, code);
		return;
	}
	owner = ft_owner(tid, frame, code);
	if (owner)
		classify(tid, owner);
	ft_describe(tid, code, module);
	walk(tid);
	ft_describe_params(tid, code);
	walk(tid);
	ft_accept(tid, code, owner);
}

#endif
