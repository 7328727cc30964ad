/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * HTTP requests, seen from outside: a function that takes (environ, start_response), or a coroutine
 * that takes (scope, receive, send), is an application (PEP 3333, ASGI 3), in any module. The first
 * one that a request reaches represents the request:
 *
 *     the server's function          hidden call; the request is over when it ends  (WSGI)
 *       the application              HTTP_REQUEST; calls above it are made for the request
 *         start_response(status)     the status
 *
 *     the application (a task)       HTTP_REQUEST; the request is over when it ends (ASGI)
 *       send(start, status)          the status
 *       send(last part of the body)  hidden call; the request is over when it ends
 *
 * Hidden calls are on the shadow stack like others, so the code that finds the end of a call in any
 * release also finds the end of a request. The start_response or send that the server passes is
 * looked up in the frame, and its code is marked: any wrapper that a middleware puts around it
 * calls it in the end.
 *
 * Tasks and threads work for a request with a copy of its context (contextvars.Context): the
 * functions that copy one are hooked, and a copy belongs to the request in which it was made. The
 * function that makes an empty one is hooked too, since that may be at the address of an earlier
 * copy.
 */
#ifndef FT_HTTP_BPF_H
#define FT_HTTP_BPF_H

#include "http_dict.bpf.h"
#include "http_own.bpf.h"
#include "http_read.bpf.h"
#include "http_request.bpf.h"
#include "value.bpf.h"

/*
 * The steps at the call of a function with a role; each needs its own part of the BPF stack. They
 * leave the request for which the call is made in the thread's slot (http.number).
 */

/* enum http_role if more steps are needed; 0: none. */
int ft_http_enter(u32 tid, u64 frame, u64 code, u64 previous);
/* For a WSGI application: 1 = it is called for a request that began before the trace. */
int ft_http_started_before(u32 tid);
/* For an HTTP_STATUS that is not the request's first: the CALL_* flags of its call. */
int ft_http_status_again(u32 tid);
/* Assigns the request to the frame that called a WSGI application, if any; flags: of that call. */
int ft_http_server(u32 tid, u32 flags);
/* Marks the function that the server passed, inside any wrapper. */
int ft_http_mark(u32 tid);
/* Sends the request. Returns the CALL_* flags of the application's call: CALL_WSGI alone if the
 * request is over when the server's function ends. */
int ft_http_send(u32 tid);

/* Is the innermost call made for a request, and certainly not over? */
int ft_http_inside(u32 tid);
/*
 * Calls that need no step of their own if they were not asked for and their request is known: an
 * application to which another one passes the request on, and start_response.
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
