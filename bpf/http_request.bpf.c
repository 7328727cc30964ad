/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The end of an HTTP request, and the request for which a thread works. */
#include "emit.bpf.h"
#include "http_link.bpf.h"
#include "http_request.bpf.h"

/* A thread that has no context and uses a context variable makes one for itself, without a hook and
 * perhaps at the address of an earlier copy. But it does not enter that one. */
FT_GLOBAL u64 ft_http_context(u32 tid)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	u64 context, request;

	if (!l)
		return 0;
	context = context_of(l, t);
	request = request_of(t->pid, context, HTTP_CONTEXT);
	return request && read_u32(context + l->context_entered) ? request : 0;
}

/* ---- its end --------------------------------------------------------------------------------- */

#define MAX_BASES 16

FT_GLOBAL int ft_not_exception(u64 type)
{
	const struct ft_layout *l = my_layout();
	u64 exception;
	u32 i;

	if (!l)
		return 0;
	/* KeyError's base is LookupError, whose base is Exception. */
	exception = read_ptr(l->type_addr[FT_KIND_EXC_KEY] + l->type_base);
	exception = read_ptr(exception + l->type_base);
	for (i = 0; i < MAX_BASES && plausible(type); i++) {
		if (type == exception)
			return 0;
		type = read_ptr(type + l->type_base);
	}
	return 1;
}

/* The server's task continues without the application, perhaps with the next request. */
FT_INLINE void own_context_over(const struct thread *t, u64 request)
{
	u64 context = request_of(t->pid, request, HTTP_OWN_CONTEXT);

	request_unlink(t->pid, request, HTTP_OWN_CONTEXT);
	if (request_of(t->pid, context, HTTP_CONTEXT) == request)
		request_unlink(t->pid, context, HTTP_CONTEXT);
}

/*
 * Did the server's function fail to send the response? gunicorn leaves its function by
 * StopIteration when it has sent a response and closes the connection.
 */
FT_INLINE bool broke(const struct thread *t)
{
	static const char stop[] = "StopIteration";
	const struct ft_layout *l = my_layout();
	char name[sizeof(stop)] = {};
	u64 type = l && t->http.raised ? type_of(l, t->http.raised) : 0;
	u32 i;

	if (!plausible(type) || read_at(name, sizeof(name), read_ptr(type + l->type_name)))
		return false;
	for (i = 0; i < sizeof(name); i++)
		if (name[i] != stop[i])
			return true;
	return false;
}

/* An exception raised in C may not be an object yet (up to 3.11). */
FT_INLINE void server_failed(struct thread *t, const struct http_request *r)
{
	const struct ft_layout *l = my_layout();

	t->http.failed = r->dict;
	t->http.exception = l && has_flag(l, t->http.raised, TPFLAGS_EXC) ? t->http.raised : 0;
}

FT_GLOBAL int ft_http_finish(u32 tid, u64 request, u32 flags, u32 failed)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	struct http_request *r = t ? request_find(t->pid, request) : 0;
	struct http_key key = {.of = request, .kind = HTTP_NUMBER};
	u64 now = bpf_ktime_get_ns();
	u32 status;

	if (flags & CALL_ASGI && t)
		own_context_over(t, request);
	if (!r)
		return 0;
	if (failed && flags & CALL_STATUS)
		r->status = r->before;
	/* The application failed before its body began: the server answers with an error. */
	if (failed && flags & CALL_WSGI && !(flags & CALL_STORED))
		r->status = FT_HTTP_FAILED;
	if (!failed && flags & CALL_WSGI)
		r->unsure = 1;
	/* The body, or its first part, was sent. */
	if (!(flags & (CALL_ASGI | CALL_WSGI)) && (!failed || (r->dict && !broke(t))))
		r->unsure = 0;
	if (!(flags & CALL_REQUEST))
		return 0;
	status = r->unsure ? 0 : r->status;
	if (!r->status && (failed || !r->status_hidden))
		status = failed && flags & CALL_CANCELLED ? FT_HTTP_CLIENT_CLOSED : FT_HTTP_FAILED;
	if (failed && r->dict)
		server_failed(t, r);
	if (request_of(t->pid, r->sender, HTTP_SENDER) == request)
		request_unlink(t->pid, r->sender, HTTP_SENDER);
	key.tgid = t->pid;
	bpf_map_delete_elem(&ft_requests, &key);
	if (request & HTTP_UNSAMPLED)
		return 0;
	head_init(&t->response.hdr, FT_REC_HTTP_RESPONSE, sizeof(t->response), t->pid, tid, now);
	t->response.hdr.flags = FT_HTTP_KEPT;
	t->response.request = request;
	t->response.status = status;
	t->response.pad = 0;
	send(t, tid, now, &t->response, sizeof(t->response), 1);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
