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
 * what copies one is hooked, and a copy belongs to the request that it was made in. What makes an
 * empty one is hooked too, since it may come to lie where a copy was.
 */
#ifndef FT_HTTP_BPF_H
#define FT_HTTP_BPF_H

#include "http_dict.bpf.h"
#include "http_own.bpf.h"
#include "http_read.bpf.h"
#include "http_request.bpf.h"
#include "value.bpf.h"

/*
 * The steps at the call of a function with a role; each needs its own part of the BPF stack. The
 * request that the call is for is in the thread's slot behind them (http.number).
 */

/* enum http_role if there is more to do; 0: nothing. */
int ft_http_enter(u32 tid, u64 frame, u64 code, u64 previous);
/* A WSGI application: 1 = it was called for a request that began before the trace. */
int ft_http_started_before(u32 tid);
/* HTTP_STATUS that is not the request's first: the CALL_* flags of its call. */
int ft_http_status_again(u32 tid);
/* The frame that called a WSGI application, if any, has its request too; flags: of its call. */
int ft_http_server(u32 tid, u32 flags);
/* Marks the function behind what the server handed over. */
int ft_http_mark(u32 tid);
/* Sends the request. Returns the CALL_* flags of the application's call: CALL_WSGI alone if the
 * request is over when the server's function is. */
int ft_http_send(u32 tid);

/* Is the innermost call made for a request, and surely not over? */
int ft_http_inside(u32 tid);
/*
 * For a request that is known already, calls of these need not be told from others, if nobody asked
 * for them: an application that another one hands the request on to, and start_response.
 */
FT_INLINE bool http_nested(u32 tid, u64 frame, u64 code, const struct code_entry *e)
{
	if (e->verdict == CODE_ACCEPT || (e->role != HTTP_ASGI && e->role != HTTP_STATUS) ||
	    !ft_http_inside(tid))
		return false;
	return e->role != HTTP_STATUS || !ft_http_enter(tid, frame, code, 0);
}

FT_INLINE u32 http_start(u32 tid, u64 frame, u64 code, u64 previous)
{
	u32 role = ft_http_enter(tid, frame, code, previous), flags, text = 0, i;

	if (!role)
		return 0;
	if (role == HTTP_STATUS)
		return ft_http_status_again(tid);
	if (role == HTTP_WSGI && ft_http_started_before(tid))
		return CALL_UNTRACED;
	if (ft_http_scan(tid))
		ft_http_entries(tid);
	if (role == HTTP_SEND)
		return ft_http_message(tid);
	if (!ft_http_take(tid))
		return 0;
	if (role == HTTP_WSGI && ft_http_in_asgi(tid)) {
		ft_http_server(tid, CALL_SERVER);
		return CALL_UNTRACED;
	}
	ft_http_mark(tid);
	for (i = 0; i < HTTP_TEXTS; i++) {
		text = ft_http_texts(tid, text);
		if (text >= HTTP_TEXTS)
			break;
		ft_walk(tid);
		text++;
	}
	flags = ft_http_send(tid);
	if (flags == CALL_WSGI)
		ft_http_server(tid, CALL_REQUEST);
	return flags;
}

#endif
