/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What a test asks of the BPF sources about HTTP requests. */
#ifndef FT_WALK_HTTP_H
#define FT_WALK_HTTP_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

int walk_request(__u32 tid, __u64 dict, __u32 role);
int walk_message(__u32 tid, __u64 dict);
__u32 request_status(__u32 tid);
__u64 request_number(__u32 tid);
int asks_by_hash(void);
int enter_frame(__u32 tid, __u64 tstate, __u64 frame);
void leave_frame(__u32 tid, __u32 failed);

#endif
