/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The request for which a call is made, and its end. */
#ifndef FT_HTTP_REQUEST_BPF_H
#define FT_HTTP_REQUEST_BPF_H

#include "maps.bpf.h"

/* The request in whose context the thread runs, or 0. */
u64 ft_http_context(u32 tid);

/* The request for which the thread works; top: its innermost call, or NULL. */
FT_INLINE u64 thread_request(const struct ft_proc *p, u32 tid, const struct call *top)
{
	if (top && top->request)
		return top->request;
	return p->flags & FT_PROC_REQUESTS ? ft_http_context(tid) : 0;
}

/* Called at the end of a call with these CALL_* flags, made for this request; failed: left by an
 * exception. */
int ft_http_finish(u32 tid, u64 request, u32 flags, u32 failed);

FT_INLINE void http_finish(u32 tid, const struct call *c, u32 failed)
{
	if (c->flags & (CALL_REQUEST | CALL_WSGI | CALL_ASGI | CALL_STATUS | CALL_PART))
		ft_http_finish(tid, c->request, c->flags, failed);
}

/* Is this class not derived from Exception, as asyncio.CancelledError and GeneratorExit? */
int ft_not_exception(u64 type);

/* An exception of this class passes through the call. */
FT_INLINE void http_raised(struct call *c, u64 type)
{
	if (!(c->flags & CALL_ASGI))
		return;
	c->flags &= ~CALL_CANCELLED;
	if (ft_not_exception(type))
		c->flags |= CALL_CANCELLED;
}

#endif
