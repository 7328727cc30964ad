/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Which functions are traced. Decided once a code object and cached by its address; a guard
 * (hash of what never changes in it) tells when the address holds another one.
 */
#ifndef FT_FILTER_BPF_H
#define FT_FILTER_BPF_H

#include "py_value.bpf.h"

/*
 * Decides on a code object seen in a frame, describes it to user space when it is accepted,
 * and caches the verdict. Returns enum code_verdict, or 0 when it could not be told.
 */
int ft_decide(u32 tid, u64 frame, u64 code);
/* Sends the thread's name, seen from any of its frames; 0, also when it has none. */
int ft_thread_name(u32 tid, u64 frame);

/* 0 when the code object cannot be read. */
FT_INLINE u64 code_guard(const struct ft_layout *l, u64 code)
{
	u64 words[FT_GUARD_WORDS] = {};
	u64 h = 0;
	u32 i;

	if (!plausible(code) || read_at(words, sizeof(words), code + l->code_guard))
		return 0;
	for (i = 0; i < FT_GUARD_WORDS; i++) {
		if (i >= l->guard_words)
			break;
		h = (h << 7 | h >> 57) ^ words[i];
	}
	return h | 1;
}

FT_INLINE u64 name_hash(const struct ft_layout *l, u64 code)
{
	return read_ptr(read_ptr(code + l->code_name) + l->str_hash);
}

/*
 * Is the entry still about what lies at this address? A rejected function is compared by the
 * words alone: generated code may come to lie just where its forerunner was, with another
 * name, but in the same module, and the module is all that the rejection is about.
 */
FT_INLINE bool code_same(const struct ft_layout *l, u64 code, const struct code_entry *e)
{
	return e->guard == code_guard(l, code) &&
	       (e->verdict == CODE_REJECT || e->name_hash == name_hash(l, code));
}

FT_INLINE struct code_entry *code_find(u32 tgid, u64 code)
{
	struct code_key key = {.code = code, .tgid = tgid};

	return bpf_map_lookup_elem(&ft_codes, &key);
}

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

#endif
