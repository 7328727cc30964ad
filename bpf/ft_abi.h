/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The event ABI: what the BPF programs and the in-process agent write, what a recording holds, and
 * what decode/ reads.
 *
 * A stream is a sequence of records. Every record starts with struct ft_rec, is a multiple of 8
 * bytes long and has its own length, so a reader can skip a type that it does not know. Integers
 * are little-endian. Times are nanoseconds of CLOCK_MONOTONIC; the FT_REC_SESSION record that opens
 * a recording anchors them to real time.
 *
 * Records that carry values end in a *token sequence*, the flat form of Python values:
 *
 *     f([1, "ab"])   ->   LIST{2} INT{1} STR{"ab"} END
 *
 * A span (one call) is identified by the time and the thread of its start: (start_tid, start_ns). A
 * thread cannot start two calls in one nanosecond, so the pair is unique in a trace and needs no
 * counter in the kernel.
 */
#ifndef FT_ABI_H
#define FT_ABI_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif
#include "ft_runtime.h"

#define FT_ABI_VERSION 1

/* Hard maxima; an option above one of them is a usage error. */
#define FT_MAX_TOKEN_BYTES 8192		    /* captured tokens of one field, from the kernel */
#define FT_MAX_FILE 700			    /* characters of a function's file, ... */
#define FT_MAX_NAME 250			    /* ... its name, ... */
#define FT_MAX_QUALNAME 512		    /* ... its qualified name, its module */
#define FT_MAX_TOKEN_BYTES_INSIDE (1 << 20) /* ... and from the agent inside the process */
#define FT_MAX_DEPTH 8			    /* nested containers */
#define FT_MAX_ITEMS 256		    /* items of one container */
#define FT_MAX_PARAMS 64		    /* parameters of one function that are captured */
#define FT_MAX_STACK 64			    /* entries of a traceback */
#define FT_MAX_PREFIX 120		    /* bytes of one module prefix */
#define FT_MAX_CLASS_NAME 240		    /* bytes of a class's name, path or module */
#define FT_MAX_REDACT 64		    /* names in the redaction list */
#define FT_MAX_REDACT_LEN 32		    /* bytes of one such name */
#define FT_MAX_RECORD (FT_MAX_TOKEN_BYTES + 512)
#define FT_MAX_RECORD_INSIDE (FT_MAX_TOKEN_BYTES_INSIDE + 512)

enum ft_rec_type {
	FT_REC_SESSION = 1,	/* struct ft_rec_session: first record of a recording */
	FT_REC_CODE = 2,	/* struct ft_rec_code: a function, before its first event */
	FT_REC_TYPE = 3,	/* struct ft_rec_pytype: a class, before the first value of it */
	FT_REC_THREAD = 4,	/* struct ft_rec_thread: a thread's name, before its first event */
	FT_REC_ENTER = 5,	/* struct ft_rec_enter */
	FT_REC_EXIT = 6,	/* struct ft_rec_exit */
	FT_REC_RAISE = 7,	/* struct ft_rec_raise: an exception was seen in a call */
	FT_REC_LOST = 8,	/* struct ft_rec_lost */
	FT_REC_THREAD_EXIT = 9, /* struct ft_rec alone */
	FT_REC_PROC_EXIT = 10,	/* struct ft_rec_proc: the whole process is gone */
	FT_REC_PROC_FORK = 11,	/* struct ft_rec_proc: pid = parent, other = child */
	FT_REC_PROC_EXEC = 12,	/* struct ft_rec_proc: the process runs another program */
	FT_REC_HTTP_REQUEST = 13,  /* struct ft_rec_http_request: a request came */
	FT_REC_HTTP_RESPONSE = 14, /* struct ft_rec_http_response: it is over */
	FT_REC_HTTP_FORGET = 15,   /* struct ft_rec_http_request: no call names it any more */
	FT_REC_LINES = 16,    /* struct ft_rec_lines: code that a stack names, before it does */
	FT_REC_RUNTIME = 17,  /* struct ft_rec_runtime: something happened that is not a call */
	FT_REC_WORKLOAD = 18, /* struct ft_rec_workload: the container and pod of a process */
	FT_REC_STATE = 19,    /* struct ft_rec_state: the tracing of a node begins or ends */
	FT_REC_POLICY = 20,   /* struct ft_rec_policy: what is asked for of some processes */
	FT_REC_SAMPLED = 21,  /* struct ft_rec_sampled: calls were left out on purpose */
};

/* 24 bytes. pid is the thread group, tid the thread, both as the collector sees them. */
struct ft_rec {
	__u32 size; /* of the whole record, a multiple of 8 */
	__u16 type; /* enum ft_rec_type */
	__u16 flags;
	__u32 pid;
	__u32 tid;
	__u64 ts_ns;
};

/* FT_REC_SESSION, written by the collector; ts_ns is the time of the anchor. */
struct ft_rec_session {
	struct ft_rec hdr;
	__u32 abi_version;
	__u32 max_arg_length; /* limits in force when the values were captured */
	__u32 max_depth;
	__u32 max_items;
	__u64 realtime_ns; /* CLOCK_REALTIME at ts_ns */
	__u32 capture;	   /* FT_CAPTURE_ARGS | FT_CAPTURE_RESULT */
	__u32 pad;
};

/*
 * FT_REC_WORKLOAD, written by the collector before the first event of the process that it holds
 * for. Tokens, each STR or NONE: the id of the container; of its pod the uid, the namespace and the
 * name; the name of the container in its pod; the name of the node; what the pod is one of, kind
 * and name; the name of the service; FT_WORKLOAD_PENDING if more may be known later. Old recordings
 * end after the node. A later record replaces an earlier one.
 */
struct ft_rec_workload {
	struct ft_rec hdr;
};

#define FT_WORKLOAD_PENDING "pending"

/* FT_REC_STATE, written by the collector: what it does from hdr.ts_ns on. */
struct ft_rec_state {
	struct ft_rec hdr;
	__u32 state;  /* enum ft_state (ft_state.h) */
	__u32 reason; /* enum ft_state_reason */
};

/* FT_REC_SAMPLED, written by the collector: calls and requests that were left out since the last
 * one of this rule. */
struct ft_rec_sampled {
	struct ft_rec hdr;
	__u64 count;
	__u32 rule; /* enum ft_left_out (ft_left_out.h) */
	__u32 pad;
};

#define FT_CAPTURE_ARGS 1
#define FT_CAPTURE_RESULT 2

/*
 * FT_REC_POLICY, written by the collector before the first function that was accepted by it. Tokens
 * are two LISTs of STR: the prefixes that are traced (none: all but what is built in), and those
 * that are left out. A number's policy never changes; 0 is that of the session.
 */
struct ft_rec_policy {
	struct ft_rec hdr;
	__u32 number;
	__u32 max_arg_length;
	__u32 max_depth;
	__u32 max_items;
	__u32 capture; /* FT_CAPTURE_ARGS | FT_CAPTURE_RESULT */
	__u32 pad;
};

/*
 * FT_REC_CODE: tokens are filename STR, name STR, qualname STR or NONE (before 3.11), module STR or
 * NONE, then one TUPLE of parameter names in the order in which ENTER carries their values:
 * positional, keyword-only, *args, **kwargs. The TUPLE has the number of all parameters; only
 * FT_MAX_PARAMS are named. A later record for the same (pid, code) replaces the earlier one:
 * addresses are reused. hdr.flags: the number of the policy by which it was accepted.
 */
struct ft_rec_code {
	struct ft_rec hdr;
	/* The function's id in this process: the address of its code object, and in the highest 16
	 * bits a number if that runs as several modules. */
	__u64 code;
	__u32 first_line;
	__u32 co_flags;
	__u64 owner_type; /* class whose dict holds the code (before 3.11), 0 = none or unknown */
};

/*
 * FT_REC_TYPE: tokens are tp_name STR, __qualname__ STR or NONE (static types), and
 * __module__ STR or NONE; of each at most FT_MAX_CLASS_NAME bytes.
 */
struct ft_rec_pytype {
	struct ft_rec hdr;
	__u64 type;
	__u32 kind; /* enum ft_kind */
	__u32 pad;
};

/* FT_REC_THREAD: one STR token, threading's name; no token when there is no name. */
struct ft_rec_thread {
	struct ft_rec hdr;
};

/*
 * FT_REC_ENTER: the span is (hdr.tid, hdr.ts_ns); the parent is the nearest traced caller on the
 * thread's own Python stack, 0/0 at the root. Tokens: one value per parameter. With
 * FT_ENTER_REQUEST in hdr.flags a u64 comes before them: the HTTP request for which the call is
 * made.
 */
#define FT_ENTER_REQUEST 1

struct ft_rec_enter {
	struct ft_rec hdr;
	__u64 code;
	__u64 parent_ns;
	__u32 parent_tid;
	__u32 pad;
};

enum ft_exit_how {
	FT_EXIT_RETURN = 1,
	/* Left by an exception; the last FT_REC_RAISE of this span has it and its time. */
	FT_EXIT_EXCEPTION = 2,
	/* A suspended generator was freed without running any of its code: not an event. Only the
	 * in-process agent sends this. */
	FT_EXIT_DROPPED = 3,
};

/* FT_REC_EXIT: tokens are the result, one value, or none when left by exception. */
struct ft_rec_exit {
	struct ft_rec hdr;
	__u64 code;
	__u64 start_ns;
	__u32 start_tid;
	__u32 how; /* enum ft_exit_how */
};

/*
 * FT_REC_RAISE: an exception is pending in this call. The call may still handle it; only an EXIT
 * with FT_EXIT_EXCEPTION makes it an event. Tokens: one EXC.
 *
 * With FT_RAISE_STACK in hdr.flags a LIST follows it: the entries of the traceback, outermost
 * first, each a FRAME, or (from inside the process) a TUPLE of file STR, line INT and function STR.
 * The LIST has the number of all entries; if there are more than FT_MAX_STACK, the outermost are
 * left out.
 */
#define FT_RAISE_STACK 1
/* The stack begins in a caller of this call's frame, which was left before the exception was
 * seen. */
#define FT_RAISE_BELOW 2

struct ft_rec_raise {
	struct ft_rec hdr;
	__u64 code;
	__u64 start_ns;
	__u32 start_tid;
	__u32 line; /* reserved, 0 */
	__u64 exc;  /* address of the exception object: tells exceptions apart */
};

/* The form of a code object's table of lines. */
enum ft_lines_how {
	FT_LINES_LNOTAB = 1,	/* up to 3.9: pairs of bytes {bytes of instructions, lines} */
	FT_LINES_DELTAS = 2,	/* 3.10: as LNOTAB, but a line of -128: none (PEP 626) */
	FT_LINES_LOCATIONS = 3, /* from 3.11: entries {code and length, ...} (locations.md) */
};

/* FT_REC_LINES: tokens are filename STR, name STR, and the table of lines BYTES, of which the end
 * may be cut. */
struct ft_rec_lines {
	struct ft_rec hdr;
	__u64 code;
	__u32 first_line;
	__u32 how; /* enum ft_lines_how */
};

/* FT_REC_LOST: events of this thread that could not be recorded between two moments. */
struct ft_rec_lost {
	struct ft_rec hdr;
	__u64 first_ns;
	__u64 last_ns;
	__u32 count;
	__u32 reason; /* enum ft_counter */
};

/*
 * FT_REC_RUNTIME: a runtime event of the interpreter (ft_runtime.h). hdr.ts_ns is when it was over,
 * and the parent the innermost call of the thread that is traced, as of an ENTER.
 */
struct ft_rec_runtime {
	struct ft_rec hdr;
	__u32 kind; /* enum ft_runtime */
	__u32 parent_tid;
	__u64 parent_ns;
	__u64 start_ns; /* hdr.ts_ns where it takes no time */
	__u64 value[FT_RUNTIME_VALUES];
};

/* HTTP requests: greatest number of characters of each text; a longer one is cut and ends in "...".
 * A longer id is dropped. */
#define FT_HTTP_MOST_ID 200
#define FT_HTTP_MOST_METHOD 32
#define FT_HTTP_MOST_PATH 1024
#define FT_HTTP_MOST_ADDRESS 64
#define FT_HTTP_MOST_AGENT 512

/* Statuses of our own, where the application gave none. */
#define FT_HTTP_FAILED 500
#define FT_HTTP_CLIENT_CLOSED 499 /* the client disconnected */

/*
 * FT_REC_HTTP_REQUEST: tokens are the request's id, its method, its path without the query, the
 * address of the client and its user agent, each STR, or NONE if not known.
 *
 * From BPF (FT_HTTP_WSGI or FT_HTTP_ASGI in hdr.flags) they are a server's own values, each STR or
 * BYTES. The path is two tokens: the mount point of the application, and the rest. The id is the
 * one that the client sent. The reader makes the texts from them, and an id for a request that has
 * none.
 */
#define FT_HTTP_WSGI 1 /* of an environ: the characters of a str are bytes of UTF-8 (PEP 3333) */
#define FT_HTTP_ASGI 2 /* of a scope */

struct ft_rec_http_request {
	struct ft_rec hdr;
	__u64 request; /* its number, the request's id in this process */
};

/* FT_REC_HTTP_RESPONSE. With FT_HTTP_KEPT in hdr.flags later calls may name the request, until
 * FT_REC_HTTP_FORGET. */
struct ft_rec_http_response {
	struct ft_rec hdr;
	__u64 request;
	__u32 status;
	__u32 pad;
};

#define FT_HTTP_KEPT 1

struct ft_rec_proc {
	struct ft_rec hdr;
	__u32 other; /* child pid (FORK), exit code as from wait(2) (EXIT) */
	__u32 pad;
};

/* ---- tokens ------------------------------------------------------------------- */

enum ft_token_kind {
	FT_T_NONE = 1,
	FT_T_TRUE = 2,
	FT_T_FALSE = 3,
	FT_T_INT = 4,	  /* s64 */
	FT_T_BIGINT = 5,  /* u32 digits[], 30 bits each, lowest first; aux = 1: negative */
	FT_T_INTBITS = 6, /* u64: number of bits of an int too long to carry; aux = 1: negative */
	FT_T_FLOAT = 7,	  /* f64 */
	FT_T_STR = 8,	  /* width = 1, 2, 4 bytes a character; len bytes of text */
	FT_T_BYTES = 9,	  /* len bytes */
	FT_T_BYTEARRAY = 10, /* len bytes */
	FT_T_LIST = 11,	     /* u64 items the container has; elements follow, then END */
	FT_T_TUPLE = 12,
	FT_T_SET = 13,
	FT_T_FROZENSET = 14,
	FT_T_DICT = 15, /* u64 items; key, value, key, value..., then END */
	FT_T_END = 16,
	FT_T_CUT = 17,	      /* the elements that were left out; before END */
	FT_T_DEEP = 18,	      /* a container below the depth limit */
	FT_T_OBJECT = 19,     /* u64 type, u64 address */
	FT_T_EXC = 20,	      /* u64 type, u64 address; the args follow, then END */
	FT_T_UNREADABLE = 21, /* memory that could not be read, or changed under the reader */
	FT_T_REDACTED = 22,   /* the name is on the redaction list; the value never left */
	FT_T_STOP = 23,	      /* no room for more: every open container is cut here */
	/* u64 code; s32 offset of its last instruction as the frame has it (in bytes; in 3.10 in
	 * units of two); s32 line, -1 = not known */
	FT_T_FRAME = 24,
};

/* A STR, BYTES or BYTEARRAY that is cut: a u64 with its full length (characters or bytes)
 * comes before the text, and is counted in len. */
#define FT_TOK_CUT 0x100
#define FT_TOK_NEGATIVE 1

/* 8 bytes, then len bytes of payload, then zero bytes to the next multiple of 8. */
struct ft_token {
	__u8 kind;
	__u8 width;
	__u16 aux;
	__u32 len;
};

/* Kinds of Python types: the base as which instances are rendered. */
enum ft_kind {
	FT_KIND_UNKNOWN = 0,
	FT_KIND_NONE,
	FT_KIND_BOOL,
	FT_KIND_INT,
	FT_KIND_FLOAT,
	FT_KIND_STR,
	FT_KIND_BYTES,
	FT_KIND_BYTEARRAY,
	FT_KIND_LIST,
	FT_KIND_TUPLE,
	FT_KIND_SET,
	FT_KIND_FROZENSET,
	FT_KIND_DICT,
	FT_KIND_EXC,	 /* any other exception */
	FT_KIND_EXC_OS,	 /* OSError: str() is "[Errno N] text" */
	FT_KIND_EXC_KEY, /* KeyError: str() is the repr of its argument */
	FT_KIND_OBJECT,
	FT_KIND_TYPE, /* reserved */
	FT_KIND_COUNT,
};

#ifdef __cplusplus
#define FT_ASSERT(name, cond) static_assert(cond, #name)
#else
#define FT_ASSERT(name, cond) _Static_assert(cond, #name)
#endif
FT_ASSERT(rec, sizeof(struct ft_rec) == 24);
FT_ASSERT(session, sizeof(struct ft_rec_session) == 56);
FT_ASSERT(code, sizeof(struct ft_rec_code) == 48);
FT_ASSERT(pytype, sizeof(struct ft_rec_pytype) == 40);
FT_ASSERT(enter, sizeof(struct ft_rec_enter) == 48);
FT_ASSERT(exit, sizeof(struct ft_rec_exit) == 48);
FT_ASSERT(raise, sizeof(struct ft_rec_raise) == 56);
FT_ASSERT(lines, sizeof(struct ft_rec_lines) == 40);
FT_ASSERT(policy, sizeof(struct ft_rec_policy) == 48);
FT_ASSERT(lost, sizeof(struct ft_rec_lost) == 48);
FT_ASSERT(runtime, sizeof(struct ft_rec_runtime) == 80);
FT_ASSERT(state, sizeof(struct ft_rec_state) == 32);
FT_ASSERT(sampled, sizeof(struct ft_rec_sampled) == 40);
FT_ASSERT(http_request, sizeof(struct ft_rec_http_request) == 32);
FT_ASSERT(http_response, sizeof(struct ft_rec_http_response) == 40);
FT_ASSERT(proc, sizeof(struct ft_rec_proc) == 32);
FT_ASSERT(token, sizeof(struct ft_token) == 8);

#endif
