/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * HTTP requests, from outside: a function that takes (environ, start_response), or a coroutine
 * that takes (scope, receive, send), is an application (PEP 3333, ASGI 3), whatever its module. The
 * first one that a request reaches stands for the request:
 *
 *     the server's function          hidden call; the request is over when it is   (WSGI)
 *       the application              HTTP_REQUEST; calls above it are made for the request
 *         start_response(status)     the status
 *
 *     the application (a task)       HTTP_REQUEST; the request is over when it is  (ASGI)
 *       send(start, status)          the status
 *       send(last part of the body)  hidden call; the request is over when it is
 *
 * Hidden calls stand on the shadow stack like others, so what finds the end of a call in any
 * release finds the end of a request. What the server handed over as start_response or send is
 * looked up in the frame, and its code marked: whatever a middleware wraps around it, it is called.
 *
 * Work goes on elsewhere, in tasks and threads, with a copy of the context (contextvars.Context):
 * PyContext_CopyCurrent is hooked, and a copy belongs to the request that it was made in.
 */
#ifndef FT_HTTP_BPF_H
#define FT_HTTP_BPF_H

#include "hit.bpf.h"

/* Reads the request that this call of an application begins; false: it begins none. */
int ft_http_read(u32 tid, u64 frame, u64 code);
/* Text i of it is to be walked. */
int ft_http_text(u32 tid, u32 i);
/* Sends it; 0 when it went out. Its number is in the thread's slot. */
int ft_http_send(u32 tid);
/* A server's start_response() was called for a request. */
int ft_http_status(u32 tid, u64 frame, u64 code, u64 request);
/* A server's send() was called, in a call for a request. 1: with the last of the body; the
 * request's number is in the thread's slot. */
int ft_http_message(u32 tid, u64 frame, u64 code, u64 request);
/* A function whose end the shadow stack is to see, though nobody asked for it. */
int ft_http_watch(u32 tid, u64 code);

FT_INLINE struct http_request *request_find(u32 tgid, u64 number)
{
	struct http_key key = {.of = number, .tgid = tgid, .kind = HTTP_NUMBER};

	return number ? bpf_map_lookup_elem(&ft_requests, &key) : 0;
}

FT_INLINE u64 request_of(u32 tgid, u64 address, u32 kind)
{
	struct http_key key = {.of = address, .tgid = tgid, .kind = kind};
	u64 *number = address ? bpf_map_lookup_elem(&ft_request_of, &key) : 0;

	return number ? *number : 0;
}

/* From now on it belongs to that request. */
FT_INLINE void belongs(struct ft_proc *p, u32 tgid, u64 address, u32 kind, u64 number)
{
	struct http_key key = {.of = address, .tgid = tgid, .kind = kind};

	if (!address)
		return;
	p->flags |= FT_PROC_REQUESTS;
	bpf_map_update_elem(&ft_request_of, &key, &number, BPF_ANY);
}

FT_INLINE void belongs_no_more(u32 tgid, u64 address, u32 kind)
{
	struct http_key key = {.of = address, .tgid = tgid, .kind = kind};

	if (address)
		bpf_map_delete_elem(&ft_request_of, &key);
}

/* The context that the thread runs in. */
FT_INLINE u64 context_of(const struct hit *h)
{
	return read_ptr((h->tstate ?: tstate_of(h->l)) + h->l->tstate_context);
}

FT_INLINE u64 context_request(const struct hit *h)
{
	if (!(h->proc->flags & FT_PROC_REQUESTS))
		return 0;
	return request_of(h->tgid, context_of(h), HTTP_CONTEXT);
}

FT_INLINE bool http_begin(struct hit *h)
{
	u32 i;

	if (!ft_http_read(h->tid, h->frame, h->code))
		return false;
	for (i = 0; i < HTTP_TEXTS; i++) {
		ft_http_text(h->tid, i);
		ft_walk(h->tid);
	}
	return !ft_http_send(h->tid);
}

#endif
