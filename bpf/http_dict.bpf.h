/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The dicts of a request. */
#ifndef FT_HTTP_DICT_BPF_H
#define FT_HTTP_DICT_BPF_H

#include "maps.bpf.h"

/* The values of our keys in its dict; 1: not known where they are, look at each. */
int ft_http_scan(u32 tid);
int ft_http_entries(u32 tid);

#endif
