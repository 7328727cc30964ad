/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The probes of flowtrace_agent, whose argument is a finished record: BPF copies it, checks the
 * fields that it uses itself, and sends it. decode/ checks the rest.
 *
 *     ft_agent_enter   function__entry(class, function, line, record, size)       ENTER
 *     ft_agent_exit    function__return(same)                                     EXIT
 *     ft_agent_raise   function__exception(same)                                  RAISE
 *     ft_agent_name    name(record, size)                       CODE, TYPE, THREAD, LOST, HTTP_*
 *
 * A record has the pid and tids of its own PID namespace. BPF replaces those of the thread that hit
 * the probe by the collector's. A span that ends on another thread is named by the tid of the
 * thread where it began: ft_agent_tids has the collector's tid for each thread that began a call.
 * It stays empty if both namespaces have the same numbers.
 */
#include "hook.bpf.h"
#include "emit.bpf.h"
#include "thread.bpf.h"
#include "wake.bpf.h"

#include <bpf/bpf_tracing.h>

_Static_assert(sizeof(((struct thread *)0)->tok) >= FT_MAX_RECORD, "a record fits where it is put");

/* pid for the collector << 32 | tid for the process -> tid for the collector */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	FT_ENTRIES(4096);
	__type(key, u64);
	__type(value, u32);
} ft_agent_tids SEC(".maps");

struct lost_call {
	u64 start_ns;
	u32 tgid, tid;
};

/* Calls whose ENTER did not fit into the ring: their EXIT is dropped too. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	FT_ENTRIES(4096);
	__type(key, struct lost_call);
	__type(value, u32);
} ft_agent_lost SEC(".maps");

struct record {
	struct ft_proc *proc;
	struct thread *t; /* its tok has the record */
	u64 size;
	u32 tgid, tid;
	u32 own_tid; /* in the process' own PID namespace */
};

/* ---- in ------------------------------------------------------------------------------------- */

FT_INLINE void refuse(struct thread *t)
{
	count(FT_LOST_bad_record);
	thread_lost(t, bpf_ktime_get_ns(), 1, FT_LOST_bad_record);
}

/* The thread's number in its own PID namespace; a correct record has the same. */
FT_INLINE u32 own_tid(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	u64 level = BPF_CORE_READ(pid, level);
	struct upid *n = (void *)pid + bpf_core_field_offset(struct pid, numbers) +
			 level * bpf_core_type_size(struct upid);

	return BPF_CORE_READ(n, nr);
}

/* Copies a record of at least `least` bytes into the thread's slot. NULL: the process is not
 * traced, or the record is not valid. early: also before all hooks are in. */
FT_INLINE struct ft_rec *take(struct record *r, u64 addr, u64 size, u32 least, bool early)
{
	u64 id = my_ids();
	struct ft_rec *h;

	r->tgid = id >> 32;
	r->tid = id;
	r->size = size;
	r->proc = bpf_map_lookup_elem(&ft_procs, &r->tgid);
	if (r->proc && r->proc->flags & FT_PROC_DORMANT && ft_wake(r->tgid, NO_COOKIE, 0))
		r->proc = bpf_map_lookup_elem(&ft_procs, &r->tgid);
	if (!r->proc || !(r->proc->flags & FT_PROC_AGENT) || r->proc->flags & FT_PROC_DORMANT)
		return 0;
	/* Names are sent once, when a tracer begins to listen, and so must be taken early. */
	if (!early && !hooks_live(r->proc))
		return 0;
	r->t = thread_get(r->tgid, r->tid);
	if (!r->t)
		return 0;
	if (size & 7 || size < least || size > FT_MAX_RECORD || addr < PY_MIN ||
	    bpf_probe_read_user(r->t->tok, size, (void *)addr)) {
		refuse(r->t);
		return 0;
	}
	h = (void *)r->t->tok;
	r->own_tid = h->tid == r->tid ? r->tid : own_tid();
	h->size = size;
	h->pid = r->tgid;
	return h;
}

/* The collector's tid for a thread of this process. */
FT_INLINE u32 tid_seen(const struct record *r, u32 tid)
{
	u64 key = (u64)r->tgid << 32 | tid;
	u32 *seen;

	if (tid == r->own_tid)
		return r->tid;
	seen = bpf_map_lookup_elem(&ft_agent_tids, &key);
	return seen ? *seen : tid;
}

FT_INLINE void remember_tid(const struct record *r)
{
	u64 key = (u64)r->tgid << 32 | r->own_tid;
	u32 *known;

	if (r->own_tid == r->tid)
		return;
	known = bpf_map_lookup_elem(&ft_agent_tids, &key);
	if (!known || *known != r->tid)
		bpf_map_update_elem(&ft_agent_tids, &key, &r->tid, BPF_ANY);
}

/* ---- out ------------------------------------------------------------------------------------ */

FT_INLINE int pass_on(struct record *r, u32 lose)
{
	u64 size = r->size;

	/* 5.10's verifier must see the bound here; the compiler, which knows it already, would
	 * remove the test. */
	barrier_var(size);
	if (size > FT_MAX_RECORD)
		return -1;
	return send(r->t, r->tid, bpf_ktime_get_ns(), r->t->tok, size, lose);
}

FT_INLINE struct lost_call call_of(const struct record *r, u64 start_ns, u32 start_tid)
{
	return (struct lost_call){.start_ns = start_ns, .tgid = r->tgid, .tid = start_tid};
}

/* ---- the probes ----------------------------------------------------------------------------- */

FT_HOOK("uprobe", ft_agent_enter)
{
	struct ft_rec_enter *e;
	struct record r = {};
	struct lost_call key;
	u32 one = 1;

	e = (void *)take(&r, PT_REGS_PARM4(ctx), PT_REGS_PARM5(ctx), sizeof(*e), false);
	if (!e)
		return 0;
	if (e->hdr.type != FT_REC_ENTER) {
		refuse(r.t);
		return 0;
	}
	remember_tid(&r);
	e->hdr.tid = r.tid;
	e->parent_tid = tid_seen(&r, e->parent_tid);
	if (!pass_on(&r, 1))
		return 0;
	key = call_of(&r, e->hdr.ts_ns, r.tid);
	bpf_map_update_elem(&ft_agent_lost, &key, &one, BPF_ANY);
	r.proc->flags |= FT_PROC_LOSSES;
	return 0;
}

FT_HOOK("uprobe", ft_agent_exit)
{
	struct ft_rec_exit *e;
	struct record r = {};
	struct lost_call key;

	e = (void *)take(&r, PT_REGS_PARM4(ctx), PT_REGS_PARM5(ctx), sizeof(*e), false);
	if (!e)
		return 0;
	if (e->hdr.type != FT_REC_EXIT) {
		refuse(r.t);
		return 0;
	}
	e->hdr.tid = r.tid;
	e->start_tid = tid_seen(&r, e->start_tid);
	if (r.proc->flags & FT_PROC_LOSSES) {
		key = call_of(&r, e->start_ns, e->start_tid);
		if (!bpf_map_delete_elem(&ft_agent_lost, &key)) {
			thread_lost(r.t, bpf_ktime_get_ns(), 1, FT_LOST_ring_full);
			return 0;
		}
	}
	pass_on(&r, 1);
	return 0;
}

FT_HOOK("uprobe", ft_agent_raise)
{
	struct ft_rec_raise *e;
	struct record r = {};

	e = (void *)take(&r, PT_REGS_PARM4(ctx), PT_REGS_PARM5(ctx), sizeof(*e), false);
	if (!e)
		return 0;
	if (e->hdr.type != FT_REC_RAISE) {
		refuse(r.t);
		return 0;
	}
	e->hdr.tid = r.tid;
	e->start_tid = tid_seen(&r, e->start_tid);
	pass_on(&r, 0); /* the EXIT that follows counts as the event */
	return 0;
}

/* Number of events that are lost with this record. */
FT_INLINE u32 weight(const struct record *r, const struct ft_rec *h)
{
	if (h->type == FT_REC_HTTP_REQUEST || h->type == FT_REC_HTTP_RESPONSE)
		return 1;
	if (h->type != FT_REC_LOST || r->size < sizeof(struct ft_rec_lost))
		return 0;
	return ((const struct ft_rec_lost *)h)->count;
}

FT_HOOK("uprobe", ft_agent_name)
{
	struct record r = {};
	struct ft_rec *h = take(&r, PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx), sizeof(*h), true);

	if (!h)
		return 0;
	if (h->type != FT_REC_CODE && h->type != FT_REC_TYPE && h->type != FT_REC_THREAD &&
	    h->type != FT_REC_LOST && h->type != FT_REC_HTTP_REQUEST &&
	    h->type != FT_REC_HTTP_RESPONSE && h->type != FT_REC_HTTP_FORGET) {
		refuse(r.t);
		return 0;
	}
	if (h->type != FT_REC_CODE && h->type != FT_REC_TYPE && h->type != FT_REC_THREAD &&
	    !hooks_live(r.proc))
		return 0;
	h->tid = tid_seen(&r, h->tid);
	if (h->type == FT_REC_CODE)
		h->flags = r.proc->policy;
	pass_on(&r, weight(&r, h));
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
