/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The name of a thread: threading.Thread._name. */
#include "dict.bpf.h"
#include "py_frame.bpf.h"
#include "py_value.bpf.h"
#include "stack.bpf.h"
#include "thread_name.bpf.h"

/* Names as the words that they are in memory. */
#define TEXT__NAME 0x656d616e5fULL	  /* "_name" */
#define BOOTSTRAP_0 0x727473746f6f625fULL /* "_bootstrap_inner" */
#define BOOTSTRAP_1 0x72656e6e695f7061ULL
#define BOOTSTRAP_END 0x7061ULL /* "_bootstrap" begins as that */

/* thread._name */
FT_INLINE u64 name_attribute(const struct ft_layout *l, u64 obj)
{
	u64 type = type_of(l, obj), values, dict;
	int i;

	if (l->attr_how == FT_ATTR_DICTOFFSET)
		return dict_get(l, read_ptr(obj + read_ptr(type + l->type_dictoffset)), TEXT__NAME,
				0, 5);
	dict = read_ptr(obj - l->managed_dict);
	if (l->attr_how == FT_ATTR_VALUES_311)
		values = read_ptr(obj - l->managed_values);
	else if (l->attr_how == FT_ATTR_VALUES_312)
		values = dict & 1 ? dict + 1 : 0;
	else
		values = dict ? 0 : obj + read_ptr(type + l->type_basicsize);
	if (!values)
		return dict_get(l, dict, TEXT__NAME, 0, 5);
	i = ft_find_key(read_ptr(type + l->type_cached_keys), TEXT__NAME, 0, 5);
	return i < 0 ? 0 : read_ptr(values + l->values_first + 8 * (u64)i);
}

FT_GLOBAL int ft_is_bootstrap(u64 frame)
{
	const struct ft_layout *l = my_layout();
	u64 code = l && frame ? frame_code(l, frame) : 0;

	if (!code)
		return 0;
	return ft_str_at(code + l->code_name, BOOTSTRAP_0, BOOTSTRAP_1, 16, str_places(l)) ||
	       ft_str_at(code + l->code_name, BOOTSTRAP_0, BOOTSTRAP_END, 10, str_places(l));
}

/*
 * Begins the walk of threading's name of this thread (1), or finds none (0): self._name in the
 * frame of Thread._bootstrap_inner. The bottom frames of every thread that threading started are
 * that one, _bootstrap, from 3.12 a frame of the interpreter's own, and from 3.15 another one. The
 * first call of a thread may be that of _bootstrap, which has the same self.
 */
FT_GLOBAL int ft_thread_name(u32 tid, u64 frame)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_proc *p = t ? my_proc() : 0;
	const struct ft_layout *l = p ? &p->layout : 0;
	u64 second = 0, third = 0, fourth = 0, previous, name, self;
	u32 i;

	if (!l)
		return 0;
	for (i = 0; i < WALK_ROUNDS; i++) { /* down to the last WALK_FRAMES frames at most */
		previous = ft_stack_walk(frame, 0, 0);
		if (!previous)
			break;
		frame = previous;
	}
	for (i = 0; i < WALK_FRAMES; i++) {
		bpf_probe_read_user(&previous, 8, (void *)(frame + l->frame_previous));
		if (!previous)
			break;
		fourth = third;
		third = second;
		second = frame;
		frame = previous;
	}
	if (ft_is_bootstrap(fourth))
		frame = fourth;
	else if (ft_is_bootstrap(third))
		frame = third;
	else if (ft_is_bootstrap(second))
		frame = second;
	else if (!ft_is_bootstrap(frame))
		return 0;
	self = read_ref(l, frame + l->frame_localsplus);
	name = plausible(self) ? name_attribute(l, self) : 0;
	if (!name)
		return 0;
	walk_begin(t, policy_of(p->policy));
	t->walk.budget = 256;
	t->roots[0] = name;
	walk_push(t, LEVEL_ROOTS, 0, 1);
	return 1;
}

/* Sends the name after the walk; 0 when it is in the ring. */
FT_GLOBAL int ft_thread_send(u32 tid)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	u64 now = bpf_ktime_get_ns();
	struct ft_rec_thread *r;

	if (!t)
		return 0;
	r = head_of(t, sizeof(*r));
	head_init(&r->hdr, FT_REC_THREAD, 0, t->pid, tid, now);
	return send_tokens(t, tid, now, sizeof(*r), 0);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
