/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "py_frame.bpf.h"
#include "stack.bpf.h"
#include "traceback.bpf.h"

/* The part of a PyTracebackObject that is read: tb_next, tb_frame, tb_lasti, tb_lineno. */
struct entry {
	u64 next, frame;
	s32 lasti, line;
};

FT_INLINE int entry_read(const struct ft_layout *l, u64 at, struct entry *e)
{
	return plausible(at) ? read_at(e, sizeof(*e), at + l->traceback_next) : -1;
}

/* Advances by at most n entries, and at most WALK_FRAMES. */
FT_GLOBAL int ft_traceback_skip(u32 tid, u32 n)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	u32 i, seen = 0;
	u64 at;

	if (!l)
		return 0;
	at = t->traceback.at;
	for (i = 0; i < WALK_FRAMES; i++) {
		if (i >= n || !plausible(at))
			break;
		at = read_ptr(at + l->traceback_next);
		seen++;
	}
	t->traceback.at = plausible(at) ? at : 0;
	t->traceback.count += seen;
	return 0;
}

/* If there are too many entries the outermost are left out: those near the raise matter more. */
FT_INLINE void set_first(u32 tid, struct traceback *b)
{
	u32 i, left;

	b->at = b->first;
	b->count = 0;
	for (i = 0; i < WALK_ROUNDS && b->at; i++)
		ft_traceback_skip(tid, WALK_FRAMES);
	b->whole = b->count;
	left = b->count > FT_MAX_STACK ? b->count - FT_MAX_STACK : 0;
	b->at = b->first;
	for (i = 0; i < WALK_ROUNDS && left; i++) {
		ft_traceback_skip(tid, left);
		left -= left < WALK_FRAMES ? left : WALK_FRAMES;
	}
	b->first = b->at;
}

FT_GLOBAL int ft_traceback_open(u32 tid, u64 innermost, u64 code, u64 exc)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	struct traceback *b;

	if (!l)
		return 0;
	b = &t->traceback;
	if (l->tstate_exc_traceback != FT_NO_FIELD)
		b->first = read_ptr(t->tstate + l->tstate_exc_traceback);
	else
		b->first = plausible(exc) ? read_ptr(exc + l->exc_traceback) : 0;
	if (!plausible(b->first))
		b->first = 0;
	b->frame = innermost;
	b->code = code;
	set_first(tid, b);
	b->whole += innermost != 0;
	if (b->whole > FT_MAX_STACK)
		b->frame = 0; /* its entry would be the outermost */
	b->own = b->frame != 0;
	b->open = 1;
	return 0;
}

/* ---- describing code ---------------------------------------------------------------------- */

/* Was the code described in this program of the process? It is forgotten when it is freed
 * (ft_freed). */
FT_INLINE bool lines_told(u32 tgid, u64 code)
{
	struct code_key key = {.code = code, .tgid = tgid};
	u64 *when = bpf_map_lookup_elem(&ft_told, &key);
	const struct ft_proc *p = when ? my_proc() : 0;

	return p && *when >= p->born;
}

FT_GLOBAL u64 ft_traceback_untold(u32 tid)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	struct entry e = {};
	u64 code;
	u32 i;

	if (!l)
		return 0;
	if (t->traceback.own) {
		t->traceback.own = 0;
		code = t->traceback.code;
		if (!lines_told(t->pid, code))
			return code;
	}
	for (i = 0; i < FT_MAX_STACK; i++) {
		if (entry_read(l, t->traceback.at, &e))
			return 0;
		t->traceback.at = e.next;
		code = object_code(l, e.frame);
		if (code && !lines_told(t->pid, code))
			return code;
	}
	return 0;
}

FT_GLOBAL int ft_lines_begin(u32 tid, u64 code)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_proc *p = t ? my_proc() : 0;
	const struct ft_layout *l = p ? &p->layout : 0;

	if (!l)
		return 0;
	walk_begin(t, policy_of(p->policy));
	t->walk.budget = FT_MAX_TOKEN_BYTES;
	t->walk.redact = 0;
	t->roots[0] = read_ptr(code + l->code_filename);
	t->roots[1] = read_ptr(code + l->code_name);
	t->roots[2] = read_ptr(code + l->code_linetable);
	walk_push(t, LEVEL_ROOTS, 0, 3);
	return 0;
}

FT_GLOBAL int ft_lines_send(u32 tid, u64 code)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	struct code_key key = {.code = code};
	u64 now = bpf_ktime_get_ns();
	struct ft_rec_lines *r;

	if (!l)
		return 0;
	r = head_of(t, sizeof(*r));
	head_init(&r->hdr, FT_REC_LINES, 0, t->pid, tid, now);
	r->code = code;
	r->first_line = read_u32(code + l->code_firstlineno);
	r->how = l->lines_how;
	if (send_tokens(t, tid, now, sizeof(*r), 0))
		return 0;
	key.tgid = t->pid;
	bpf_map_update_elem(&ft_told, &key, &now, BPF_ANY);
	return 0;
}

/* ---- the tokens ------------------------------------------------------------------------------ */

FT_INLINE void put_frame(struct thread *t, u64 code, s32 at, s32 line)
{
	tok_16(t, FT_T_FRAME, code, (u32)at | (u64)(u32)line << 32);
}

/* Offset of the instruction in the frame that the exception enters. */
FT_INLINE s32 own_lasti(const struct ft_layout *l, const struct traceback *b)
{
	if (l->frame_instr != FT_NO_FIELD)
		return read_ptr(b->frame + l->frame_instr) - b->code - l->code_bytecode;
	return read_u32(b->frame + l->frame_lasti);
}

#define STACK_BYTES (24 * FT_MAX_STACK + 24)

FT_GLOBAL int ft_traceback_put(u32 tid)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	struct entry e = {};
	u64 at;
	u32 i;

	if (!l || !t->traceback.open)
		return 0;
	if (t->walk.used > FT_MAX_TOKEN_BYTES - STACK_BYTES) {
		t->traceback.open = 0; /* the message leaves no room for it */
		return 0;
	}
	tok_8(t, FT_T_LIST, t->traceback.whole);
	if (t->traceback.frame)
		put_frame(t, t->traceback.code, own_lasti(l, &t->traceback), -1);
	at = t->traceback.first;
	for (i = 0; i < FT_MAX_STACK; i++) {
		if (entry_read(l, at, &e))
			break;
		put_frame(t, object_code(l, e.frame), e.lasti, e.line);
		at = e.next;
	}
	tok_0(t, FT_T_END);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
