/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What a test asks of the BPF sources. */
#include "decide.bpf.h"
#include "probe.bpf.h"
#include "py_frame.bpf.h"
#include "stack.bpf.h"
#include "thread_name.bpf.h"

#define FRAMES_MAX 64 /* of a stack, and the interpreter's own among them */

/* Sends the record of a call that returned this value. */
int walk_value(u32 tid, u64 obj, u64 code)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_proc *p = t ? my_proc() : 0;
	const struct ft_layout *l = p ? &p->layout : 0;
	struct ft_rec_exit *r;

	if (!l)
		return -1;
	walk_begin(t, policy_of(p->policy));
	if (!put_plain(l, t, tid, obj)) {
		t->roots[0] = obj;
		walk_push(t, LEVEL_ROOTS, 0, 1);
		ft_walk(tid);
	}
	r = head_of(t, sizeof(*r));
	head_init(&r->hdr, FT_REC_EXIT, 0, t->pid, tid, bpf_ktime_get_ns());
	r->code = code;
	r->start_ns = 1;
	r->start_tid = tid;
	r->how = FT_EXIT_RETURN;
	return send_tokens(t, tid, r->hdr.ts_ns, sizeof(*r), 1);
}

/* The frame that a thread state runs, and those below it. */
u64 frame_of_state(u64 tstate)
{
	const struct ft_layout *l = my_layout();

	return l ? current_frame(l, tstate) : 0;
}

u64 frame_below(u64 frame)
{
	const struct ft_layout *l = my_layout();

	return l ? read_ptr(frame + l->frame_previous) : 0;
}

u64 code_of_frame(u64 frame)
{
	const struct ft_layout *l = my_layout();

	return l ? frame_code(l, frame) : 0;
}

/* The frame of this code, from one frame downwards; 0: there is none. */
u64 find_frame(u64 frame, u64 code)
{
	for (int i = 0; frame && i < FRAMES_MAX; i++, frame = frame_below(frame))
		if (code_of_frame(frame) == code)
			return frame;
	return 0;
}

/* What was decided, or is now, on the code that runs in this frame: enum code_verdict; 0: nothing.
 */
int decide_frame(u32 tid, u64 frame)
{
	u64 code = code_of_frame(frame);
	u32 policy = my_proc()->policy;
	struct code_entry *e = code_find(tid, code);

	if (!e || e->policy != policy)
		e = decide(tid, tid, frame, code, policy, 0);
	return e ? e->verdict : 0;
}

/* Sends the thread's name, as it is seen from this frame; 1: it has one. */
int name_frame(u32 tid, u64 frame)
{
	if (!ft_thread_name(tid, frame))
		return 0;
	ft_walk(tid);
	ft_thread_send(tid);
	return 1;
}

/* Is a call live that began in one frame, as seen from another? code: of that call. */
int live_frame(u32 tid, u64 frame, u64 code, u64 from)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	struct call *c = t ? call_new(t, tid) : 0;
	int live;

	if (!c)
		return -1;
	*c = (struct call){.frame = frame, .code = code, .tstate = t->tstate};
	call_opened(t, tid, frame);
	live = ft_call_is_live(tid, from);
	call_closed(t, tid);
	return live;
}

int is_ours(struct pt_regs *ctx);

/* Is a hit of a hook one of the traced process's? */
int is_ours(struct pt_regs *ctx)
{
	struct probe p;

	return probe_ours(&p, ctx);
}
