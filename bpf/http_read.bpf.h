/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What is recorded of a request. */
#ifndef FT_HTTP_READ_BPF_H
#define FT_HTTP_READ_BPF_H

#include "maps.bpf.h"

/* HTTP_SEND: the CALL_* flags of its call. */
int ft_http_message(u32 tid);
/* An application: 1 = it was called for an HTTP request. */
int ft_http_take(u32 tid);
/* The texts of the request, from number i on: the first that is to be walked, or HTTP_TEXTS. */
u32 ft_http_texts(u32 tid, u32 i);

#endif
