/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Hooks of functions that make contexts: a copy belongs to the request in which it is made. */
#include "greenlet.bpf.h"
#include "probe.bpf.h"
#include "hook.bpf.h"
#include "http_link.bpf.h"
#include "http_request.bpf.h"
#include "reap.bpf.h"

#include <bpf/bpf_tracing.h>

/* The request that the thread works for now, or 0. */
FT_INLINE u64 request_now(struct probe *p)
{
	struct thread *t = thread_get(p->tgid, p->tid);
	struct call *top;

	if (!t)
		return 0;
	top = call_top(t, p->tid);
	if (p->proc->flags & FT_PROC_GREENLETS) {
		if (!probe_running(p))
			return 0;
		if (p->frame)
			stack_switch(p, false);
		/* A greenlet that runs only C code has no call. */
		top = p->frame ? call_top(t, p->tid) : 0;
	}
	if (!top) {
		t->tstate = tstate_of(p->l);
		return thread_request(p->proc, p->tid, 0);
	}
	if (!probe_frame(p))
		return 0;
	t->tstate = p->tstate;
	if (top->frame != p->frame)
		ft_reap(p->tid, p->frame, 0, 0);
	return thread_request(p->proc, p->tid, call_top(t, p->tid));
}

/* An empty context was made. */
FT_HOOK("uretprobe", ft_context_made)
{
	struct probe p = {};

	if (probe_ours(&p, ctx) && p.proc->flags & FT_PROC_REQUESTS)
		request_unlink(p.tgid, PT_REGS_RC(ctx), HTTP_CONTEXT);
	return 0;
}

/* PyContext_CopyCurrent or Context.copy() returns. */
FT_HOOK("uretprobe", ft_context_copied)
{
	u64 copy = PT_REGS_RC(ctx), request;
	struct probe p = {};

	if (!probe_ours(&p, ctx) || !plausible(copy))
		return 0;
	request = request_now(&p);
	if (request & 1)
		request_link(p.proc, p.tgid, copy, HTTP_CONTEXT, request);
	else if (p.proc->flags & FT_PROC_REQUESTS)
		request_unlink(p.tgid, copy, HTTP_CONTEXT);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
