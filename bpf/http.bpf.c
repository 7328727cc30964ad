/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What an HTTP request is made of: names of parameters, dicts of servers, and its end. */
#include "http.bpf.h"

#include <bpf/bpf_tracing.h>

#define CO_COROUTINE 0x80
#define DICT_ENTRIES 512 /* wsgiref has the variables of its process in every environ */
#define HEADERS 64
#define METHOD_FUNCTION 16 /* PyMethodObject (cpython/classobject.h), in every release */
#define METHOD_SELF 24
#define INNER_FIRST 16 /* a callable around another has it in one of these words */
#define INNER_WORDS 3

/* ---- words ---------------------------------------------------------------------------------- */

/* Those below HTTP_VALUES are keys of dicts. */
enum word {
	WORD_NONE,
	WORD_METHOD,
	WORD_PATH,
	WORD_TYPE,
	WORD_STATUS,
	WORD_ROOT_PATH,
	WORD_CLIENT,
	WORD_HEADERS,
	WORD_MORE_BODY,
	WORD_REQUEST_METHOD,
	WORD_SCRIPT_NAME,
	WORD_PATH_INFO,
	WORD_REMOTE_ADDR,
	WORD_HTTP_USER_AGENT,
	WORD_HTTP_X_REQUEST_ID,
	WORD_FLOWTRACE_ID,
	WORD_KEYS = HTTP_VALUES,
	WORD_HTTP,
	WORD_START,
	WORD_BODY,
	WORD_ZEROCOPY,
	WORD_PATHSEND,
	WORD_USER_AGENT,
	WORD_X_REQUEST_ID,
	WORD_START_RESPONSE,
	WORD_SCOPE,
	WORD_RECEIVE,
	WORD_SEND,
};

#define LONGEST 31

/* Byte i of a string, and word n of it, as they are in memory. */
#define BYTE(s, i)                                                                                 \
	((i) < sizeof(s) - 1 ? (u64)(u8)(s)[(i) < sizeof(s) ? (i) : 0] << 8 * ((i) % 8) : 0)
#define TEXT(s, n)                                                                                 \
	(BYTE(s, 8 * n) | BYTE(s, 8 * n + 1) | BYTE(s, 8 * n + 2) | BYTE(s, 8 * n + 3) |           \
	 BYTE(s, 8 * n + 4) | BYTE(s, 8 * n + 5) | BYTE(s, 8 * n + 6) | BYTE(s, 8 * n + 7))
#define IS(w, s)                                                                                   \
	((w)[0] == TEXT(s, 0) && (w)[1] == TEXT(s, 1) && (w)[2] == TEXT(s, 2) &&                   \
	 (w)[3] == TEXT(s, 3))

/* Which of ours it is: n bytes of text. */
FT_GLOBAL int ft_http_word(u64 text, u64 n)
{
	u64 w[4] = {};

	if (n < 4 || n > LONGEST || text < PY_MIN)
		return WORD_NONE;
	asm volatile("%0 &= 31" : "+r"(n));
	if (n == 0 || bpf_probe_read_user(w, n, (void *)text))
		return WORD_NONE;
	if (IS(w, "method"))
		return WORD_METHOD;
	if (IS(w, "path"))
		return WORD_PATH;
	if (IS(w, "type"))
		return WORD_TYPE;
	if (IS(w, "status"))
		return WORD_STATUS;
	if (IS(w, "root_path"))
		return WORD_ROOT_PATH;
	if (IS(w, "client"))
		return WORD_CLIENT;
	if (IS(w, "headers"))
		return WORD_HEADERS;
	if (IS(w, "more_body"))
		return WORD_MORE_BODY;
	if (IS(w, "REQUEST_METHOD"))
		return WORD_REQUEST_METHOD;
	if (IS(w, "SCRIPT_NAME"))
		return WORD_SCRIPT_NAME;
	if (IS(w, "PATH_INFO"))
		return WORD_PATH_INFO;
	if (IS(w, "REMOTE_ADDR"))
		return WORD_REMOTE_ADDR;
	if (IS(w, "HTTP_USER_AGENT"))
		return WORD_HTTP_USER_AGENT;
	if (IS(w, "HTTP_X_REQUEST_ID"))
		return WORD_HTTP_X_REQUEST_ID;
	if (IS(w, "flowtrace.request_id"))
		return WORD_FLOWTRACE_ID;
	if (IS(w, "http"))
		return WORD_HTTP;
	if (IS(w, "http.response.start"))
		return WORD_START;
	if (IS(w, "http.response.body"))
		return WORD_BODY;
	if (IS(w, "http.response.zerocopysend"))
		return WORD_ZEROCOPY;
	if (IS(w, "http.response.pathsend"))
		return WORD_PATHSEND;
	if (IS(w, "user-agent"))
		return WORD_USER_AGENT;
	if (IS(w, "x-request-id"))
		return WORD_X_REQUEST_ID;
	if (IS(w, "start_response"))
		return WORD_START_RESPONSE;
	if (IS(w, "scope"))
		return WORD_SCOPE;
	if (IS(w, "receive"))
		return WORD_RECEIVE;
	return IS(w, "send") ? WORD_SEND : WORD_NONE;
}

FT_GLOBAL int ft_http_str(u64 str)
{
	const struct ft_layout *l = my_layout();
	struct str_view s = {};

	if (!l || str_open(l, str, &s) || s.width != 1)
		return WORD_NONE;
	return ft_http_word(s.data, s.length);
}

/* ---- recognising ---------------------------------------------------------------------------- */

FT_INLINE u32 parameter_word(u64 names, u32 i)
{
	return ft_http_str(read_ptr(names + 8 * (u64)i));
}

FT_GLOBAL int ft_http_role(u32 tgid, u64 code)
{
	const struct ft_layout *l = my_layout();
	struct code_entry *e = code_find(tgid, code);
	u64 names;
	u32 n, i;

	if (!l)
		return 0;
	if (e && e->verdict == CODE_MARKED && e->guard == code_guard(l, code))
		return e->role | e->role_arg << 8;
	n = read_u32(code + l->code_argcount);
	names = read_ptr(code + l->code_localsplusnames) + l->tuple_items;
	for (i = 0; i < 2 && i + 1 < n; i++) { /* behind a self, or not */
		if (parameter_word(names, i + 1) == WORD_START_RESPONSE)
			return HTTP_WSGI | i << 8;
		if (i + 2 < n && parameter_word(names, i) == WORD_SCOPE &&
		    parameter_word(names, i + 1) == WORD_RECEIVE &&
		    parameter_word(names, i + 2) == WORD_SEND &&
		    read_u32(code + l->code_flags) & CO_COROUTINE)
			return HTTP_ASGI | i << 8;
	}
	return 0;
}

/* Parameter i of a function with this entry, or 0. */
FT_INLINE u64 parameter(const struct ft_layout *l, u64 frame, const struct code_entry *e, u64 i)
{
	u64 base = frame + l->frame_localsplus, obj;

	asm volatile("%0 &= %1" : "+r"(i) : "i"(FT_CELLS - 1));
	obj = read_ref(l, base + 8 * i);
	if (!(e->cell_mask >> i & 1))
		return obj;
	return in_cell(l, obj, i, base + 8 * (u64)e->cells_slot, e->arg_cell);
}

/* ---- marking -------------------------------------------------------------------------------- */

/* An entry for code that was not seen yet, or not where its call began. */
FT_INLINE void mark_new(const struct ft_layout *l, u32 tgid, u64 code, u32 role, u32 arg)
{
	struct code_key key = {.code = code, .tgid = tgid};
	struct code_entry e = {
		.verdict = CODE_MARKED,
		.role = role,
		.role_arg = arg,
	};

	e.guard = code_guard(l, code);
	if (e.guard)
		bpf_map_update_elem(&ft_codes, &key, &e, BPF_ANY);
}

FT_GLOBAL int ft_http_mark(u32 tid, u64 code, u32 role, u32 arg)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	struct code_entry *e = l ? code_find(t->pid, code) : 0;

	if (!l || (e && e->role))
		return 0;
	if (!e || e->verdict == CODE_REJECT || !code_same(l, code, e)) {
		mark_new(l, t->pid, code, role, arg);
	} else {
		e->role_arg = arg;
		e->role = role;
	}
	return 0;
}

FT_GLOBAL int ft_http_watch(u32 tid, u64 code)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	struct code_entry *e = l ? code_find(t->pid, code) : 0;

	if (!l)
		return 0;
	if (!e) {
		mark_new(l, t->pid, code, 0, 0);
	} else if (e->verdict == CODE_REJECT) {
		e->name_hash = name_hash(l, code);
		e->verdict = CODE_WATCH;
	}
	return 0;
}

/* The code of the function at this address, or 0. code_type: the type of code objects. */
FT_INLINE u64 code_of(const struct ft_layout *l, u64 function, u64 code_type)
{
	u64 code = plausible(function) ? read_ptr(function + l->function_code) : 0;

	return plausible(code) && read_ptr(code + 8) == code_type ? code : 0;
}

/*
 * Marks the function behind what a server handed to an application: a function, a method, or what
 * is around one of those (functools.partial, our own wrappers). Returns the method's object, or 0;
 * *blind of the request says that there is no Python function.
 */
FT_GLOBAL u64 ft_http_callable(u32 tid, u64 obj, u64 code_type, u32 role)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	u64 code, inner, self;
	u32 i;

	if (!l || !plausible(obj))
		return 0;
	t->http.blind = 0;
	code = code_of(l, obj, code_type);
	if (code) {
		ft_http_mark(tid, code, role, 0);
		return 0;
	}
	code = code_of(l, read_ptr(obj + METHOD_FUNCTION), code_type);
	if (code) {
		self = read_ptr(obj + METHOD_SELF);
		ft_http_mark(tid, code, role, 1);
		return self;
	}
	for (i = 0; i < INNER_WORDS; i++) {
		inner = read_ptr(obj + INNER_FIRST + 8 * (u64)i);
		if (!plausible(inner))
			continue;
		code = code_of(l, read_ptr(inner + METHOD_FUNCTION), code_type);
		if (code) {
			self = read_ptr(inner + METHOD_SELF);
			ft_http_mark(tid, code, role, 1);
			return self;
		}
	}
	t->http.blind = 1;
	return 0;
}

/* ---- reading -------------------------------------------------------------------------------- */

FT_INLINE bool has_flag(const struct ft_layout *l, u64 obj, u64 flag)
{
	u64 type = plausible(obj) ? read_ptr(obj + 8) : 0, flags = 0;

	return plausible(type) && !read_at(&flags, 8, type + l->type_flags) && flags & flag;
}

/* One entry: where its key and its value are. */
FT_GLOBAL int ft_http_entry(u32 tid, u64 key, u64 value)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	u64 word = ft_http_str(read_ptr(key));

	if (!t || !word || word >= WORD_KEYS)
		return 0;
	asm volatile("%0 &= %1" : "+r"(word) : "i"(HTTP_VALUES - 1));
	t->http.value[word] = read_ptr(value);
	return 0;
}

/* The values of our keys in a dict, into the thread's slot; 0: it is none. */
FT_GLOBAL int ft_http_scan(u32 tid, u64 dict)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	struct dict_view d = {};
	u64 key, value;
	u32 i;

	if (!l)
		return 0;
	__builtin_memset(t->http.value, 0, sizeof(t->http.value));
	if (!has_flag(l, dict, TPFLAGS_DICT) || dict_open(l, dict, &d))
		return 0;
	key = d.entries + d.key_off;
	value = d.values ?: d.entries + d.val_off;
	for (i = 0; i < DICT_ENTRIES; i++) {
		if (i >= d.n)
			break;
		ft_http_entry(tid, key, value);
		key += d.stride;
		value += d.values ? 8 : d.stride;
	}
	return 1;
}

/* Item i of a list or a tuple, or 0. */
FT_INLINE u64 item(const struct ft_layout *l, u64 seq, u32 i)
{
	u64 n = 0, items;

	if (has_flag(l, seq, TPFLAGS_LIST))
		items = read_ptr(seq + l->list_items);
	else if (has_flag(l, seq, TPFLAGS_TUPLE))
		items = seq + l->tuple_items;
	else
		return 0;
	if (read_at(&n, 8, seq + 16) || i >= n)
		return 0;
	return read_ptr(items + 8 * (u64)i);
}

/* Of an ASGI header, the name: a word. */
FT_INLINE u32 header_word(const struct ft_layout *l, u64 pair)
{
	u64 name = item(l, pair, 0), n = 0;

	if (!has_flag(l, name, TPFLAGS_BYTES) || read_at(&n, 8, name + 16))
		return WORD_NONE;
	return ft_http_word(name + l->bytes_data, n);
}

FT_GLOBAL int ft_http_header(u32 tid, u64 headers, u32 i)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	u64 pair;
	u32 word;

	if (!l)
		return 0;
	pair = item(l, headers, i);
	if (!pair)
		return 0;
	word = header_word(l, pair);
	if (word == WORD_X_REQUEST_ID)
		t->http.text[0] = item(l, pair, 1);
	else if (word == WORD_USER_AGENT)
		t->http.text[5] = item(l, pair, 1);
	return 1;
}

FT_GLOBAL int ft_http_environ(u32 tid, u64 environ, u64 start_response, u64 code_type)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	u64 *v;

	if (!t || !ft_http_scan(tid, environ))
		return 0;
	v = t->http.value;
	if (!v[WORD_REQUEST_METHOD])
		return 0;
	t->http.flags = FT_HTTP_WSGI;
	t->http.text[0] = v[WORD_FLOWTRACE_ID] ?: v[WORD_HTTP_X_REQUEST_ID];
	t->http.text[1] = v[WORD_REQUEST_METHOD];
	t->http.text[2] = v[WORD_SCRIPT_NAME];
	t->http.text[3] = v[WORD_PATH_INFO];
	t->http.text[4] = v[WORD_REMOTE_ADDR];
	t->http.text[5] = v[WORD_HTTP_USER_AGENT];
	ft_http_callable(tid, start_response, code_type, HTTP_STATUS);
	return 1;
}

FT_GLOBAL int ft_http_scope(u32 tid, u64 scope, u64 send, u64 code_type)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	u64 *v;
	u32 i;

	if (!l || !ft_http_scan(tid, scope))
		return 0;
	v = t->http.value;
	if (ft_http_str(v[WORD_TYPE]) != WORD_HTTP)
		return 0;
	t->http.flags = FT_HTTP_ASGI;
	t->http.text[0] = 0;
	t->http.text[1] = v[WORD_METHOD];
	t->http.text[2] = v[WORD_ROOT_PATH];
	t->http.text[3] = v[WORD_PATH];
	t->http.text[4] = item(l, v[WORD_CLIENT], 0);
	t->http.text[5] = 0;
	for (i = 0; i < HEADERS; i++)
		if (!ft_http_header(tid, v[WORD_HEADERS], i))
			break;
	t->http.sender = ft_http_callable(tid, send, code_type, HTTP_SEND);
	return 1;
}

FT_GLOBAL int ft_http_read(u32 tid, u64 frame, u64 code)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	struct code_entry *e = l ? code_find(t->pid, code) : 0;
	u64 first, code_type;
	u32 arg;

	if (!e)
		return 0;
	walk_begin(t);
	t->http.sender = 0;
	arg = e->role_arg;
	code_type = read_ptr(code + 8);
	first = parameter(l, frame, e, arg);
	if (e->role == HTTP_WSGI)
		return ft_http_environ(tid, first, parameter(l, frame, e, arg + 1), code_type);
	return ft_http_scope(tid, first, parameter(l, frame, e, arg + 2), code_type);
}

/* ---- recording ------------------------------------------------------------------------------ */

/* Characters of each text: id, method, where it is mounted, path, address, agent. What is longer
 * is cut. */
FT_INLINE s32 text_budget(u32 i)
{
	if (i == 0)
		return 197;
	if (i == 1)
		return 29;
	if (i == 4)
		return 61;
	return i == 5 ? 509 : 1021;
}

FT_GLOBAL int ft_http_text(u32 tid, u32 i)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	u64 obj;

	if (!l)
		return 0;
	obj = t->http.text[i & 7];
	t->walk.budget = text_budget(i);
	t->walk.redact = 0;
	t->walk.depth = 0;
	t->roots[0] = has_flag(l, obj, TPFLAGS_STR | TPFLAGS_BYTES) ? obj : l->none_addr;
	walk_push(t, LEVEL_ROOTS, 0, 1);
	return 0;
}

FT_GLOBAL int ft_http_send(u32 tid)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	struct ft_proc *p = t ? my_proc() : 0;
	struct ft_rec_http_request *r;
	struct http_request request = {};
	struct http_key key = {.kind = HTTP_NUMBER};
	u64 now = bpf_ktime_get_ns();

	if (!p)
		return -1;
	t->http.number = (u64)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32() | 1;
	r = head_of(t, sizeof(*r));
	head_init(&r->hdr, FT_REC_HTTP_REQUEST, 0, t->pid, tid, now);
	r->hdr.flags = t->http.flags;
	r->request = t->http.number;
	if (send_tokens(t, tid, now, sizeof(*r), 2)) /* and its response */
		return -1;
	key.of = t->http.number;
	key.tgid = t->pid;
	request.sender = t->http.sender;
	request.blind = t->http.blind;
	bpf_map_update_elem(&ft_requests, &key, &request, BPF_ANY);
	belongs(p, t->pid, request.sender, HTTP_SENDER, t->http.number);
	return 0;
}

/* ---- the response --------------------------------------------------------------------------- */

#define STATUS_FAILED 500

/* "404 Not Found" */
FT_GLOBAL int ft_http_status(u32 tid, u64 frame, u64 code, u64 request)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	struct code_entry *e = l ? code_find(t->pid, code) : 0;
	struct http_request *r = t ? request_find(t->pid, request) : 0;
	struct str_view s = {};
	u8 digit[3] = {};

	if (!e || !r || str_open(l, parameter(l, frame, e, e->role_arg), &s) || s.width != 1 ||
	    s.length < 3 || read_at(digit, 3, s.data))
		return 0;
	digit[0] -= '0';
	digit[1] -= '0';
	digit[2] -= '0';
	if (digit[0] <= 9 && digit[1] <= 9 && digit[2] <= 9)
		r->status = 100 * digit[0] + 10 * digit[1] + digit[2];
	return 0;
}

/* An int of one digit, or of a class of ints. */
FT_INLINE u32 small_int(const struct ft_layout *l, u64 obj)
{
	return has_flag(l, obj, TPFLAGS_LONG) ? read_u32(obj + l->int_digits) : 0;
}

FT_GLOBAL int ft_http_message(u32 tid, u64 frame, u64 code, u64 request)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	struct code_entry *e = l ? code_find(t->pid, code) : 0;
	struct http_request *r;
	u64 by_sender = 0;
	u32 word;

	if (!e)
		return 0;
	if (e->role_arg)
		by_sender = request_of(t->pid, parameter(l, frame, e, 0), HTTP_SENDER);
	if (by_sender)
		request = by_sender;
	r = request_find(t->pid, request);
	if (!r || !ft_http_scan(tid, parameter(l, frame, e, e->role_arg)))
		return 0;
	t->http.number = request;
	word = ft_http_str(t->http.value[WORD_TYPE]);
	if (word == WORD_START)
		r->status = small_int(l, t->http.value[WORD_STATUS]);
	if (word == WORD_PATHSEND)
		return 1;
	return (word == WORD_BODY || word == WORD_ZEROCOPY) &&
	       t->http.value[WORD_MORE_BODY] != l->true_addr;
}

FT_GLOBAL int ft_http_leave(u32 tid, u64 request, u32 flags, u32 failed)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	struct http_request *r = t ? request_find(t->pid, request) : 0;
	struct http_key key = {.of = request, .kind = HTTP_NUMBER};
	u64 now = bpf_ktime_get_ns();
	u32 status;

	if (!r)
		return 0;
	/* Nothing of the body came out of it: the server answers. */
	if (failed && flags & CALL_WSGI && !(flags & CALL_STORED))
		r->status = STATUS_FAILED;
	if (!(flags & CALL_REQUEST))
		return 0;
	status = r->status;
	if (!status && (failed || !r->blind))
		status = STATUS_FAILED;
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

/* ---- contexts ------------------------------------------------------------------------------- */

/* The request that the thread works for, or 0. */
FT_INLINE u64 thread_request(struct hit *h)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &h->tid);
	struct call *top = t ? call_top(t, h->tid) : 0;

	if (top && hit_frame(h)) {
		t->tstate = h->tstate;
		if (top->frame != h->frame)
			ft_settle(h->tid, h->frame, 0, 0);
		top = call_top(t, h->tid);
		if (top && top->request)
			return top->request;
	}
	h->tstate = 0;
	return context_request(h);
}

/* PyContext_CopyCurrent returns. */
SEC("uretprobe")
int ft_context_copied(struct pt_regs *ctx)
{
	u64 copy = PT_REGS_RC(ctx), request;
	struct hit h = {};

	if (!hit_ours(&h) || !plausible(copy))
		return 0;
	request = thread_request(&h);
	if (request)
		belongs(h.proc, h.tgid, copy, HTTP_CONTEXT, request);
	else if (h.proc->flags & FT_PROC_REQUESTS)
		belongs_no_more(h.tgid, copy, HTTP_CONTEXT);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
