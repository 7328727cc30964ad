/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What a test asks of the BPF sources about HTTP requests. */
#include "http_link.bpf.h"
#include "leave.bpf.h"
#include "walk_http.h"

/* An application is called with this: 1 = for a request, whose record is sent. */
int walk_request(u32 tid, u64 dict, u32 role)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	u32 text = 0, i;

	if (!t)
		return -1;
	__builtin_memset(&t->http, 0, sizeof(t->http));
	t->http.role = role;
	t->http.dict = dict;
	if (ft_http_scan(tid))
		ft_http_entries(tid);
	if (!ft_http_take(tid))
		return 0;
	for (i = 0; i < HTTP_TEXTS; i++) {
		text = ft_http_texts(tid, text);
		if (text >= HTTP_TEXTS)
			break;
		ft_walk(tid);
		text++;
	}
	ft_http_send(tid);
	return 1;
}

/* That request's server is sent this: the CALL_* flags of the call. */
int walk_message(u32 tid, u64 dict)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);

	if (!t)
		return -1;
	t->http.role = HTTP_SEND;
	t->http.dict = dict;
	if (ft_http_scan(tid))
		ft_http_entries(tid);
	return ft_http_message(tid);
}

/* The status of the thread's last request so far. */
u32 request_status(u32 tid)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	struct http_request *r = t ? request_find(t->pid, t->http.number) : 0;

	return r ? r->status : 0;
}

/* The number of the request for which the thread's innermost call is made. */
u64 request_number(u32 tid)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	struct call *top = t ? call_top(t, tid) : 0;

	return top ? top->request : 0;
}

/* Are the dicts of this process asked by the hashes of their keys? */
int asks_by_hash(void)
{
	const struct ft_proc *p = my_proc();

	return p && p->flags & FT_PROC_HASHED;
}

/* A call begins in this frame. */
int enter_frame(u32 tid, u64 tstate, u64 frame)
{
	struct ft_proc *proc = my_proc();
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	struct probe p = {.proc = proc, .tgid = tid, .tid = tid, .tstate = tstate, .frame = frame};
	struct call *top;

	if (!proc || !t)
		return -1;
	p.l = &proc->layout;
	t->tstate = tstate;
	if (!probe_code(&p) || !probe_wanted(&p))
		return 0;
	call_start(&p);
	top = call_top(t, tid);
	return call_is(top, frame, p.code);
}

/* The innermost call is over; failed: by an exception. */
void leave_frame(u32 tid, u32 failed)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	struct call *top = t ? call_top(t, tid) : 0;

	if (!top)
		return;
	call_closed(t, tid);
	http_finish(tid, top, failed);
}
