/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Exceptions. PyTraceBack_Here is called once for each frame that an exception is raised in
 * or passes through, also when that frame then handles it. So a hit only notes the exception
 * on the call (RAISE); that a call was left by it shows when its frame is gone (ft_settle).
 */
#include "hit.bpf.h"
#include "traceback.bpf.h"

#include <bpf/bpf_tracing.h>

FT_GLOBAL u64 ft_descend(u64 frame, u64 top, u64 below)
{
	const struct ft_layout *l = my_layout();
	u64 next = 0;
	u32 i;

	if (!frame)
		return 0;
	for (i = 0; l && i < WALK_FRAMES; i++) {
		if (frame == below)
			return 0;
		if (frame == top)
			return WALK_MET;
		bpf_probe_read_user(&next, 8, (void *)(frame + l->frame_previous));
		if (!next)
			break;
		frame = next;
	}
	return l && next ? frame : 0;
}

/* Does call number n belong to the thread state of the event at hand? */
FT_GLOBAL int ft_is_here(u32 tid, u32 n)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	struct call *c = t ? call_at(t, tid, n) : 0;

	return c && c->tstate == t->tstate;
}

#define WAIT_CALLS 64
#define EXC_UNREADABLE 1 /* an exception that has no value yet (up to 3.11) */

/*
 * The top call belongs to another thread state than that of the event at hand: a
 * sub-interpreter's. It waits for this one if none of this one's calls lies below; otherwise
 * it is over. WAIT_CALLS are looked at.
 */
FT_GLOBAL int ft_waits(u32 tid)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	u32 i;

	for (i = 2; t && i < WAIT_CALLS && i <= t->depth; i++)
		if (ft_is_here(tid, t->depth - i))
			return 0;
	return 1;
}

FT_GLOBAL int ft_alive(u32 tid, u64 frame)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	struct call *top = t ? call_top(t, tid) : 0;
	u64 top_frame, below_frame = 0;
	struct call *below;
	u32 i;

	if (!l || !top)
		return 0;
	top_frame = top->frame;
	if (l->states_running) {
		if (frame_code(l, top_frame) != top->code)
			return 0;
		/* The one that returns no longer says that it runs. */
		if (top_frame == frame || is_running(l, top_frame))
			return 1;
		/* Nor does one whose trace function is told first (ceval.c: call_trace_protected):
		 * it lies below that. */
		if (has_begun(l, top_frame) || frame == FRAME_AWAY)
			return 0;
	}
	if (frame == FRAME_AWAY)
		return !top->exc || l->frame_object == FT_NONE ||
		       (frame_code(l, top_frame) == top->code &&
			read_ptr(top_frame + l->frame_object) == top->object);
	if (!l->states_running && top->tstate != t->tstate)
		return ft_waits(tid);
	/* Down at the call below it, and the top was not met: the top is gone. */
	below = t->depth > 1 ? call_at(t, tid, t->depth - 2) : 0;
	if (below && below->frame != top_frame)
		below_frame = below->frame;
	for (i = 0; i < WALK_ROUNDS; i++) {
		frame = ft_descend(frame, top_frame, below_frame);
		if (frame <= WALK_MET)
			return frame && frame_code(l, top_frame) == top->code;
	}
	count(FT_LOST_walk_bound);
	thread_lost(t, bpf_ktime_get_ns(), 1, FT_LOST_walk_bound);
	return 1;
}

/* ---- generators that are thrown into --------------------------------------------------------- */

/* Whose frame it is; up to 3.10 the code alone tells. */
FT_INLINE u8 frame_owner(const struct ft_layout *l, u64 frame, u64 code)
{
	u32 flags = 0;
	u8 owner = 0;

	if (l->frame_owner != FT_NONE) {
		read_at(&owner, 1, frame + l->frame_owner);
		return owner;
	}
	read_at(&flags, 4, code + l->code_flags);
	return flags & CO_SUSPENDS ? OWNER_GENERATOR : 0;
}

#define FRAME_OF_CALL 0	  /* no generator's, nor the interpreter's own */
#define FRAME_BETWEEN 1	  /* one of these */
#define FRAME_SUSPENDED 2 /* of a generator whose call is kept as suspended */

FT_GLOBAL int ft_frame_is(u32 tgid, u64 frame)
{
	const struct ft_layout *l = my_layout();
	u64 code = l ? frame_code(l, frame) : 0;
	u8 owner = l ? frame_owner(l, frame, code) : 0;

	if (owner == OWNER_GENERATOR)
		return suspended_find(tgid, frame, code) ? FRAME_SUSPENDED : FRAME_BETWEEN;
	return owner >= OWNER_SHIM ? FRAME_BETWEEN : FRAME_OF_CALL;
}

/*
 * Is there a call kept as suspended among the generators that run from this frame downwards, one
 * behind the `yield from` of the next? Between them are frames of the interpreter's own.
 */
FT_GLOBAL int ft_thrown_into(u32 tgid, u64 frame, u64 top)
{
	const struct ft_layout *l = my_layout();
	u32 i;
	int is;

	for (i = 0; l && i < WALK_FEW; i++) {
		if (!plausible(frame) || frame == top)
			return 0;
		is = ft_frame_is(tgid, frame);
		if (is != FRAME_BETWEEN)
			return is == FRAME_SUSPENDED;
		frame = read_ptr(frame + l->frame_previous);
	}
	return l != 0; /* the next entry looks further */
}

/* Looks at WALK_FEW: the generator with WALK_MET in its address; 0: at the top call; WALK_MET: at
 * the bottom; else the frame where it is. */
FT_GLOBAL u64 ft_generator_below(u32 tgid, u64 frame, u64 top)
{
	const struct ft_layout *l = my_layout();
	u32 i;

	for (i = 0; l && i < WALK_FEW; i++) {
		if (frame == top)
			return 0;
		if (!plausible(frame))
			return WALK_MET;
		if (ft_frame_is(tgid, frame) == FRAME_SUSPENDED)
			return frame | WALK_MET;
		frame = read_ptr(frame + l->frame_previous);
	}
	return l ? frame : 0;
}

/* Has the one that was thrown into not gone on since? */
FT_INLINE bool is_waiting(const struct ft_layout *l, const struct thread *t)
{
	return t->thrown_into && read_ptr(t->thrown_into + l->frame_instr) == t->thrown_at;
}

FT_GLOBAL u64 ft_thrown_below(u32 tid, u64 frame)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	struct call *top = t ? call_top(t, tid) : 0;
	u64 top_frame = top ? top->frame : 0;
	u32 i, tgid = my_ids() >> 32;

	if (!l)
		return 0;
	for (i = 0; i < WALK_MANY; i++) {
		frame = ft_generator_below(tgid, frame, top_frame);
		if (frame > WALK_MET && frame & WALK_MET)
			return frame & ~(u64)WALK_MET;
		if (frame <= WALK_MET)
			break;
	}
	if (frame > WALK_MET) {
		count(FT_LOST_walk_bound);
		thread_lost(t, bpf_ktime_get_ns(), 1, FT_LOST_walk_bound);
		return 0;
	}
	if (frame && top && l->states_running)
		return WALK_MET;
	if (t->depth < t->thrown && !is_waiting(l, t))
		t->thrown = 0;
	return 0;
}

/* From here on calls may have a generator below them that is not pushed. */
FT_INLINE void expect_thrown(struct thread *t)
{
	if (!t->thrown || t->thrown > t->depth + 1)
		t->thrown = t->depth + 1;
}

/* An exception is seen in this frame. */
FT_INLINE void note_thrown(struct hit *h, u64 frame)
{
	struct thread *t;
	struct call *top;

	if (!(h->proc->flags & FT_PROC_SUSPENDS) ||
	    frame_owner(h->l, frame, frame_code(h->l, frame)) != OWNER_GENERATOR)
		return;
	h->frame = frame;
	stand(h, false);
	t = bpf_map_lookup_elem(&ft_threads, &h->tid);
	top = t ? call_top(t, h->tid) : 0;
	if (!ft_thrown_into(h->tgid, frame, top ? top->frame : 0))
		return;
	t = thread_get(h->tgid, h->tid);
	if (t)
		expect_thrown(t);
}

#define RESUME_DELEGATES 2 /* and above: behind a `yield from` or an await */

/* Does this generator's frame wait for another iterator (3.11)? */
FT_INLINE bool delegates(const struct ft_layout *l, u64 frame)
{
	u16 unit[2] = {};

	return !read_at(unit, sizeof(unit), read_ptr(frame + l->frame_instr)) &&
	       is_resume(l, unit[1]) && unit[1] >> 8 >= RESUME_DELEGATES;
}

/*
 * generator.throw(self, ...), and of others like it. One that waits for an iterator with a throw()
 * of its own hands on what is thrown, and no hook shows that: it stands among the frames while that
 * is called.
 */
SEC("uprobe")
int ft_throw(struct pt_regs *ctx)
{
	struct thread *t;
	struct hit h;
	u64 frame;

	if (!hit_ours(&h) || !(h.proc->flags & FT_PROC_SUSPENDS) || !hit_running(&h) ||
	    !plausible(h.frame))
		return 0;
	stand(&h, false);
	t = thread_get(h.tgid, h.tid);
	if (!t)
		return 0;
	expect_thrown(t);
	t->thrown_into = 0;
	if (h.l->generator_frame == FT_NONE)
		return 0;
	frame = PT_REGS_PARM1(ctx) + h.l->generator_frame;
	if (!delegates(h.l, frame))
		return 0;
	t->thrown_into = frame;
	t->thrown_at = read_ptr(frame + h.l->frame_instr);
	return 0;
}

/* ---- which exception left a call ------------------------------------------------------------ */

FT_GLOBAL u64 ft_trace_back(u64 traceback, u64 object, u64 code)
{
	const struct ft_layout *l = my_layout();
	u32 i;

	for (i = 0; l && i < WALK_FEW; i++) {
		if (!plausible(traceback))
			return 0;
		if (read_ptr(traceback + l->traceback_frame) == object)
			return object_code(l, object) == code ? WALK_MET : 0;
		traceback = read_ptr(traceback + l->traceback_next);
	}
	return l ? traceback : 0;
}

/*
 * Was the top call, which is gone, left by the exception that is under way? Since the last one
 * that was seen in it, it may have been left by one that nothing showed there: raised again,
 * which makes no new entry in the traceback. Or the one that left it was swallowed, by C code or
 * by a function that nobody asked for, and this one is of later. The traceback tells: it has an
 * entry for each frame that an exception passed before it came here, from the outermost to where
 * it was raised. A bare `raise` in a frame that never saw an exception makes no entry at all;
 * what it raises is still being handled below.
 */
FT_GLOBAL int ft_left_by(u32 tid, u64 exc)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	struct call *c = t ? call_top(t, tid) : 0;
	u64 traceback, object, code;
	u32 i;

	if (!l || !c || c->exc == exc)
		return 0;
	if (!c->exc)
		return handled(l, t->tstate) == exc;
	object = c->object;
	code = c->code;
	traceback = read_ptr(t->tstate + l->tstate_exc_traceback);
	for (i = 0; i < WALK_MANY; i++) {
		traceback = ft_trace_back(traceback, object, code);
		if (traceback <= WALK_MET)
			return traceback;
	}
	count(FT_LOST_walk_bound);
	return -1;
}

/* Closes the top call if it is gone; 1 = it was. */
FT_GLOBAL int ft_settle_one(u32 tid, u64 start, u64 fresh, u64 exc)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	struct ft_proc *p = my_proc();
	const struct ft_layout *l = p ? &p->layout : 0;
	struct call *c = t ? call_top(t, tid) : 0;
	u64 now = bpf_ktime_get_ns();
	int left;

	if (!t || !l || !c || (l->exits_exact && !(p->flags & FT_PROC_JIT)) ||
	    (c->frame != fresh && ft_alive(tid, start)))
		return 0;
	/* Nothing leaves unseen: it is suspended, by code that a JIT compiled. */
	if (l->exits_exact && !(c->flags & CALL_GENERATOR))
		return 0;
	/* `yield from` and `await` suspend where no hook is (YIELD_FROM, up to 3.10). A new
	 * generator in the place of one that is gone has not begun. */
	if (l->exits_exact || (l->states_running && c->frame != fresh &&
			       c->flags & CALL_GENERATOR && frame_code(l, c->frame) == c->code &&
			       has_begun(l, c->frame) && is_suspended(l, c->frame))) {
		suspended_keep(t, p, c);
		t->depth--;
		return 1;
	}
	left = exc ? ft_left_by(tid, exc) : 0;
	c = call_top(t, tid);
	if (!c)
		return 0;
	if (left > 0)
		send_raise(t, tid, c, exc, now, FT_RAISE_BELOW);
	else if (left < 0)
		send_unknown(t, tid, c, now);
	send_unwound(t, tid, c, now);
	t->http.raised = 0;
	http_leave(tid, c, 1);
	if (c->flags & CALL_STORED)
		suspended_drop(t->pid, c->frame);
	t->depth--;
	return 1;
}

FT_GLOBAL int ft_settle(u32 tid, u64 start, u64 fresh, u64 exc)
{
	u32 i;

	for (i = 0; i < FT_UNWIND_BOUND; i++)
		if (!ft_settle_one(tid, start, fresh, exc))
			return 0;
	count(FT_LOST_unwind_bound);
	return 0;
}

/* What the value is made of becomes the exception's args. */
FT_INLINE void push_args(const struct ft_layout *l, struct thread *t, u64 args)
{
	u64 n = 0;

	if (!plausible(args) || read_at(&n, 8, args + 16))
		n = 0;
	if (n > ft_settings.max_items)
		n = ft_settings.max_items;
	walk_push(t, LEVEL_SEQ, args + l->tuple_items, n);
}

/* str(OSError) has the file name, which is not among its args. */
FT_INLINE bool push_os_error(const struct ft_layout *l, struct thread *t, u64 exc)
{
	struct level *lv;

	if (read_ptr(read_ptr(exc + l->exc_args) + 16) != 2)
		return false;
	t->roots[0] = read_ptr(exc + l->os_errno);
	t->roots[1] = read_ptr(exc + l->os_strerror);
	t->roots[2] = read_ptr(exc + l->os_filename);
	if (!t->roots[0] || !t->roots[1])
		return false;
	lv = walk_push(t, LEVEL_ROOTS, 0, t->roots[2] ? 3 : 2);
	lv->hidden = 0;
	return true;
}

FT_GLOBAL int ft_begin_raise(u32 tid, u64 type, u64 value)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	u64 value_type, flags = 0;
	struct level *lv;
	u32 kind;

	if (!l)
		return -1;
	value_type = plausible(value) ? read_ptr(value + 8) : 0;
	if (plausible(value_type))
		read_at(&flags, 8, value_type + l->type_flags);
	if (flags & TPFLAGS_EXC)
		type = value_type;
	kind = classify(tid, type);
	walk_begin(t);
	t->walk.redact = 0; /* messages are not covered, and their words are no names */
	tok_16(t, FT_T_EXC, type, value);
	if (flags & TPFLAGS_EXC) {
		if (kind != FT_KIND_EXC_OS || !push_os_error(l, t, value))
			push_args(l, t, read_ptr(value + l->exc_args));
	} else if (flags & TPFLAGS_TUPLE) {
		push_args(l, t, value);
	} else {
		t->roots[0] = value;
		lv = walk_push(t, LEVEL_ROOTS, 0, value && value != l->none_addr);
		lv->hidden = 0;
	}
	return 0;
}

SEC("uprobe")
int ft_traceback(struct pt_regs *ctx)
{
	u64 object = PT_REGS_PARM1(ctx), frame = object, type = 0, value, exc;
	struct call *c, *was;
	struct thread *t;
	struct hit h;
	bool ours;

	if (!hit_ours(&h))
		return 0;
	if (h.l->pyframe_frame != FT_NONE)
		frame = read_ptr(frame + h.l->pyframe_frame);
	note_thrown(&h, frame);
	if (h.l->exits_exact || !hit_running(&h))
		return 0;
	/* Else a traceback entry made by C code, for no frame that runs. Maybe none does. */
	if (frame != h.frame || !hit_code(&h))
		return 0;
	stand(&h, false);
	t = bpf_map_lookup_elem(&ft_threads, &h.tid);
	c = t ? call_top(t, h.tid) : 0;
	ours = call_is(c, h.frame, h.code) || hit_known(&h);
	if (t)
		t->tstate = h.tstate;
	if (!ours && (!c || !may_be_over(h.proc, c, h.tstate) || ft_alive(h.tid, h.frame)))
		return 0;
	if (!t) {
		t = thread_get(h.tgid, h.tid);
		if (!t)
			return 0;
		t->tstate = h.tstate;
	}
	value = read_ptr(h.tstate + h.l->tstate_exc_value);
	exc = value ?: EXC_UNREADABLE;
	if (h.l->tstate_exc_type != FT_NONE)
		type = read_ptr(h.tstate + h.l->tstate_exc_type);
	traceback_of(t, h.tid, h.frame, h.code, value);
	if (build_raise(h.tid, type, value))
		return 0;
	c = call_top(t, h.tid);
	if (!call_is(c, h.frame, h.code))
		ft_settle(h.tid, h.frame, 0, exc);
	if (!ours) {
		/* The one that was the top call may have shown only now that it waits. */
		note_thrown(&h, frame);
		return 0;
	}
	c = call_top(t, h.tid);
	if (!call_is(c, h.frame, h.code)) {
		/* gen.throw() and close() go on without a RESUME: this is the first we see. */
		was = suspended_find(h.tgid, h.frame, h.code);
		c = was ? call_new(t, h.tid) : 0;
		if (!c)
			return 0;
		*c = *was;
		c->tstate = h.tstate;
		call_opened(t);
	}
	send_raise(t, h.tid, c, exc, bpf_ktime_get_ns(), 0);
	c->exc = exc;
	c->object = object;
	http_raised(c, type);
	h.proc->raised_tid = h.tid;
	return 0;
}

/*
 * The program is over: by sys.exit(), or by an exception that nobody handled. What it left last
 * is gone from the stack, and no Python code need run any more that would show it.
 */
SEC("uprobe")
int ft_finalize(struct pt_regs *ctx)
{
	struct thread *t;
	struct hit h;

	if (!hit_ours(&h) || !hit_running(&h))
		return 0;
	t = bpf_map_lookup_elem(&ft_threads, &h.tid);
	if (!t || !t->depth)
		return 0;
	t->tstate = h.tstate;
	stand(&h, false);
	ft_settle(h.tid, h.frame, 0, 0);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
