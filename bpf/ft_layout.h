/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What user space tells BPF about one process: the offsets and addresses in its interpreter, as
 * facts. Filled by user/collector/cpython/, which alone knows versions; read by BPF from the map
 * ft_procs. An offset of FT_NO_FIELD means that this interpreter has no such field.
 */
#ifndef FT_LAYOUT_H
#define FT_LAYOUT_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif
#include "ft_abi.h"

#define FT_NO_FIELD 0xffff
#define FT_KEYS 16 /* keys of an HTTP request's dicts: enum word in http_words.bpf.h */

/* How BPF finds the Python thread state of the thread that hit a probe. */
enum ft_tstate_how {
	FT_TSTATE_GLOBAL = 1, /* a word at tstate_addr (the GIL holder's): up to 3.11 */
	FT_TSTATE_TP =
		2, /* thread-local, at the thread pointer + tstate_addr (negative): executables */
	FT_TSTATE_DTV = 3, /* thread-local, at tstate_addr in the block of module tls_module */
};

/* How a dict's key table is laid out. */
enum ft_dict_how {
	FT_DICT_SIZE = 1, /* up to 3.10: dk_size, index width follows from it */
	FT_DICT_LOG2 = 2, /* from 3.11: log2 of both, and a kind */
};

/* Where the attributes of an instance with a __dict__ are. */
enum ft_attr_how {
	FT_ATTR_DICTOFFSET = 1, /* up to 3.10: dict pointer at object + tp_dictoffset */
	FT_ATTR_VALUES_311 = 2, /* 3.11: managed_values, else managed_dict */
	FT_ATTR_VALUES_312 = 3, /* 3.12: managed_dict is a dict, or values + 1 */
	FT_ATTR_INLINE = 4,	/* 3.13: managed_dict, else values at tp_basicsize */
};

/* Where a split table has the order in which its keys were set: one byte each. */
enum ft_order {
	FT_ORDER_NONE = 0,   /* up to 3.10: that of the keys */
	FT_ORDER_BEFORE = 1, /* 3.11, 3.12: downwards from 3 bytes before the values */
	FT_ORDER_BEHIND = 2, /* 3.13: after the last value; their capacity is 8 bytes before */
};

/* Where an instruction with a probe has a number. */
enum ft_number_how {
	FT_NUMBER_NONE,
	FT_NUMBER_REGISTER, /* in a register */
	FT_NUMBER_MEMORY,   /* at a register + offset */
	FT_NUMBER_CONSTANT, /* it is the offset */
};

struct ft_number {
	__u64 ip;
	__s32 offset;
	__u8 how;  /* enum ft_number_how */
	__u8 reg;  /* as in an instruction */
	__u8 size; /* bytes */
	__u8 has_sign;
};

#define FT_NUMBERS 4

struct ft_layout {
	__u64 tstate_addr; /* FT_TSTATE_GLOBAL: address of the word */
	__u64 tls_module;  /* FT_TSTATE_DTV: its number in the thread's table of blocks ... */
	__u64 tls_pair;	   /* ... is the word at this address, where the dynamic linker put it */
	__u64 tag_mask; /* bits of a frame's reference that are not an address (3.14 on), else 0 */

	/* Addresses of the objects and types that values are compared with. */
	__u64 none_addr, true_addr;
	__u64 hash_secret; /* address of the secret of str hashes, two words; 0 = not known */
	__u64 type_addr[FT_KIND_COUNT]; /* exact type by kind; EXC_OS, EXC_KEY: those classes */
	__u64 initialized;   /* int: set before the first module of the program; 0 = not known */
	__u64 function_type; /* types of what a class has (up to 3.10) */
	__u64 static_type, class_type, property_type;

	__u16 tstate_how, dict_how, attr_how;

	/* thread state */
	__u16 tstate_frame;    /* current frame, or cframe when cframe_frame is set */
	__u16 cframe_frame;    /* FT_NO_FIELD: tstate_frame is the frame itself */
	__u16 tstate_exc_type; /* FT_NO_FIELD: no separate type */
	__u16 tstate_exc_value;
	__u16 tstate_exc_traceback; /* FT_NO_FIELD: the exception has it (3.12) */
	__u16 tstate_exc_info;	    /* the innermost exception that is being handled */
	__u16 exc_info_value, exc_info_previous;
	__u16 traceback_next, traceback_frame; /* tb_lasti and tb_lineno, ints, follow it */
	__u16 exc_traceback;
	__u16 tstate_context;  /* contextvars.Context, NULL until it is needed */
	__u16 context_entered; /* int: a thread runs in it that did not make it for itself */

	/* frame */
	__u16 frame_code, frame_previous, frame_globals, frame_localsplus;
	__u16 frame_instr; /* pointer to the instruction, FT_NO_FIELD where frame_lasti is used */
	__u16 frame_lasti; /* int: -1 = the body has not started */
	__u16 frame_stacktop;  /* pointer, not NULL = suspended by a yield; FT_NO_FIELD */
	__u16 frame_state;     /* signed char; FT_NO_FIELD */
	__u16 frame_owner;     /* char: 1 = a generator's; FT_NO_FIELD */
	__u16 frame_object;    /* NULL when an exception has left the frame (3.11); FT_NO_FIELD */
	__u16 generator_frame; /* for generators that resume without a hook (3.11); FT_NO_FIELD */
	__u16 pyframe_frame;   /* PyFrameObject -> the frame; FT_NO_FIELD: it is the frame */
	__s16 frame_state_suspended; /* used if there is no frame_stacktop */

	/* RESUME, read through frame_instr */
	__u8 op_resume[4];	  /* its opcodes, 0 = unused */
	__u8 resume_mask;	  /* oparg & mask == 0: the function starts */
	__u8 code_has_localsplus; /* one table of locals, cells, free variables (3.11) */
	__u8 exits_exact; /* the hooks see every exit, also by exception: nothing is inferred */
	__u8 pad1;

	/* code */
	__u16 code_argcount, code_posonly, code_kwonly;
	__u16 code_nlocals, code_nlocalsplus, code_flags, code_firstlineno;
	__u16 code_filename, code_name, code_qualname, code_localsplusnames;
	__u16 code_linetable, lines_how; /* enum ft_lines_how */
	__u16 code_localspluskinds;	 /* bytes, 0x40 = a cell; FT_NO_FIELD: code_cell2arg */
	__u16 code_cell2arg, code_cellvars, code_freevars;

	/* objects; from ob_type on the words of an object's head are the same in every build */
	__u16 object_type, object_size, var_size; /* ob_type, the whole head, ob_size */
	__u16 managed_dict, managed_values;	  /* bytes before the object: enum ft_attr_how */
	__u16 int_size, int_digits;		  /* signed ob_size */
	__u16 str_length, str_state, str_hash, str_ascii_data, str_compact_data, str_data_ptr;
	__u16 bytes_data, bytearray_start, float_value, list_items, tuple_items;
	__u16 dict_used, dict_keys, dict_values;
	__u16 dict_stamp;			      /* the version of its contents (up to 3.13) */
	__u16 keys_size, keys_nentries, keys_indices; /* keys_size: FT_DICT_SIZE only */
	__u16 keys_log2_size; /* FT_DICT_LOG2: log2 of the slots, of the index bytes, the kind */
	__u16 set_fill, set_used, set_mask, set_table;
	__u16 cell_value, exc_args, os_errno, os_strerror, os_filename;
	__u16 function_code, wrapper_callable; /* static/classmethod, property: the function */
	__u16 method_function, method_self, partial_args; /* of functools.partial: a tuple */
	__u16 gi_frame; /* a generator's frame; a pointer to it if there is no pyframe_frame */
	__u16 type_name, type_flags, type_base, type_dict, type_mro, type_dictoffset;
	__u16 type_qualname, type_cached_keys;
	__u16 values_first; /* bytes from the values pointer to the first value */
	__u16 code_consts, type_basicsize;
	__u8 int_tagged;	 /* ints have lv_tag instead of a signed size (3.12) */
	__u8 op_return_const[2]; /* its opcodes, 0 = unused: the result is a constant (3.12, 3.13)
				  */
	__u8 op_extended_arg;
	/* INSTRUMENTED_LINE and _INSTRUCTION, which replace another opcode (3.12) */
	__u8 op_line, op_instruction;
	/* HOOK_EVAL_ENTRY: number of the eval function's argument that is the frame; throwflag
	 * follows */
	__u8 entry_frame_arg;
	__u8 values_order;   /* enum ft_order */
	__u8 states_running; /* bit (frame_state & 7): the body runs; 0 = frames do not say so */
	__u8 hash_rounds;    /* of SipHash: 1 = SipHash-1-3, 2 = -2-4 (up to 3.10) */
	/* Number (in instructions) of the register that has the frame where it is left, when it is
	 * not the thread's current one any more; a call preserves the register. 0: it still is. */
	__u8 exit_register;
	__u8 pad3;
	/* The bytecode, and the opcodes replaced by op_line and op_instruction: pointers to two
	 * tables */
	__u16 code_bytecode, code_monitoring, monitoring_lines, monitoring_instructions;
	__u16 pad4;
	struct ft_number number[FT_NUMBERS]; /* of probes that have one */
};

/* Adds a number of bytes to each address that is not 0, since the file is mapped elsewhere.
 * tls_module stays. */
static inline void ft_layout_move(struct ft_layout *l, __u64 by)
{
	__u32 i;

#define MOVE(address) (address) += (address) ? by : 0
	for (i = 0; i < FT_KIND_COUNT; i++)
		MOVE(l->type_addr[i]);
	for (i = 0; i < FT_NUMBERS; i++)
		MOVE(l->number[i].ip);
	MOVE(l->none_addr);
	MOVE(l->true_addr);
	MOVE(l->hash_secret);
	MOVE(l->initialized);
	MOVE(l->function_type);
	MOVE(l->static_type);
	MOVE(l->class_type);
	MOVE(l->property_type);
	MOVE(l->tls_pair);
#undef MOVE
	if (l->tstate_how == FT_TSTATE_GLOBAL)
		l->tstate_addr += by;
}

#define FT_SITES 16
#define FT_HOOKED 256 /* files with hooks at once, of --pid one per process; a power of two */

#define FT_UNKNOWN FT_HOOKED /* index in ft_files of what a process that is not known becomes */

/*
 * A hook's cookie: the file's index in ft_files, and where the hook is in the process that the
 * file's layout was made for. 0: a hook that wakes no process.
 */
#define FT_COOKIE(file, address) ((__u64)((file) + 1) << 48 | (address))
#define FT_COOKIE_FILE(cookie) ((__u32)((cookie) >> 48) - 1)
#define FT_COOKIE_ADDRESS(cookie) ((cookie) & ((1ULL << 48) - 1))

/* An instruction with a hook, and the registers that hold the frame there. Set by BPF. */
struct ft_site {
	__u64 ip; /* 0 = free */
	__u32 hits;
	__u32 unfit; /* bit n: register n held something else once */
};

#define FT_POLICIES 256 /* at once; a power of two */
#define FT_POLICY_LAST 0xffff

/*
 * What is asked for of a process: which calls, and how much of each. It does not change while a
 * process has it; each has a number of its own, which tells verdicts by an earlier one of the same
 * place. 0: that of the run's own settings.
 */
struct ft_policy {
	__u32 number;	      /* also that of its set in ft_rules */
	__u32 accept_unknown; /* no --prefix: accept what no rule matches; user space decides */
	__u32 redact_lengths; /* bit n: a name of n + 1 bytes is on the redaction list */
	__u32 capture;	      /* FT_CAPTURE_* */
	__u32 max_arg_length; /* characters of a rendered field */
	__u32 max_depth;
	__u32 max_items;
	__u32 sample;	  /* one root call or request of that many; 0 = all */
	__u32 call_depth; /* calls with fewer calls of the trace above them; 0 = all */
	__u32 rate;	  /* calls a second and function; 0 = all */
};

/* A process: the value of map ft_procs. */
struct ft_proc {
	struct ft_layout layout;
	__u64 born; /* data of the pid from an earlier time is of another program: ids are reused */
	__u32 flags; /* FT_PROC_* */
	/* Set by BPF: the thread in which an exception was last seen, in an accepted call. */
	__u32 raised_tid;
	__u32 hooks;  /* index in ft_live: are all of its hooks in? */
	__u32 codes;  /* set by BPF: how many entries it has in ft_codes */
	__u32 policy; /* a number; children inherit it. User space changes it: policy.bpf.c */
	__u32 pad;
	__u64 key_hash[FT_KEYS]; /* set by BPF: hashes of the keys for which it searches dicts */
	struct ft_site site[FT_SITES]; /* by a hash of ip */
};

#define FT_PROC_FOLLOW 1    /* its children are traced from their first instruction */
#define FT_PROC_DORMANT 2   /* no layout: not Python, or has run none since it was hooked */
#define FT_PROC_SUSPENDS 4  /* set by BPF: a generator of an accepted function was suspended */
#define FT_PROC_JIT 8	    /* its JIT compiler is on: compiled code passes no hook of an entry */
#define FT_PROC_AGENT 16    /* no layout: seen through the probes of flowtrace_agent alone */
#define FT_PROC_LOSSES 32   /* set by BPF: an ENTER of flowtrace_agent could not be recorded */
#define FT_PROC_REQUESTS 64 /* set by BPF: something belongs to an HTTP request */
#define FT_PROC_HASHED 128  /* set by BPF: key_hash has the hashes that its dicts use */
#define FT_PROC_NOT_HASHED 256 /* set by BPF: key_hash does not have them, and never will */
#define FT_PROC_UNSEEN 512     /* set by BPF: it ran Python while it was dormant */
#define FT_PROC_GREENLETS 1024 /* has loaded greenlet; set by BPF where it does so later */
#define FT_PROC_NEW 2048       /* set by BPF: it began this program while it was followed */
#define FT_PROC_FOUND 4096     /* known since a hit (--all): it may be older than the run */
#define FT_PROC_ASK 8192       /* user space says first whether it is one of those chosen */
#define FT_PROC_LEFT_OUT 16384 /* it is not */

/* Settings of a run: the same for every process, in BPF's read-only data. */
struct ft_settings {
	/* Inode of the collector's PID namespace; 0 = the initial one. All ids are those in it. */
	__u32 pidns;
	__u32 http;    /* look for HTTP requests */
	__u32 stack;   /* tell which way an exception came */
	__u32 cookies; /* the kernel has them (5.15) */
	/* --all: a process that is not known becomes known at a hit; since then (monotonic). 0: no.
	 */
	__u64 all_since_ns;
	__u32 codes;  /* that one process may have in ft_codes */
	__u32 never;  /* 0, which the verifier knows and the compiler does not */
	__u32 shared; /* hooks are of a file, not of one process, and have cookies */
	__u32 pad;
};

#endif
