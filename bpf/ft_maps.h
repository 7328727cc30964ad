/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What the values of the BPF maps hold. Shared with user/collector/attach/, which fills
 * the rules and reads what a thread has lost; nothing else in user space looks at them.
 */
#ifndef FT_MAPS_H
#define FT_MAPS_H

#include "ft_abi.h"

#define FT_CHUNK 16	   /* shadow stack entries in one map value */
#define FT_MAX_CHUNKS 2048 /* chunks of one stack: 32,768 open calls */
#define FT_TOK_MASK (FT_MAX_TOKEN_BYTES - 1)
#define FT_COPY 1024	   /* bytes copied at once */
#define SMALL_SCRATCH 1280 /* where the scratch begins in thread->small */
#define FT_HEAD 64	   /* room for the largest record header */
#define FT_CELLS 32	   /* parameters that can be captured by closures up to 3.10 */

/* ---- what a function is to us, decided once ------------------------------------- */

struct code_key {
	__u64 code;
	__u32 tgid;
	__u32 pad;
};

enum code_verdict {
	CODE_REJECT = 1,
	CODE_ACCEPT = 2,
	CODE_WATCH = 3,	  /* not recorded, but an HTTP request passes through it */
	CODE_MARKED = 4,  /* not decided on yet; its role is known */
	CODE_DROPPED = 5, /* rejected by user space, while calls of it may have been open */
	CODE_VARIED = 6,  /* rejected; but it runs as another module too, as which it is wanted */
};

/* What a function is to an HTTP request. */
enum http_role {
	HTTP_WSGI = 1,	 /* an application: f(environ, start_response) */
	HTTP_ASGI = 2,	 /* an application: async f(scope, receive, send) */
	HTTP_STATUS = 3, /* a server's start_response(status, ...) */
	HTTP_SEND = 4,	 /* a server's send(message) */
};

/*
 * A code object is decided on as the module that it first runs as: the entry of its address. For
 * each other module that it runs as it has a variant, whose number is in the highest 16 bits of the
 * key. Entries go when the code object does; birth tells those of another life of the process.
 */
struct code_entry {
	__u64 birth;	   /* when it was made; of a variant: when the first one was */
	__u64 globals;	   /* whose __name__ ... */
	__u64 keys;	   /* ... has, as long as its key table is this one, ... */
	__u64 slot;	   /* ... its value here; with MODULE_ABSENT: has none, ... */
	__u64 module_id;   /* and what the name is: its hash and length */
	__u32 nentries;	   /* ... as long as there are so many entries */
	__u32 described;   /* the low half of when user space was told of it */
	__u32 verdict;	   /* enum code_verdict; user space may turn ACCEPT into DROPPED */
	__u32 flags;	   /* co_flags */
	__u64 cell_mask;   /* parameters that are captured by a closure */
	__u64 redact_mask; /* parameters whose name is on the redaction list */
	__u16 nparams;
	__u16 cells_slot;	 /* first cell in localsplus (up to 3.10) */
	__u16 return_slot;	 /* first operand stack slot: where RETURN_VALUE finds its value */
	__u8 role;		 /* enum http_role; 0 = none */
	__u8 role_arg;		 /* the parameter with which that begins */
	__u8 arg_cell[FT_CELLS]; /* up to 3.10: cell number of a captured parameter */
	__u16 variant;
	__u8 varied; /* a variant is wanted */
	__u8 pad[5];
};

#define CODE_VARIANT 48 /* the bit of its number in a key, and in a record */
#define MODULE_ABSENT 1 /* a bit of the slot */

struct type_key {
	__u64 type;
	__u32 tgid;
	__u32 pad;
};

struct type_entry {
	__u64 birth;
	__u64 guard;   /* hash of where its names are */
	__u64 keys_at; /* where the address of its dict's key table is; 0: it does not change */
	__u64 slot;    /* of its __module__ */
	__u32 kind;
	__u32 pad;
};

/* ---- the shadow stack ------------------------------------------------------------ */

struct call {
	__u64 frame;
	__u64 code;
	__u64 start_ns; /* the span, or for a call that was lost its nearest recorded parent's */
	__u32 start_tid;
	__u16 flags;   /* CALL_* */
	__u16 variant; /* of its code's entries */
	__u64 exc;     /* the exception last seen in it, 0 = none */
	__u64 object;  /* then: its PyFrameObject, which a traceback names */
	__u64 tstate;  /* a sub-interpreter has another on the same thread */
	__u64 request; /* the HTTP request that it is made for, 0 = none */
};

#define CALL_LOST 1	   /* its ENTER could not be recorded: no EXIT either */
#define CALL_GENERATOR 2   /* may be suspended */
#define CALL_STORED 4	   /* stands in ft_suspended */
#define CALL_HIDDEN 8	   /* nobody asked for it: no ENTER, no EXIT; start_* as of CALL_LOST */
#define CALL_REQUEST 16	   /* its request is over when it is */
#define CALL_WSGI 32	   /* the application that its request was handed to first */
#define CALL_ASGI 64	   /* likewise */
#define CALL_CANCELLED 128 /* such a one, and what was last raised in it is no Exception */
#define CALL_UNTRACED 256  /* an application that began no request in the trace */
#define CALL_SERVER 512	   /* it called one for a request that goes on elsewhere */
#define CALL_STATUS 1024   /* a start_response() after the first: holds if no exception leaves it */
#define CALL_PART 2048 /* a send() of the first part of a body: then the client has the status */

/* A part of a stack of calls. A thread has one stack, or one for each greenlet. */
struct chunk_key {
	__u64 bottom; /* the frame at the greenlet's bottom; 0: see thread->first */
	__u32 tid;
	__u32 chunk;
};

struct call_chunk {
	struct call call[FT_CHUNK];
};

struct frame_key {
	__u64 frame;
	__u32 tgid;
	__u32 pad;
};

/* ---- HTTP requests ------------------------------------------------------------------ */

/* What an address of the target, or a number of ours, stands for. */
enum http_kind {
	HTTP_NUMBER = 1,  /* a request's number -> struct http_request */
	HTTP_CONTEXT = 2, /* a contextvars.Context -> the number of the request it was copied in */
	HTTP_SENDER = 3,  /* the object whose method an ASGI server's send() is -> the number */
	HTTP_OWN_CONTEXT = 4, /* a request's number -> the context that its application runs in */
	HTTP_METHOD = 5,      /* the str in a scope that names the method -> the number */
};

struct http_key {
	__u64 of;
	__u32 tgid;
	__u32 kind; /* enum http_kind */
};

/* One that is not over. */
struct http_request {
	__u64 sender;	     /* its HTTP_SENDER; 0 = none */
	__u32 status;	     /* 0 = not seen */
	__u32 status_hidden; /* the server's function that is told the status is none of Python's */
	__u32 before;	     /* the status before a CALL_STATUS */
	__u32 unsure;	     /* the client may have got another status, or none */
	__u64 dict;	     /* its environ; 0 = of ASGI */
};

/* In place of a request's number, which is odd: of one that is not in the trace. */
#define HTTP_UNTRACED 2
/* Likewise: an object that several requests have at once tells nothing about any of them. */
#define HTTP_SHARED 4

#define HTTP_TEXTS 6	    /* values that are recorded of a request */
#define HTTP_VALUES FT_KEYS /* keys that are looked for in a dict */

/* A call that means something to a request, step by step. */
struct http_reading {
	__u64 number;	     /* the request that it is for, 0 = none */
	__u64 dict;	     /* environ, scope or message */
	__u64 callable;	     /* start_response or send */
	__u64 code_type;     /* the type of code objects */
	__u64 server;	     /* the frame that called a WSGI application, 0 = none */
	__u64 sender;	     /* the object of the method send */
	__u32 role;	     /* enum http_role */
	__u32 status_hidden; /* of struct http_request */
	__u64 key;	     /* a key of the dict that is one of ours: enum word */
	__u32 word;
	/* The dict's table, read to thread->tok: its slots, where its entries begin there, and what
	 * precedes the key in each. */
	__u32 slots, entries_at, key_off;
	/* What the thread's last WSGI application returned to a server in C, its type, and the
	 * request; 0 = none. */
	__u64 body, body_type, body_number;
	/* The environ of the last request whose server's function was left by an exception, and
	 * that exception; 0 = none, or not known. raised: by which a call was last left. */
	__u64 failed, exception, raised;
	__u64 text[8]; /* HTTP_TEXTS of them */
	__u64 value[HTTP_VALUES];
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
	__u64 base;   /* first item, entry or slot */
	__u64 values; /* LEVEL_DICT, split table: the array of values; else 0 */
	__u64 order;  /* ... and the numbers of its entries in order; 0 = as they stand */
	__u32 idx;
	__u32 n;    /* items, entries or slots to look at */
	__u32 left; /* LEVEL_DICT, LEVEL_SET: live items not yet met */
	__u8 kind;
	__u8 stride, key_off, val_off; /* LEVEL_DICT: shape of an entry */
	__u8 phase;		       /* LEVEL_DICT: 1 = the value of entry idx comes next */
	__u8 redact;		       /* the next value is redacted */
	__u8 cut;		       /* there is more than is looked at */
	__u8 hidden;		       /* no END: not a container of the value */
	__u8 pair;		       /* LEVEL_SEQ of two: the first may name the second */
	__u8 downwards;		       /* the order is read downwards */
	__u8 pad[6];
};

struct walk {
	__u32 used;   /* bytes of tokens written */
	__s32 budget; /* characters that may still be rendered, at least */
	__u32 depth;  /* open levels */
	__u32 redact; /* look for names of the redaction list */
	__u64 cell_mask, redact_mask;
	__u64 cells;  /* address of the first cell (up to 3.10) */
	__u64 type;   /* the last that was classified, or is to be, in this walk */
	__u64 obj;    /* its instance, which waits for that; 0 = none does */
	__u64 module; /* where __module__ of that class is; 0 = it has none */
	__u32 kind;   /* enum ft_kind of type */
	__u32 pad;
	__u8 arg_cell[FT_CELLS];
	struct level level[16]; /* FT_MAX_DEPTH and the hidden ones; a power of two */
};

/* The way of an exception that is being told of. */
struct traceback {
	__u64 first; /* the outermost entry that is told; 0 = none */
	__u64 at;    /* the walk's */
	__u64 frame; /* the frame that it comes into, which has no entry yet; 0 = it has */
	__u64 code;  /* ... and its code */
	__u32 count, whole;
	__u32 own;  /* that frame's code was not looked at yet */
	__u32 open; /* it goes into the RAISE record that is being built */
};

/* Everything about one thread; key: tid. */
struct thread {
	__u32 pid;
	__u32 depth; /* calls on the shadow stack */
	__u64 lost_first_ns, lost_last_ns;
	__u32 lost_count, lost_reason;
	__u32 named;	     /* its name was sent, or it has none */
	__u32 wsgi_all_seen; /* no WSGI application that began before the trace is on its stack */
	__u64 tstate;	     /* Python's, of the event at hand */
	/* The frame of the innermost call while there are hidden_at of them, if nobody asked for
	 * it; else 0. */
	__u64 hidden_frame;
	__u32 hidden_at;
	__u32 thrown;		      /* see thrown.bpf.h */
	__u64 thrown_into, thrown_at; /* a generator's frame, 0 = none, and its instruction */
	/* Where greenlets are, by the frame at the bottom of each (greenlet.bpf.c). */
	__u64 bottom;	   /* of the stack that depth is of; 0: the first one */
	__u64 first;	   /* of the first one, which all calls are on until there is a second */
	__u64 next_bottom; /* to be switched to */
	__u64 parked;	   /* of the stack that was left last, | 1; 0 = none waits */
	/* What would be too much for the BPF stack. */
	struct code_entry entry; /* of a code object that is being described */
	struct ft_rec_lost lost;
	struct ft_rec_exit exit;
	struct ft_rec_http_response response;
	struct http_reading http;
	struct traceback traceback;
	__u64 roots[8];
	struct walk walk;
	__u8 small[1536]; /* a TYPE record, while tok holds another; behind it, scratch */
	__u8 pad[FT_HEAD];
	__u8 head[FT_HEAD]; /* the record's header ends where tok begins */
	__u8 tok[FT_MAX_TOKEN_BYTES + 2 * FT_COPY];
};

/* ---- settings that are maps ------------------------------------------------------------- */

/* A module prefix; the longest match wins. User space leaves out every --prefix that lies
 * under an --exclude, so that exclusion wins. */
struct rule_key {
	__u32 bits;
	char text[FT_MAX_PREFIX];
};

/* A name of the redaction list: lower case, '-' as '_', zero padded. */
struct redact_key {
	char text[FT_MAX_REDACT_LEN];
};

#endif
