/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The maps; ft_maps.h has their values. pycall.bpf.c owns them (FT_MAPS_OWNER), the other objects
 * refer to them; bpftool links all into one.
 *
 * LOCKING RULE. Uprobe programs can be preempted and migrate between probes, so only counters are
 * per CPU. The data of a thread is used by that thread alone: one thread runs one uprobe program at
 * a time.
 */
#ifndef FT_MAPS_BPF_H
#define FT_MAPS_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "ft_abi.h"
#include "ft_counters.h"
#include "ft_layout.h"
#include "ft_left_out.h"
#include "ft_maps.h"

typedef __u64 u64;
typedef __u32 u32;
typedef __u16 u16;
typedef __u8 u8;
typedef __s8 s8;
typedef __s64 s64;
typedef __s16 s16;
typedef __s32 s32;

#define FT_INLINE static __attribute__((always_inline)) inline
/* The verifier checks it once, for any arguments, instead of once per path to it. */
#define FT_GLOBAL __attribute__((noinline))

/* In assembly, because a compiler that proves a mask redundant would remove it, but 5.10's verifier
 * needs the mask at this place. */
#ifndef FT_MASK
#define FT_MASK(value, mask) asm volatile("%0 &= %1" : "+r"(value) : "i"(mask))
#endif

#ifdef FT_MAPS_OWNER
#define FT_MAP
#else
#define FT_MAP extern
#endif

FT_MAP const volatile struct ft_settings ft_settings;

/*
 * Written by user space: are all hooks of that file in? Index: ft_proc.hooks. One word for all
 * processes, also for those that a fork makes meanwhile, so that all their hooks count from and to
 * the same moment. A call whose entry is seen and whose end is not would look as if an exception
 * had left it.
 */
FT_MAP __u32 ft_live[FT_HOOKED];

/* How many programs of known processes have ended: what ft_codes has of them is for user space to
 * delete. */
FT_MAP __u32 ft_programs_over;

/* How many functions user space has rejected after it was told of them. */
FT_MAP __u32 ft_rejected;

/* What struct quick has of all threads is void when this changes. */
FT_MAP __u32 ft_epoch;

/*
 * Written by user space, each before a process has it. The place of a number is its remainder. The
 * last place stays empty: by that one nothing is captured.
 */
FT_MAP struct ft_policy ft_policies[FT_POLICIES + 1];

FT_INLINE const struct ft_policy *policy_of(u32 number)
{
	u64 place = number;

	FT_MASK(place, FT_POLICIES - 1);
	if (ft_policies[place].number != number)
		place = FT_POLICIES;
	return &ft_policies[place];
}

/* Is a root call or request chosen that begins now? One of `sample`, by chance. */
FT_INLINE bool is_chosen(const struct ft_policy *policy)
{
	return !policy->sample || bpf_get_prandom_u32() % policy->sample == 0;
}

FT_INLINE bool hooks_live(const struct ft_proc *p)
{
	return ft_live[p->hooks & (FT_HOOKED - 1)];
}

#define FT_ENTRIES(n) __uint(max_entries, n)

FT_MAP struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	FT_ENTRIES(1024);
	__type(key, u32);
	__type(value, struct ft_proc);
} ft_procs SEC(".maps");

/* What a dormant process becomes at its next hit: user space has looked at it. */
FT_MAP struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	FT_ENTRIES(1024);
	__type(key, u32);
	__type(value, struct ft_proc);
} ft_looked_at SEC(".maps");

/* What a new process with that file becomes, but for where the file is mapped; flags:
 * FT_PROC_DORMANT = nothing, user space must look first. */
FT_MAP struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	FT_ENTRIES(FT_HOOKED + 1); /* and FT_UNKNOWN */
	__type(key, u32);
	__type(value, struct ft_proc);
} ft_files SEC(".maps");

/* Where the kernel can allocate in a probe user space makes it a larger hash (attach/codes.c). */
FT_MAP struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	FT_ENTRIES(32768);
	__type(key, struct code_key);
	__type(value, struct code_entry);
} ft_codes SEC(".maps");

/* What ft_codes has no room for, and variants: see code_keep(). */
FT_MAP struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	FT_ENTRIES(16384);
	__type(key, struct code_key);
	__type(value, struct code_entry);
} ft_more_codes SEC(".maps");

FT_MAP struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	FT_ENTRIES(FT_REJECTIONS);
	__type(key, u32);
	__type(value, struct rejected);
} ft_rejections SEC(".maps");

/* Index: the last bits of a thread's id. */
FT_MAP struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	FT_ENTRIES(FT_QUICK);
	__type(key, u32);
	__type(value, struct quick);
} ft_quick SEC(".maps");

/* Code whose name and lines user space knows -> since when; one entry without --stack. */
FT_MAP struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	FT_ENTRIES(FT_TOLD);
	__type(key, struct code_key);
	__type(value, u64);
} ft_told SEC(".maps");

FT_MAP struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	FT_ENTRIES(8192);
	__type(key, struct type_key);
	__type(value, struct type_entry);
} ft_types SEC(".maps");

FT_MAP struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	FT_ENTRIES(1024);
	__type(key, u32);
	__type(value, struct thread);
} ft_threads SEC(".maps");

FT_MAP struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	FT_ENTRIES(8192);
	__type(key, struct chunk_key);
	__type(value, struct call_chunk);
} ft_stacks SEC(".maps");

/* The calls of generators and coroutines that are, or were, suspended. */
FT_MAP struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	FT_ENTRIES(32768);
	__type(key, struct frame_key);
	__type(value, struct call);
} ft_suspended SEC(".maps");

/* HTTP requests that are not over, and the objects of each. LRU, because a worker that is killed
 * cleans up nothing. */
FT_MAP struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	FT_ENTRIES(8192);
	__type(key, struct http_key);
	__type(value, struct http_request);
} ft_requests SEC(".maps");

FT_MAP struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	FT_ENTRIES(16384);
	__type(key, struct http_key);
	__type(value, u64);
} ft_request_of SEC(".maps");

/* Module prefixes; value: enum code_verdict. */
FT_MAP struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	FT_ENTRIES(16384);
	__type(key, struct rule_key);
	__type(value, u32);
} ft_rules SEC(".maps");

FT_MAP struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	FT_ENTRIES(FT_MAX_REDACT);
	__type(key, struct redact_key);
	__type(value, u32);
} ft_redact SEC(".maps");

FT_MAP struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	FT_ENTRIES(16 * 1024 * 1024);
} ft_ring SEC(".maps");

FT_MAP struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	FT_ENTRIES(FT_COUNTER_COUNT);
	__type(key, u32);
	__type(value, u64);
} ft_counters SEC(".maps");

FT_MAP struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	FT_ENTRIES(FT_LEFT_OUT_COUNT);
	__type(key, u32);
	__type(value, u64);
} ft_left_out SEC(".maps");

/* Zeroes: the initial value of a thread and of a chunk, too large for the BPF stack. */
FT_MAP struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	FT_ENTRIES(1);
	__type(key, u32);
	__type(value, struct thread);
} ft_zero SEC(".maps");

FT_INLINE void count(enum ft_counter which)
{
	u32 key = which;
	u64 *n = bpf_map_lookup_elem(&ft_counters, &key);

	if (n)
		__sync_fetch_and_add(n, 1);
}

/* Counts a call or a request that is left out on purpose. */
FT_INLINE void left_out(enum ft_left_out rule)
{
	u32 key = rule;
	u64 *n = bpf_map_lookup_elem(&ft_left_out, &key);

	if (n)
		__sync_fetch_and_add(n, 1);
}

#endif
