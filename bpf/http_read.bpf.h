/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Reading what is recorded of a request. */
#ifndef FT_HTTP_READ_BPF_H
#define FT_HTTP_READ_BPF_H

#include "maps.bpf.h"

/* For an HTTP_SEND: the CALL_* flags of its call. */
int ft_http_message(u32 tid);
/* For an application: 1 = it is called for an HTTP request. */
int ft_http_take(u32 tid);
/* Writes the texts of the request from number i on; returns the first that needs a walk, or
 * HTTP_TEXTS. */
u32 ft_http_texts(u32 tid, u32 i);

#endif
