/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Contexts that are made: a copy belongs to the request that it was made in. */
#include "greenlet.bpf.h"
#include "hit.bpf.h"
#include "http_link.bpf.h"
#include "http_request.bpf.h"
#include "reap.bpf.h"

#include <bpf/bpf_tracing.h>

/* The request that the thread works for now, or 0. */
FT_INLINE u64 settled_request(struct hit *h)
{
	struct thread *t = thread_get(h->tgid, h->tid);
	struct call *top;

	if (!t)
		return 0;
	top = call_top(t, h->tid);
	if (h->proc->flags & FT_PROC_GREENLETS) {
		if (!hit_running(h))
			return 0;
		if (h->frame)
			stand(h, false);
		/* A greenlet that runs C code alone has no call. */
		top = h->frame ? call_top(t, h->tid) : 0;
	}
	if (!top) {
		t->tstate = tstate_of(h->l);
		return thread_request(h->proc, h->tid, 0);
	}
	if (!hit_frame(h))
		return 0;
	t->tstate = h->tstate;
	if (top->frame != h->frame)
		ft_settle(h->tid, h->frame, 0, 0);
	return thread_request(h->proc, h->tid, call_top(t, h->tid));
}

/* An empty context was made. */
SEC("uretprobe")
int ft_context_made(struct pt_regs *ctx)
{
	struct hit h = {};

	if (hit_ours(&h) && h.proc->flags & FT_PROC_REQUESTS)
		belongs_no_more(h.tgid, PT_REGS_RC(ctx), HTTP_CONTEXT);
	return 0;
}

/* PyContext_CopyCurrent or Context.copy() returns. */
SEC("uretprobe")
int ft_context_copied(struct pt_regs *ctx)
{
	u64 copy = PT_REGS_RC(ctx), request;
	struct hit h = {};

	if (!hit_ours(&h) || !plausible(copy))
		return 0;
	request = settled_request(&h);
	if (request & 1)
		belongs(h.proc, h.tgid, copy, HTTP_CONTEXT, request);
	else if (h.proc->flags & FT_PROC_REQUESTS)
		belongs_no_more(h.tgid, copy, HTTP_CONTEXT);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
