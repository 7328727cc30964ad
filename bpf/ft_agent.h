/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What the extension flowtrace_agent._core says of itself in the memory of its process, under the
 * name of an exported symbol. agent_ext/csrc/status.c writes it;
 * user/collector/discover/agent.c reads it from outside, as bytes that may hold anything.
 *
 * The writer makes sequence odd, writes, and makes it even again: what was read between two equal
 * even numbers is whole.
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

/* A list is its texts one after another, each ended by a NUL. */
struct ft_agent_status {
	__u64 magic;
	__u32 abi_version;
	__u32 sequence;
	__u32 pid;	     /* as the process sees itself; another one's: copied by a fork */
	__u32 active;	     /* automatic tracing is on */
	__u32 overflow;	     /* the lists do not fit: they are empty, and mean nothing */
	__u32 prefix_bytes;  /* 0: all but the standard library and installed packages */
	__u32 exclude_bytes; /* of the list that wins over the other */
	__u32 pad;
	char prefix[FT_AGENT_TEXT];
	char exclude[FT_AGENT_TEXT];
};

_Static_assert(sizeof(struct ft_agent_status) == 40 + 2 * FT_AGENT_TEXT, "no padding");

#endif
