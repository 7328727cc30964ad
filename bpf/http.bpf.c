/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Finds where an HTTP request begins, and what belongs to it. */
#include "code.bpf.h"
#include "http.bpf.h"
#include "http_link.bpf.h"
#include "http_words.bpf.h"
#include "py_frame.bpf.h"

#define SERVER_FRAMES 64 /* frames examined between an application and the bottom */
#define INNER_WORDS 3	 /* words after its head in which a callable may wrap another */

/* ---- entering ------------------------------------------------------------------------------- */

/* The frame of the Python function that called, directly or through C. */
FT_INLINE u64 calling_frame(const struct ft_layout *l, u64 previous)
{
	u8 owner = 0;

	if (!previous || l->frame_owner == FT_NO_FIELD ||
	    read_at(&owner, 1, previous + l->frame_owner) || owner < OWNER_SHIM)
		return previous;
	return read_ptr(previous + l->frame_previous);
}

/* The request of a server's send(): found by the object of the bound method. */
FT_INLINE u64 sender_request(const struct ft_layout *l, const struct thread *t, u64 frame,
			     const struct code_entry *e)
{
	u64 request = 0;

	if (e->role_arg)
		request = request_of(t->pid, parameter(l, frame, e, 0), HTTP_SENDER);
	return request & 1 ? request : t->http.number;
}

FT_GLOBAL int ft_http_inside(u32 tid)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	struct ft_proc *p = t ? my_proc() : 0;
	struct call *top = p ? call_top(t, tid) : 0;

	return top && top->request && !maybe_dead(p, top, top->tstate);
}

/* Parses "404 Not Found". */
FT_INLINE void read_status(const struct ft_layout *l, struct http_request *r, u64 text)
{
	struct str_view s = {};
	u8 digit[3] = {};

	if (str_open(l, text, &s) || s.width != 1 || s.length < 3 || read_at(digit, 3, s.data))
		return;
	digit[0] -= '0';
	digit[1] -= '0';
	digit[2] -= '0';
	if (digit[0] <= 9 && digit[1] <= 9 && digit[2] <= 9)
		r->status = 100 * digit[0] + 10 * digit[1] + digit[2];
}

/*
 * Is the application called to make the error page of a request that failed, with its environ?
 * werkzeug does so while it handles the exception that left the first call.
 */
FT_GLOBAL int ft_http_answers(u32 tid)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	u64 exception;

	if (!l || !t->http.failed)
		return 0;
	exception = handled(l, t->tstate ?: tstate_of(l));
	return exception && (!t->http.exception || exception == t->http.exception);
}

/*
 * Does this call of an application begin a request? Not inside another one, unless the server's
 * function calls the next application without having returned: then the earlier request is over.
 */
FT_INLINE bool begins(struct thread *t, u32 tid, const struct call *top)
{
	if (t->http.server && top && top->frame == t->http.server && top->flags & CALL_REQUEST)
		ft_http_finish(tid, top->request, CALL_REQUEST, 0);
	else if (top && top->request && !(top->flags & CALL_SERVER && top->frame == t->http.server))
		return false;
	if (request_find(t->pid, t->http.number))
		return false;
	return t->http.failed != t->http.dict || !ft_http_answers(tid);
}

FT_GLOBAL int ft_http_enter(u32 tid, u64 frame, u64 code, u64 previous)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	struct ft_proc *p = t ? my_proc() : 0;
	struct code_entry *e = p ? code_find(t->pid, code) : 0;
	struct call *top = t ? call_top(t, tid) : 0;
	struct http_request *r;
	const struct ft_layout *l;
	u64 first;

	if (!e)
		return 0;
	l = &p->layout;
	t->http.role = e->role;
	t->http.number = thread_request(p, tid, top);
	first = parameter(l, frame, e, e->role_arg);
	t->http.dict = first;
	if (e->role == HTTP_STATUS) {
		r = request_find(t->pid, t->http.number);
		if (r && r->status)
			return HTTP_STATUS;
		if (r)
			read_status(l, r, first);
		return 0;
	}
	if (e->role == HTTP_SEND) {
		t->http.number = sender_request(l, t, frame, e);
		return request_find(t->pid, t->http.number) ? HTTP_SEND : 0;
	}
	t->http.server = e->role == HTTP_WSGI ? calling_frame(l, previous) : 0;
	t->http.code_type = type_of(l, code);
	if (!begins(t, tid, top))
		return 0;
	t->http.callable = parameter(l, frame, e, e->role_arg + (e->role == HTTP_WSGI ? 1 : 2));
	return e->role;
}

/* If the client has the status already, the server refuses another one by an exception. */
FT_GLOBAL int ft_http_status_again(u32 tid)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	struct http_request *r = l ? request_find(t->pid, t->http.number) : 0;

	if (!r)
		return 0;
	r->before = r->status;
	read_status(l, r, t->http.dict);
	return CALL_STATUS;
}

/* Is this the frame of an application? */
FT_GLOBAL int ft_http_is_application(u32 tid, u64 frame)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	struct code_entry *e;
	u64 code;
	u32 role;

	if (!l)
		return 0;
	code = frame_code(l, frame);
	if (!plausible(code) || type_of(l, code) != t->http.code_type)
		return 0;
	e = code_find(t->pid, code);
	role = e && e->verdict != CODE_MARKED ? e->role : ft_http_role(t->pid, code) & 0xff;
	return role == HTTP_WSGI || role == HTTP_ASGI;
}

/* Calls that were entered before the trace are on the interpreter's stack only. Each thread is
 * searched until there was none of them once. */
FT_GLOBAL int ft_http_started_before(u32 tid)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	u64 frame;
	u32 i;

	if (!l || (t->wsgi_all_seen && !t->bottom))
		return 0;
	frame = t->http.server;
	for (i = 0; i < SERVER_FRAMES && frame; i++) {
		if (ft_http_is_application(tid, frame)) {
			t->http.number = HTTP_UNTRACED;
			return 1;
		}
		frame = read_ptr(frame + l->frame_previous);
	}
	t->wsgi_all_seen = 1;
	return 0;
}

/* ---- marking -------------------------------------------------------------------------------- */

/* Makes an entry for code that was not seen yet, or only after its call began. */
FT_INLINE void mark_new(struct thread *t, u64 code, u32 role, u32 arg)
{
	struct code_key key = {.code = code, .tgid = t->pid};
	struct code_entry *e = &t->entry;

	__builtin_memset(e, 0, sizeof(*e));
	e->birth = bpf_ktime_get_ns();
	e->verdict = CODE_MARKED;
	e->role = role;
	e->role_arg = arg;
	code_keep(&key, e);
}

FT_INLINE void mark(struct thread *t, u64 born, u64 code, u32 arg)
{
	u32 role = t->http.role == HTTP_WSGI ? HTTP_STATUS : HTTP_SEND;
	struct code_entry *e = code_find(t->pid, code);

	if (e && e->birth < born)
		e = 0;
	if (e && e->role)
		return;
	if (!e || code_rejected(e)) {
		mark_new(t, code, role, arg);
	} else {
		e->role_arg = arg;
		e->role = role;
	}
}

/* The code object of the function at this address, or 0. */
FT_INLINE u64 code_of(const struct ft_layout *l, const struct thread *t, u64 function)
{
	u64 code = plausible(function) ? read_ptr(function + l->function_code) : 0;

	return plausible(code) && type_of(l, code) == t->http.code_type ? code : 0;
}

/* The code object of a function or a bound method, or 0; sets http.sender to the method's
 * object. */
FT_GLOBAL u64 ft_http_code(u32 tid, u64 callable)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	u64 code;

	if (!l || !plausible(callable))
		return 0;
	code = code_of(l, t, callable);
	if (code) {
		t->http.sender = 0;
		return code;
	}
	code = code_of(l, t, read_ptr(callable + l->method_function));
	if (code)
		t->http.sender = read_ptr(callable + l->method_self);
	return code;
}

/* Number of arguments that a functools.partial puts before those of its call. */
FT_INLINE u32 bound_args(const struct ft_layout *l, u64 partial)
{
	u64 args = read_ptr(partial + l->partial_args), n = 0;

	if (!has_flag(l, args, TPFLAGS_TUPLE) || read_at(&n, 8, args + l->var_size))
		return 0;
	return n & (FT_CELLS - 1);
}

FT_GLOBAL int ft_http_mark(u32 tid)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_proc *p = t ? my_proc() : 0;
	u64 obj, code;
	u32 i, arg;

	if (!p)
		return 0;
	obj = t->http.callable;
	t->http.sender = 0;
	code = ft_http_code(tid, obj);
	/* A wrapper of another callable: functools.partial, our own wrappers. */
	for (i = 0; i < INNER_WORDS && !code && plausible(obj); i++)
		code = ft_http_code(tid, read_ptr(obj + p->layout.object_size + 8 * (u64)i));
	t->http.status_hidden = !code;
	if (!code)
		return 0;
	arg = t->http.sender != 0;
	if (i)
		arg += bound_args(&p->layout, obj);
	mark(t, p->born, code, arg);
	return 0;
}

/* ---- recording ------------------------------------------------------------------------------ */

/* Makes the end of this code's calls visible, although they were not asked for. */
FT_INLINE void watch(struct thread *t, u64 code)
{
	struct code_entry *e = code_find(t->pid, code);

	if (!e) {
		mark_new(t, code, 0, 0);
	} else if (code_rejected(e)) {
		rejected_forget(t->pid, code);
		e->verdict = CODE_WATCH;
	}
}

/*
 * Pushes the server's function that called a WSGI application. It iterates over the body and closes
 * it, so the request is over when it ends.
 */
FT_GLOBAL int ft_http_server(u32 tid, u32 flags)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	struct call *top, *c;
	u64 code;

	if (!l || !t->http.server)
		return 0;
	code = frame_code(l, t->http.server);
	top = call_top(t, tid);
	if (call_is(top, t->http.server, code)) {
		top->flags |= flags;
		top->request = t->http.number;
		return 0;
	}
	watch(t, code);
	c = call_new(t, tid);
	if (!c) {
		count(FT_LOST_stack_full);
		return 0;
	}
	call_opened(t, tid, t->http.server);
	c->frame = t->http.server;
	c->code = code;
	c->flags = CALL_HIDDEN | flags;
	c->variant = 0;
	if (read_u32(code + l->code_flags) & CO_SUSPENDS)
		c->flags |= CALL_GENERATOR;
	c->exc = 0;
	c->tstate = t->tstate;
	c->request = t->http.number;
	c->level = level_below(top);
	borrow_span(c, top);
	return 0;
}

/* Sends the record; 0 when it is in the ring. */
FT_INLINE int send_request(struct thread *t, u32 tid, u64 number, u64 now)
{
	struct ft_rec_http_request *r = head_of(t, sizeof(*r));

	head_init(&r->hdr, FT_REC_HTTP_REQUEST, 0, t->pid, tid, now);
	r->hdr.flags = t->http.role == HTTP_WSGI ? FT_HTTP_WSGI : FT_HTTP_ASGI;
	r->request = number;
	return send_tokens(t, tid, now, sizeof(*r), 2); /* the request and its response */
}

/* A new one, which says whether the request is chosen. */
FT_INLINE u64 number_of_request(const struct ft_policy *policy)
{
	u64 number = (u64)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32() | 1;

	return is_chosen(policy) ? number & ~(u64)HTTP_UNSAMPLED : number | HTTP_UNSAMPLED;
}

FT_GLOBAL int ft_http_send(u32 tid)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	struct ft_proc *p = t ? my_proc() : 0;
	struct http_key key = {.kind = HTTP_NUMBER};
	struct http_request request = {};
	u64 context;

	if (!p)
		return 0;
	key.of = number_of_request(policy_of(p->policy));
	key.tgid = t->pid;
	if (key.of & HTTP_UNSAMPLED) {
		left_out(FT_LEFT_OUT_sample);
	} else if (send_request(t, tid, key.of, bpf_ktime_get_ns())) {
		t->http.number = HTTP_UNTRACED;
		return CALL_UNTRACED;
	}
	t->http.number = key.of;
	request.status_hidden = t->http.status_hidden;
	if (t->http.role == HTTP_ASGI)
		request.sender = t->http.sender;
	else
		request.dict = t->http.dict;
	t->http.failed = 0;
	bpf_map_update_elem(&ft_requests, &key, &request, BPF_ANY);
	if (t->http.role == HTTP_ASGI) {
		ft_http_link_objects(tid);
		/* The application may resume without a hook: when an exception is thrown into it,
		 * up to 3.11 (genobject.c, _gen_throw). */
		context = context_of(&p->layout, t);
		request_link(p, t->pid, context, HTTP_CONTEXT, key.of);
		request_link(p, t->pid, key.of, HTTP_OWN_CONTEXT, context);
		return CALL_REQUEST | CALL_ASGI;
	}
	if (!t->http.server)
		return CALL_REQUEST | CALL_WSGI;
	return CALL_WSGI;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
