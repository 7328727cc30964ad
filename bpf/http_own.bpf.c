/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Objects of a server by which a request is found when no context leads to it. Such an object is
 * used by one request at a time; otherwise it identifies none.
 */
#include "code.bpf.h"
#include "http_link.bpf.h"
#include "http_own.bpf.h"
#include "http_words.bpf.h"

/* Assigns the object to the request, unless it belongs to another one that is not over. */
FT_INLINE void link_object(struct ft_proc *p, u32 tgid, u64 address, u32 kind, u64 number)
{
	u64 before = request_of(tgid, address, kind);

	if (before == HTTP_SHARED)
		return;
	if (before && before != number && request_find(tgid, before))
		number = HTTP_SHARED;
	request_link(p, tgid, address, kind, number);
}

FT_GLOBAL int ft_http_link_objects(u32 tid)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	struct ft_proc *p = t ? my_proc() : 0;

	if (!p)
		return 0;
	/* daphne: one object sends for all requests. */
	link_object(p, t->pid, t->http.sender, HTTP_SENDER, t->http.number);
	link_object(p, t->pid, t->http.value[WORD_METHOD], HTTP_METHOD, t->http.number);
	return 0;
}

/*
 * Adapters that run a WSGI application under an ASGI server (uvicorn, Hypercorn, a2wsgi) call it in
 * a thread of a pool, which may have no context. But environ has the same str object for the method
 * as the scope, which was made for this request.
 */
FT_GLOBAL int ft_http_in_asgi(u32 tid)
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

/* Is this the frame of this object, supposing that the object is a generator? */
FT_INLINE bool is_frame_of(const struct ft_layout *l, u64 frame, u64 generator)
{
	u64 at = generator + l->gi_frame;

	return (l->pyframe_frame != FT_NO_FIELD ? at : read_ptr(at)) == frame;
}

/*
 * uWSGI, mod_wsgi: no Python function calls the application or iterates over its result, which is a
 * generator, or an object whose methods are called.
 */
FT_GLOBAL u64 ft_http_body(u32 tid, u64 frame, u64 code)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	struct code_entry *e = l ? code_find(t->pid, code) : 0;
	u64 body;

	if (!e)
		return 0;
	body = t->http.body;
	if (!plausible(body) || type_of(l, body) != t->http.body_type ||
	    (parameter(l, frame, e, 0) != body && !is_frame_of(l, frame, body)))
		return 0;
	return t->http.body_number;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
