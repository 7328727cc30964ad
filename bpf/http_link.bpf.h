/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The request to which an object of the target belongs. */
#ifndef FT_HTTP_LINK_BPF_H
#define FT_HTTP_LINK_BPF_H

#include "py_read.bpf.h"

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

/* From now on the address belongs to that request. */
FT_INLINE void request_link(struct ft_proc *p, u32 tgid, u64 address, u32 kind, u64 number)
{
	struct http_key key = {.of = address, .tgid = tgid, .kind = kind};

	if (!address)
		return;
	p->flags |= FT_PROC_REQUESTS;
	bpf_map_update_elem(&ft_request_of, &key, &number, BPF_ANY);
}

FT_INLINE void request_unlink(u32 tgid, u64 address, u32 kind)
{
	struct http_key key = {.of = address, .tgid = tgid, .kind = kind};

	if (address)
		bpf_map_delete_elem(&ft_request_of, &key);
}

/* The context that the thread runs in. */
FT_INLINE u64 context_of(const struct ft_layout *l, const struct thread *t)
{
	return read_ptr((t->tstate ?: tstate_of(l)) + l->tstate_context);
}

#endif
