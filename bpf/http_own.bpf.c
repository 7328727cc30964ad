/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Objects of a server by which a request is found again where no context leads to it. Such an
 * object is of one request at a time, else it tells nothing.
 */
#include "http_words.bpf.h"

/* From now on it is that request's, unless it is another's that is not over. */
FT_INLINE void owns(struct ft_proc *p, u32 tgid, u64 address, u32 kind, u64 number)
{
	u64 before = request_of(tgid, address, kind);

	if (before == HTTP_SHARED)
		return;
	if (before && before != number && request_find(tgid, before))
		number = HTTP_SHARED;
	belongs(p, tgid, address, kind, number);
}

FT_GLOBAL int ft_http_own(u32 tid)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	struct ft_proc *p = t ? my_proc() : 0;

	if (!p)
		return 0;
	/* daphne: one object sends for all. */
	owns(p, t->pid, t->http.sender, HTTP_SENDER, t->http.number);
	owns(p, t->pid, t->http.value[WORD_METHOD], HTTP_METHOD, t->http.number);
	return 0;
}

/*
 * What serves a WSGI application to a server of ASGI (uvicorn, Hypercorn, a2wsgi) calls it in a
 * thread of a pool, which may have no context; but in environ is the very str that scope has, made
 * for this request.
 */
FT_GLOBAL int ft_http_within(u32 tid)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	u64 number;

	if (!t)
		return 0;
	number = request_of(t->pid, t->http.value[WORD_REQUEST_METHOD], HTTP_METHOD);
	if (!(number & 1) || !request_find(t->pid, number))
		return 0;
	t->http.number = number;
	return 1;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
