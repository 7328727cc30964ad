/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The dicts of a request. */
#ifndef FT_HTTP_DICT_BPF_H
#define FT_HTTP_DICT_BPF_H

#include "maps.bpf.h"

/* Reads the values of our keys from the request's dict; 1: their places are not known, look at
 * every entry. */
int ft_http_scan(u32 tid);
int ft_http_entries(u32 tid);

#endif
