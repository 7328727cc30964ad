/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The status of the extension flowtrace_agent._core, at an exported symbol in the memory of its
 * process. agent_ext/csrc/status.c writes it; user/collector/discover/agent.c reads it from
 * outside, as untrusted bytes.
 *
 * The writer makes `sequence` odd, writes, and makes it even again: a copy is consistent if
 * sequence is the same even number before and after.
 */
#ifndef FT_AGENT_H
#define FT_AGENT_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define FT_AGENT_SYMBOL "flowtrace_agent_status"
#define FT_AGENT_MAGIC 0x6563617274776f6cULL /* "lowtrace" */
#define FT_AGENT_ABI_VERSION 1
#define FT_AGENT_TEXT 1024 /* bytes of one list */

/* One-byte nops at the probe `listener`: each collector takes one (agent_ext/csrc/probes.h). */
#define FT_AGENT_LISTENERS 64

/* A list is a sequence of NUL-terminated texts. */
struct ft_agent_status {
	__u64 magic;
	__u32 abi_version;
	__u32 sequence;
	__u32 pid;    /* in the process' own PID namespace; another pid: a copy that a fork made */
	__u32 active; /* automatic tracing is on */
	__u32 overflow;	     /* the lists do not fit: they are empty and not valid */
	__u32 prefix_bytes;  /* 0: all but the standard library and installed packages */
	__u32 exclude_bytes; /* of the list that takes precedence */
	__u32 pad;
	char prefix[FT_AGENT_TEXT];
	char exclude[FT_AGENT_TEXT];
};

_Static_assert(sizeof(struct ft_agent_status) == 40 + 2 * FT_AGENT_TEXT, "no padding");

#endif
