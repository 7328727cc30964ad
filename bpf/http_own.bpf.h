/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Objects of a server by which a request is found again. */
#ifndef FT_HTTP_OWN_BPF_H
#define FT_HTTP_OWN_BPF_H

#include "maps.bpf.h"

/* The objects by which a request of ASGI is found again. */
int ft_http_link_objects(u32 tid);
/* A WSGI application: 1 = it is called for a request of ASGI that goes on. */
int ft_http_in_asgi(u32 tid);
/* The request whose body a server in C iterates over by this call, the outermost; or 0. */
u64 ft_http_body(u32 tid, u64 frame, u64 code);

#endif
