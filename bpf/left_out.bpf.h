/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Calls that are left out on purpose, and counted by rule.
 *
 * --sample: the root of a tree of calls is chosen by chance, or an HTTP request is, and all calls
 * below share the choice, so trees stay whole:
 *
 *     root that was chosen   CALL_SAMPLED, and so is each call below it
 *     root that was not      a hidden call, CALL_UNSAMPLED; calls below it are counted, not pushed
 *
 * A generator is pushed in any case: what it calls when it resumes, anywhere, shares its choice. A
 * request is chosen when it begins, and its number says so (HTTP_UNSAMPLED): that is what holds for
 * all threads and tasks which work for it, whatever is below them on their stacks.
 *
 * --call-depth: each call has its level. Calls below one of the last level are not pushed either.
 *
 * --rate: a call beyond it is hidden alone; what it calls is recorded.
 */
#ifndef FT_LEFT_OUT_BPF_H
#define FT_LEFT_OUT_BPF_H

#include "call_records.bpf.h"
#include "probe.bpf.h"

/*
 * Has user space rejected the innermost call's function after it began, as one of the standard
 * library? Then that is none of the trace: what it calls may be a root, and has the level that it
 * has below the next one that is.
 */
int ft_settle(u32 tid);

/*
 * Does the innermost call leave out what it calls? Looked up once, until another call is the
 * innermost, or user space has rejected a function.
 */
FT_INLINE u32 look_below(const struct probe *p, struct thread *t, const struct ft_policy *policy)
{
	enum ft_left_out rule;
	struct call *top;

	if (t->below_at == t->depth && t->below_rejected == ft_rejected)
		return t->below;
	top = call_top(t, p->tid);
	if (!top)
		return 0;
	if (ft_rejected)
		ft_settle(p->tid);
	t->below_at = t->depth;
	t->below_rejected = ft_rejected;
	t->below = 0;
	rule = maybe_dead(p->proc, top, top->tstate) ? 0 : out_below(policy, top);
	if (rule == FT_LEFT_OUT_sample)
		t->below = top->request ? BELOW_OUT_OF_REQUEST : BELOW_OUT;
	else if (rule)
		t->below = BELOW_TOO_DEEP;
	return t->below;
}

FT_INLINE bool leaves_out(const struct ft_policy *policy)
{
	return policy->sample || policy->call_depth;
}

FT_INLINE bool may_leave_out(const struct ft_policy *policy)
{
	return leaves_out(policy) || policy->rate;
}

/*
 * Is the call that begins below one that was left out? Told before anything more is read of the
 * target. Not of what may begin a request, may resume, or may be called by a generator that was
 * not seen to resume: call_start() tells then.
 */
FT_INLINE bool below_left_out(struct probe *p)
{
	const struct ft_policy *policy = policy_of(p->entry->policy);
	struct thread *t;
	u32 below;

	if (!leaves_out(policy) || p->entry->role || p->entry->flags & CO_SUSPENDS)
		return false;
	t = bpf_map_lookup_elem(&ft_threads, &p->tid);
	if (!t || !t->depth || t->thrown)
		return false;
	below = look_below(p, t, policy);
	/* A context may make it one of a request that was chosen. */
	if (!below || (below == BELOW_OUT && p->proc->flags & FT_PROC_REQUESTS))
		return false;
	if (begins_once(t, p))
		left_out(below == BELOW_TOO_DEEP ? FT_LEFT_OUT_call_depth : FT_LEFT_OUT_sample);
	return true;
}

/* Called with the innermost call before it is asked what it leaves out. */
FT_INLINE void settle(const struct probe *p, const struct call *top)
{
	if (top && ft_rejected && leaves_out(policy_of(p->entry->policy)))
		ft_settle(p->tid);
}

/* The choice for a call, one of CALL_CHOICE; 0: none is made. */
FT_INLINE u32 choose(struct probe *p, struct call *top, u64 request)
{
	const struct ft_policy *policy = policy_of(p->entry->policy);

	if (!policy->sample)
		return 0;
	if (request & 1)
		return request & HTTP_UNSAMPLED ? CALL_UNSAMPLED : CALL_SAMPLED;
	if (top && top->flags & CALL_CHOICE)
		return top->flags & CALL_CHOICE;
	if (p->entry->verdict != CODE_ACCEPT)
		return 0;
	/* A call that began before there was a choice is recorded, and so is what it calls. */
	if (top && top->start_ns && !(top->flags & CALL_NO_ROOT))
		return CALL_SAMPLED;
	return is_chosen(policy) ? CALL_SAMPLED : CALL_UNSAMPLED;
}

#define NS_PER_SECOND 1000000000ULL

/*
 * --rate: each function has a bucket with as many tokens as it may be called in a second; it fills
 * at that rate, and a call takes one. So after a pause there may be as many calls at once. It is
 * kept as the time when it is full. Threads that call at the same moment may take one together.
 */
FT_INLINE bool over_rate(const struct ft_policy *policy, struct code_entry *e, u64 now)
{
	u64 full = e->full_ns;

	if (!policy->rate || e->verdict != CODE_ACCEPT)
		return false;
	if (full < now)
		full = now;
	full += NS_PER_SECOND / policy->rate;
	if (full > now + NS_PER_SECOND)
		return true;
	e->full_ns = full;
	return false;
}

/* By which rule is the call that begins left out? 0: by none. choice: of CALL_CHOICE. */
FT_INLINE enum ft_left_out rule_of(const struct probe *p, const struct call *top, u32 choice,
				   u64 now)
{
	const struct ft_policy *policy = policy_of(p->entry->policy);

	if (choice == CALL_UNSAMPLED)
		return FT_LEFT_OUT_sample;
	if (policy->call_depth && level_below(top) >= policy->call_depth)
		return FT_LEFT_OUT_call_depth;
	if (over_rate(policy, p->entry, now))
		return FT_LEFT_OUT_rate;
	return FT_LEFT_OUT_NONE;
}

/* Is a call that is left out not even pushed? Then the innermost one tells of those below it. */
FT_INLINE bool needs_no_mark(const struct probe *p, const struct call *top, u64 request, u32 flags)
{
	return !flags && !(p->entry->flags & CO_SUSPENDS) && top && top->request == request &&
	       out_below(policy_of(p->entry->policy), top);
}

#endif
