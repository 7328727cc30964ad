/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Objects of a server by which a request is found. */
#ifndef FT_HTTP_OWN_BPF_H
#define FT_HTTP_OWN_BPF_H

#include "maps.bpf.h"

/* Remembers the objects by which an ASGI request is found. */
int ft_http_link_objects(u32 tid);
/* For a WSGI application: 1 = it is called for an ASGI request that is not over. */
int ft_http_in_asgi(u32 tid);
/* The request of which a server in C iterates over the body with this call, its outermost; or 0. */
u64 ft_http_body(u32 tid, u64 frame, u64 code);

#endif
