/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The maps, and what their values hold. pycall.bpf.c owns them (FT_MAPS_OWNER), the other
 * objects refer to them; bpftool links all into one.
 *
 * LOCKING RULE. Uprobe programs can be preempted and migrate between probes, so nothing is
 * kept per CPU but counters. What is kept per thread is touched by that thread alone: one
 * thread runs one uprobe program at a time.
 */
#ifndef FT_MAPS_BPF_H
#define FT_MAPS_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "ft_abi.h"
#include "ft_counters.h"
#include "ft_layout.h"

typedef __u64 u64;
typedef __u32 u32;
typedef __u16 u16;
typedef __u8 u8;
typedef __s8 s8;
typedef __s64 s64;
typedef __s32 s32;

#define FT_INLINE static __attribute__((always_inline)) inline

#define FT_CHUNK 64	  /* shadow stack entries in one map value */
#define FT_MAX_CHUNKS 512 /* chunks of one thread: 32,768 open calls */
#define FT_TOK_MASK (FT_MAX_TOKEN_BYTES - 1)
#define FT_COPY 1024	  /* bytes copied at once */
#define FT_HEAD 64	  /* room for the largest record header */
#define FT_CELLS 32	  /* parameters that can be captured by closures up to 3.10 */

#ifdef FT_MAPS_OWNER
#define FT_MAP
#else
#define FT_MAP extern
#endif

FT_MAP const volatile struct ft_settings ft_settings;

/* ---- what a function is to us, decided once ------------------------------------- */

struct code_key {
	u64 code;
	u32 tgid;
	u32 pad;
};

enum code_verdict { CODE_REJECT = 1, CODE_ACCEPT = 2 };

struct code_entry {
	u64 guard;	 /* hash of what identifies the code object: addresses are reused */
	u32 verdict;	 /* enum code_verdict; user space may turn ACCEPT into REJECT */
	u32 flags;	 /* co_flags */
	u64 cell_mask;	 /* parameters that are captured by a closure */
	u64 redact_mask; /* parameters whose name is on the redaction list */
	u16 nparams;
	u16 cells_slot;	 /* first cell in localsplus (up to 3.10) */
	u16 return_slot; /* first operand stack slot: where RETURN_VALUE finds its value */
	u16 pad;
	u8 arg_cell[FT_CELLS]; /* up to 3.10: cell number of a captured parameter */
};

struct type_key {
	u64 type;
	u32 tgid;
	u32 pad;
};

struct type_entry {
	u64 guard;
	u32 kind;
	u32 pad;
};

/* ---- the shadow stack ------------------------------------------------------------ */

struct call {
	u64 frame;
	u64 code;
	u64 start_ns; /* the span, or for a call that was lost its nearest recorded parent's */
	u32 start_tid;
	u32 flags; /* CALL_* */
	u64 exc;   /* the exception last seen in it, 0 = none */
};

#define CALL_LOST 1	 /* its ENTER could not be recorded: no EXIT either */
#define CALL_GENERATOR 2 /* may be suspended */
#define CALL_STORED 4	 /* stands in ft_suspended */

struct chunk_key {
	u32 tid;
	u32 chunk;
};

struct call_chunk {
	struct call call[FT_CHUNK];
};

struct frame_key {
	u64 frame;
	u32 tgid;
	u32 pad;
};

/* ---- the walk over a value: containers that are open, innermost last -------------- */

enum level_kind {
	LEVEL_ROOTS = 1, /* pointers in thread->roots */
	LEVEL_PARAMS,	 /* parameters in localsplus */
	LEVEL_SEQ,	 /* an array of object pointers */
	LEVEL_DICT,	 /* a dict's entries */
	LEVEL_SET,	 /* a set's table */
};

struct level {
	u64 base;   /* first item, entry or slot */
	u64 values; /* LEVEL_DICT, split table: the array of values; else 0 */
	u32 idx;
	u32 n;	    /* items, entries or slots to look at */
	u32 left;   /* LEVEL_DICT, LEVEL_SET: live items not yet met */
	u8 kind;
	u8 stride, key_off, val_off; /* LEVEL_DICT: shape of an entry */
	u8 phase;   /* LEVEL_DICT: 1 = the value of entry idx comes next */
	u8 redact;  /* the next value is redacted */
	u8 cut;	    /* there is more than is looked at */
	u8 hidden;  /* no END: not a container of the value */
	u8 pair;    /* LEVEL_SEQ of two: the first may name the second */
	u8 pad[7];
};

struct walk {
	u32 used;   /* bytes of tokens written */
	s32 budget; /* characters that may still be rendered, at least */
	u32 depth;  /* open levels */
	u32 redact; /* look for names of the redaction list */
	u64 cell_mask, redact_mask;
	u64 cells;  /* address of the first cell (up to 3.10) */
	u8 arg_cell[FT_CELLS];
	struct level level[16]; /* FT_MAX_DEPTH and the hidden ones; a power of two */
};

/* Everything about one thread; key: tid. */
struct thread {
	u32 pid;
	u32 depth; /* calls on the shadow stack */
	u64 lost_first_ns, lost_last_ns;
	u32 lost_count, lost_reason;
	u32 named; /* its name was sent, or it has none */
	u32 pad0;
	u64 roots[8];
	struct walk walk;
	u8 small[FT_HEAD + 640]; /* a TYPE or THREAD record, while tok holds another */
	u8 pad[FT_HEAD];
	u8 head[FT_HEAD]; /* the record's header ends where tok begins */
	u8 tok[FT_MAX_TOKEN_BYTES + 2 * FT_COPY];
};

#define FT_ENTRIES(n) __uint(max_entries, n)

FT_MAP struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	FT_ENTRIES(1024);
	__type(key, u32);
	__type(value, struct ft_proc);
} ft_procs SEC(".maps");

FT_MAP struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	FT_ENTRIES(32768);
	__type(key, struct code_key);
	__type(value, struct code_entry);
} ft_codes SEC(".maps");

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
	FT_ENTRIES(2048);
	__type(key, struct chunk_key);
	__type(value, struct call_chunk);
} ft_stacks SEC(".maps");

/* Generators and coroutines that are suspended, or were: what their call was. */
FT_MAP struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	FT_ENTRIES(32768);
	__type(key, struct frame_key);
	__type(value, struct call);
} ft_suspended SEC(".maps");

/* Module prefixes: longest match wins; value: enum code_verdict. User space has left out
 * every --prefix that lies under an --exclude, so that exclusion wins. */
struct rule_key {
	u32 bits;
	char text[FT_MAX_PREFIX];
};

FT_MAP struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	FT_ENTRIES(256);
	__type(key, struct rule_key);
	__type(value, u32);
} ft_rules SEC(".maps");

/* Redaction list, lower case, '-' as '_', zero padded. */
struct redact_key {
	char text[FT_MAX_REDACT_LEN];
};

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

/* Zeroes: the first value of a thread and of a chunk, too large for the BPF stack. */
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

#endif
