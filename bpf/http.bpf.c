/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The life of an HTTP request: where it begins, what belongs to it, and where it is over. */
#include "http.bpf.h"

#include <bpf/bpf_tracing.h>

#define SERVER_FRAMES 64   /* between an application and the bottom of its thread */
#define METHOD_FUNCTION 16 /* PyMethodObject (cpython/classobject.h), in every release */
#define METHOD_SELF 24
#define INNER_FIRST 16 /* a callable around another has it in one of these words */
#define INNER_WORDS 3
#define PARTIAL_ARGS 24 /* partialobject (Modules/_functoolsmodule.c), in every release */

/* ---- contexts ------------------------------------------------------------------------------- */

/* The context that the thread runs in. */
FT_INLINE u64 context_of(const struct ft_layout *l, const struct thread *t)
{
	return read_ptr((t->tstate ?: tstate_of(l)) + l->tstate_context);
}

/* A thread that uses a variable and was given no context makes one for itself, unseen, maybe where
 * a copy was before; but it does not enter it. */
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

/* ---- entering ------------------------------------------------------------------------------- */

/* The Python function that called, through C or not. */
FT_INLINE u64 calling_frame(const struct ft_layout *l, u64 previous)
{
	u8 owner = 0;

	if (!previous || l->frame_owner == FT_NONE ||
	    read_at(&owner, 1, previous + l->frame_owner) || owner < OWNER_SHIM)
		return previous;
	return read_ptr(previous + l->frame_previous);
}

/* A server's send() knows its request by the object whose method it is. */
FT_INLINE u64 sender_request(const struct ft_layout *l, const struct thread *t, u64 frame,
			     const struct code_entry *e)
{
	u64 request = 0;

	if (e->role_arg)
		request = request_of(t->pid, parameter(l, frame, e, 0), HTTP_SENDER);
	return request & 1 ? request : t->http.number;
}

FT_GLOBAL int ft_http_below(u32 tid)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	struct ft_proc *p = t ? my_proc() : 0;
	struct call *top = p ? call_top(t, tid) : 0;

	return top && top->request && !may_be_over(p, top, top->tstate);
}

/* "404 Not Found" */
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
 * Is it called with the environ of a request that failed, to make what the client is told? werkzeug
 * does so, while it handles the exception that the application was left by.
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
 * Does this call of an application begin a request? Not below another, unless the server's
 * function calls the next without returning: the one before is over then.
 */
FT_INLINE bool begins(struct thread *t, u32 tid, const struct call *top)
{
	if (t->http.server && top && top->frame == t->http.server && top->flags & CALL_REQUEST)
		ft_http_leave(tid, top->request, CALL_REQUEST, 0);
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
	t->http.code_type = read_ptr(code + 8);
	if (!begins(t, tid, top))
		return 0;
	t->http.callable = parameter(l, frame, e, e->role_arg + (e->role == HTTP_WSGI ? 1 : 2));
	return e->role;
}

/* A server refuses it, by an exception, when the client was told already. */
FT_GLOBAL int ft_http_again(u32 tid)
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

/* Does an application run in this frame? */
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
	if (!plausible(code) || read_ptr(code + 8) != t->http.code_type)
		return 0;
	e = code_find(t->pid, code);
	role = e && e->verdict != CODE_MARKED ? e->role : ft_http_role(t->pid, code) & 0xff;
	return role == HTTP_WSGI || role == HTTP_ASGI;
}

/* What was entered before the trace is on the interpreter's stack alone: looked for until the
 * thread was seen without. */
FT_GLOBAL int ft_http_late(u32 tid)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	u64 frame;
	u32 i;

	if (!l || (t->whole && !t->bottom))
		return 0;
	frame = t->http.server;
	for (i = 0; i < SERVER_FRAMES && frame; i++) {
		if (ft_http_is_application(tid, frame)) {
			t->http.number = HTTP_UNSEEN;
			return 1;
		}
		frame = read_ptr(frame + l->frame_previous);
	}
	t->whole = 1;
	return 0;
}

/* ---- marking -------------------------------------------------------------------------------- */

/* An entry for code that was not seen yet, or not where its call began. */
FT_INLINE void mark_new(struct thread *t, u64 code, u32 role, u32 arg)
{
	struct code_key key = {.code = code, .tgid = t->pid};
	struct code_entry *e = &t->entry;

	__builtin_memset(e, 0, sizeof(*e));
	e->verdict = CODE_MARKED;
	e->role = role;
	e->role_arg = arg;
	bpf_map_update_elem(&ft_codes, &key, e, BPF_ANY);
}

FT_INLINE void mark(struct thread *t, u64 born, u64 code, u32 arg)
{
	u32 role = t->http.role == HTTP_WSGI ? HTTP_STATUS : HTTP_SEND;
	struct code_entry *e = code_find(t->pid, code);

	if (e && e->verdict != CODE_MARKED && e->birth < born)
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

/* The code of the function at this address, or 0. */
FT_INLINE u64 code_of(const struct ft_layout *l, const struct thread *t, u64 function)
{
	u64 code = plausible(function) ? read_ptr(function + l->function_code) : 0;

	return plausible(code) && read_ptr(code + 8) == t->http.code_type ? code : 0;
}

/* Of a function or a method its code, or 0; http.sender: the method's object. */
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
	code = code_of(l, t, read_ptr(callable + METHOD_FUNCTION));
	if (code)
		t->http.sender = read_ptr(callable + METHOD_SELF);
	return code;
}

/* Arguments that a functools.partial brings before those that it is called with. */
FT_INLINE u32 bound_args(const struct ft_layout *l, u64 partial)
{
	u64 args = read_ptr(partial + PARTIAL_ARGS), n = 0;

	if (!has_flag(l, args, TPFLAGS_TUPLE) || read_at(&n, 8, args + 16))
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
	/* Around another: functools.partial, our own wrappers. */
	for (i = 0; i < INNER_WORDS && !code && plausible(obj); i++)
		code = ft_http_code(tid, read_ptr(obj + INNER_FIRST + 8 * (u64)i));
	t->http.blind = !code;
	if (!code)
		return 0;
	arg = t->http.sender != 0;
	if (i)
		arg += bound_args(&p->layout, obj);
	mark(t, p->born, code, arg);
	return 0;
}

/* ---- recording ------------------------------------------------------------------------------ */

/* The end of this code's calls is to be seen, though nobody asked for it. */
FT_INLINE void watch(struct thread *t, u64 code)
{
	struct code_entry *e = code_find(t->pid, code);

	if (!e) {
		mark_new(t, code, 0, 0);
	} else if (code_rejected(e)) {
		e->verdict = CODE_WATCH;
	}
}

/*
 * The server's function that called a WSGI application: the request is over when it is, since it
 * iterates over the body and closes it.
 */
FT_GLOBAL int ft_http_hold(u32 tid, u32 flags)
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
	call_opened(t);
	c->frame = t->http.server;
	c->code = code;
	c->flags = CALL_HIDDEN | flags;
	c->variant = 0;
	if (read_u32(code + l->code_flags) & CO_SUSPENDS)
		c->flags |= CALL_GENERATOR;
	c->exc = 0;
	c->tstate = t->tstate;
	c->request = t->http.number;
	named_as(c, top);
	return 0;
}

/* The record; 0 when it went out. */
FT_INLINE int send_request(struct thread *t, u32 tid, u64 number, u64 now)
{
	struct ft_rec_http_request *r = head_of(t, sizeof(*r));

	head_init(&r->hdr, FT_REC_HTTP_REQUEST, 0, t->pid, tid, now);
	r->hdr.flags = t->http.role == HTTP_WSGI ? FT_HTTP_WSGI : FT_HTTP_ASGI;
	r->request = number;
	return send_tokens(t, tid, now, sizeof(*r), 2); /* it and its response */
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
	key.of = (u64)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32() | 1;
	key.tgid = t->pid;
	if (send_request(t, tid, key.of, bpf_ktime_get_ns())) {
		t->http.number = HTTP_UNSEEN;
		return CALL_UNSEEN;
	}
	t->http.number = key.of;
	request.blind = t->http.blind;
	if (t->http.role == HTTP_ASGI)
		request.sender = t->http.sender;
	else
		request.dict = t->http.dict;
	t->http.failed = 0;
	bpf_map_update_elem(&ft_requests, &key, &request, BPF_ANY);
	if (t->http.role == HTTP_ASGI) {
		ft_http_own(tid);
		/* It may go on where no hook is: thrown into, up to 3.11 (genobject.c, _gen_throw).
		 */
		context = context_of(&p->layout, t);
		belongs(p, t->pid, context, HTTP_CONTEXT, key.of);
		belongs(p, t->pid, key.of, HTTP_OWN_CONTEXT, context);
		return CALL_REQUEST | CALL_ASGI;
	}
	if (!t->http.server)
		return CALL_REQUEST | CALL_WSGI;
	return CALL_WSGI;
}

/* ---- the response --------------------------------------------------------------------------- */

#define MAX_BASES 16

FT_GLOBAL int ft_http_gone(u64 type)
{
	const struct ft_layout *l = my_layout();
	u64 exception;
	u32 i;

	if (!l)
		return 0;
	/* KeyError is a LookupError, and that an Exception. */
	exception = read_ptr(l->type_addr[FT_KIND_EXC_KEY] + l->type_base);
	exception = read_ptr(exception + l->type_base);
	for (i = 0; i < MAX_BASES && plausible(type); i++) {
		if (type == exception)
			return 0;
		type = read_ptr(type + l->type_base);
	}
	return 1;
}

/* The server's task goes on without the application, maybe to the next request. */
FT_INLINE void own_context_over(const struct thread *t, u64 request)
{
	u64 context = request_of(t->pid, request, HTTP_OWN_CONTEXT);

	belongs_no_more(t->pid, request, HTTP_OWN_CONTEXT);
	if (request_of(t->pid, context, HTTP_CONTEXT) == request)
		belongs_no_more(t->pid, context, HTTP_CONTEXT);
}

/*
 * Did the server's function not send what it was given? gunicorn leaves it by StopIteration when it
 * sent a response and closes the connection.
 */
FT_INLINE bool broke(const struct thread *t)
{
	static const char stop[] = "StopIteration";
	const struct ft_layout *l = my_layout();
	char name[sizeof(stop)] = {};
	u64 type = l && t->http.raised ? read_ptr(t->http.raised + 8) : 0;
	u32 i;

	if (!plausible(type) || read_at(name, sizeof(name), read_ptr(type + l->type_name)))
		return false;
	for (i = 0; i < sizeof(name); i++)
		if (name[i] != stop[i])
			return true;
	return false;
}

/* What was raised in C is no exception yet, maybe, but what one is made of (up to 3.11). */
FT_INLINE void server_failed(struct thread *t, const struct http_request *r)
{
	const struct ft_layout *l = my_layout();

	t->http.failed = r->dict;
	t->http.exception = l && has_flag(l, t->http.raised, TPFLAGS_EXC) ? t->http.raised : 0;
}

FT_GLOBAL int ft_http_leave(u32 tid, u64 request, u32 flags, u32 failed)
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
	/* Nothing of the body came out of it: the server answers. */
	if (failed && flags & CALL_WSGI && !(flags & CALL_STORED))
		r->status = FT_HTTP_FAILED;
	if (!failed && flags & CALL_WSGI)
		r->unsure = 1;
	/* The body was sent, or its first part. */
	if (!(flags & (CALL_ASGI | CALL_WSGI)) && (!failed || (r->dict && !broke(t))))
		r->unsure = 0;
	if (!(flags & CALL_REQUEST))
		return 0;
	status = r->unsure ? 0 : r->status;
	if (!r->status && (failed || !r->blind))
		status = failed && flags & CALL_GONE ? FT_HTTP_GONE : FT_HTTP_FAILED;
	if (failed && r->dict)
		server_failed(t, r);
	if (request_of(t->pid, r->sender, HTTP_SENDER) == request)
		belongs_no_more(t->pid, r->sender, HTTP_SENDER);
	key.tgid = t->pid;
	bpf_map_delete_elem(&ft_requests, &key);
	head_init(&t->response.hdr, FT_REC_HTTP_RESPONSE, sizeof(t->response), t->pid, tid, now);
	t->response.hdr.flags = FT_HTTP_KEPT;
	t->response.request = request;
	t->response.status = status;
	t->response.pad = 0;
	send(t, tid, now, &t->response, sizeof(t->response), 1);
	return 0;
}

/* ---- contexts that are made ---------------------------------------------------------------- */

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
