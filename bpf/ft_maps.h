/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The values of the BPF maps. Shared with user/collector/attach/, which fills the rules and reads
 * what a thread has lost; no other part of user space uses them.
 */
#ifndef FT_MAPS_H
#define FT_MAPS_H

#include "ft_abi.h"
#include "ft_layout.h"

#define FT_TOLD 8192	     /* code objects whose lines user space knows */
#define FT_QUICK 32768	     /* threads; a power of two */
#define FT_REJECTIONS 131072 /* the same */
#define FT_CHUNK 16	     /* shadow stack entries in one map value */
#define FT_MAX_CHUNKS 2048   /* chunks of one stack: 32,768 open calls */
#define FT_TOK_MASK (FT_MAX_TOKEN_BYTES - 1)
#define FT_COPY 1024	   /* bytes copied at once */
#define SMALL_SCRATCH 1280 /* offset of the scratch in thread->small */
#define FT_HEAD 64	   /* room for the largest record header */
#define FT_CELLS 32	   /* parameters that can be captured by closures up to 3.10 */

/* ---- verdicts on functions, decided once ---------------------------------------- */

struct code_key {
	__u64 code;
	__u32 tgid;
	__u32 pad;
};

enum code_verdict {
	CODE_REJECT = 1,
	CODE_ACCEPT = 2,
	CODE_WATCH = 3,	  /* not recorded, but an HTTP request passes through it */
	CODE_MARKED = 4,  /* not decided yet; its role is known */
	CODE_DROPPED = 5, /* rejected by user space when calls may have been open */
	CODE_VARIED = 6,  /* rejected; but as another module it is wanted */
};

/* The role of a function in an HTTP request. */
enum http_role {
	HTTP_WSGI = 1,	 /* an application: f(environ, start_response) */
	HTTP_ASGI = 2,	 /* an application: async f(scope, receive, send) */
	HTTP_STATUS = 3, /* a server's start_response(status, ...) */
	HTTP_SEND = 4,	 /* a server's send(message) */
};

/*
 * A code object is first decided as the module that it first runs as: the entry of its address. For
 * each other module that it runs as it has a variant, whose number is in the highest 16 bits of the
 * key. Entries are deleted when the code object is freed; birth tells entries of an earlier program
 * of the process.
 */
struct code_entry {
	__u64 birth;	   /* when it was made; of a variant: when the first entry was */
	__u64 globals;	   /* the dict of globals ... */
	__u64 keys;	   /* ... and its key table, for which `slot` is valid */
	__u64 slot;	   /* address of the value of __name__; with MODULE_ABSENT: there is none */
	__u64 module_id;   /* the name: its hash and length */
	__u32 nentries;	   /* with MODULE_ABSENT: as long as there are this many entries */
	__u32 described;   /* low half of the time when it was described to user space */
	__u32 verdict;	   /* enum code_verdict; user space may turn ACCEPT into DROPPED */
	__u32 flags;	   /* co_flags */
	__u64 cell_mask;   /* parameters that a closure captures */
	__u64 redact_mask; /* parameters whose name is on the redaction list */
	__u16 nparams;
	__u16 cells_slot;	 /* first cell in localsplus (up to 3.10) */
	__u16 return_slot;	 /* first operand stack slot, which has the value at RETURN_VALUE */
	__u8 role;		 /* enum http_role; 0 = none */
	__u8 role_arg;		 /* the first parameter of that role */
	__u64 full_ns;		 /* --rate: when its bucket is full again */
	__u8 arg_cell[FT_CELLS]; /* up to 3.10: cell number of a captured parameter */
	__u16 variant;
	__u8 varied;   /* a variant is wanted */
	__u8 left_out; /* enum ft_left_out: why it was rejected, if its calls are to be counted */
	__u8 pad[2];
	__u16 policy; /* by which it was decided; under another one it is decided anew */
};

#define CODE_VARIANT 48 /* lowest bit of the variant's number in a key, and in a record */
#define MODULE_ABSENT 1 /* a bit of the slot */

/* A function that is rejected: pass.bpf.h. */
struct rejected {
	__u64 code; /* 0: free */
	__u64 globals;
	__u64 program;	 /* program_of() */
	__u64 guard;	 /* the version of the dict of globals; with a slot: its key table */
	__u64 slot;	 /* address of the value of __name__; 0: the version tells enough */
	__u64 module_id; /* that name */
};

/* What tells a thread that a hook does not concern us: quick.bpf.h. */
struct quick {
	__u32 tid; /* 0: free */
	__u32 ready;
	__u32 epoch;	/* ft_epoch when it was made */
	__u16 frame_at; /* offset of the words of a frame that are read */
	__u16 stamp_at, keys_at, str_at;
	__u8 code_word, globals_word;
	__u32 raised; /* ft_proc.raised_tid may be this thread: entries are looked at */
	__u32 frames; /* top may be a frame: a call does not end unseen */
	__u64 program;
	__u64 tag_mask;
	__u64 begun_frame, begun_code; /* as in struct thread; they are here where there is this */
	__u64 top; /* frame of the innermost open call; QUICK_IDLE: none is open; 0: not known */
	struct ft_site in[2], out[2]; /* hits: how often they may still be used */
};

struct type_key {
	__u64 type;
	__u32 tgid;
	__u32 pad;
};

struct type_entry {
	__u64 birth;
	__u64 guard;   /* hash of the addresses of its names */
	__u64 keys_at; /* address of the pointer to its dict's key table; 0: it does not change */
	__u64 slot;    /* of its __module__ */
	__u32 kind;
	__u32 pad;
};

/* ---- the shadow stack ------------------------------------------------------------ */

struct call {
	__u64 frame;
	__u64 code;
	__u64 start_ns; /* the span; of a lost call: of its nearest recorded caller */
	__u32 start_tid;
	__u16 flags;   /* CALL_* */
	__u16 variant; /* number of the variant of its code */
	__u64 exc;     /* the exception last seen in it, 0 = none */
	__u64 object;  /* ... and its PyFrameObject, which a traceback refers to */
	__u64 tstate;  /* a sub-interpreter has another one on the same thread */
	__u64 request; /* the HTTP request for which it is made, 0 = none */
	__u32 level;   /* calls of the trace that are above it */
	__u32 pad;
};

#define CALL_LOST 1	    /* its ENTER could not be recorded, so no EXIT is sent */
#define CALL_GENERATOR 2    /* may be suspended */
#define CALL_STORED 4	    /* it is in ft_suspended */
#define CALL_HIDDEN 8	    /* not asked for: no ENTER, no EXIT; start_* as for CALL_LOST */
#define CALL_REQUEST 16	    /* when it ends, its request is over */
#define CALL_WSGI 32	    /* the WSGI application that its request reached first */
#define CALL_ASGI 64	    /* the ASGI application that its request reached first */
#define CALL_CANCELLED 128  /* an ASGI application whose last exception is not an Exception */
#define CALL_UNTRACED 256   /* an application that began no request in the trace */
#define CALL_SERVER 512	    /* it called an application for a request that continues elsewhere */
#define CALL_STATUS 1024    /* a later start_response(): it counts unless an exception leaves it */
#define CALL_PART 2048	    /* a send() of a body's first part: it gives the client the status */
#define CALL_SAMPLED 4096   /* --sample chose it, with what it calls */
#define CALL_UNSAMPLED 8192 /* ... did not */
#define CALL_CHOICE (CALL_SAMPLED | CALL_UNSAMPLED)
#define CALL_NO_ROOT 16384 /* it turned out not to be asked for: what it calls may be a root */

/* A part of a stack of calls. A thread has one stack, or one per greenlet. */
struct chunk_key {
	__u64 bottom; /* the greenlet's outermost frame; 0: see thread->first */
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

/* What an address of the target, or one of our numbers, refers to. */
enum http_kind {
	HTTP_NUMBER = 1,      /* a request's number -> struct http_request */
	HTTP_CONTEXT = 2,     /* a contextvars.Context -> the number of the request of that copy */
	HTTP_SENDER = 3,      /* the object of an ASGI server's bound method send() -> the number */
	HTTP_OWN_CONTEXT = 4, /* a request's number -> the context in which its application runs */
	HTTP_METHOD = 5,      /* the str object in a scope that is the method -> the number */
};

struct http_key {
	__u64 of;
	__u32 tgid;
	__u32 kind; /* enum http_kind */
};

/* A request that is not over. */
struct http_request {
	__u64 sender;	     /* its HTTP_SENDER; 0 = none */
	__u32 status;	     /* 0 = not seen */
	__u32 status_hidden; /* the function that receives the status is not a Python function */
	__u32 before;	     /* the status before a CALL_STATUS */
	__u32 unsure;	     /* the client may have got another status, or none */
	__u64 dict;	     /* its environ; 0 = it is ASGI's */
};

/* In the place of a request's number, which is odd: a request that is not in the trace. */
#define HTTP_UNTRACED 2
/* A bit of a request's number: --sample did not choose it. */
#define HTTP_UNSAMPLED 2
/* In the same place: an object that several requests use at once, which identifies none of them. */
#define HTTP_SHARED 4

#define HTTP_TEXTS 6	    /* values that are recorded of a request */
#define HTTP_VALUES FT_KEYS /* keys that are looked for in a dict */

/* A call that has a role in a request, read step by step. */
struct http_reading {
	__u64 number;	     /* its request, 0 = none */
	__u64 dict;	     /* environ, scope or message */
	__u64 callable;	     /* start_response or send */
	__u64 code_type;     /* the type of code objects */
	__u64 server;	     /* the frame that called a WSGI application, 0 = none */
	__u64 sender;	     /* the object of the bound method send */
	__u32 role;	     /* enum http_role */
	__u32 status_hidden; /* of struct http_request */
	__u64 key;	     /* a key of the dict that is one of our words, and which one */
	__u32 word;
	/* The dict's table, read into thread->tok: its slots, the offset of its entries there, and
	 * the bytes before the key in each. */
	__u32 slots, entries_at, key_off;
	/* What the thread's last WSGI application returned to a server in C, the type of that, and
	 * the request; 0 = none. */
	__u64 body, body_type, body_number;
	/* The environ of the last request whose server's function an exception left, and that
	 * exception; 0 = none, or not known. raised: the exception that last left a call. */
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

#define HEAD_WORDS 9 /* of an object, which have all of a text of 31 bytes */

struct level {
	__u64 base;   /* first item, entry or slot */
	__u64 values; /* LEVEL_DICT, split table: the array of values; else 0 */
	__u64 order;  /* ... and the numbers of its entries in order; 0 = as stored */
	__u32 idx;
	__u32 n;    /* items, entries or slots to look at */
	__u32 left; /* LEVEL_DICT, LEVEL_SET: live items not yet reached */
	__u8 kind;
	__u8 stride, key_off; /* LEVEL_DICT: shape of an entry, whose value follows its key */
	__u8 phase;	      /* LEVEL_DICT: 1 = the value of entry idx comes next */
	__u8 redact;	      /* the next value is redacted */
	__u8 cut;	      /* it has more items than are walked */
	__u8 hidden;	      /* it gets no END: not a container of the value */
	__u8 pair;	      /* LEVEL_SEQ of two: the first may name the second */
	__u8 downwards;	      /* the order is read downwards */
	__u8 pad[7];
	__u64 value; /* LEVEL_DICT, phase 1: the value of entry idx */
};

struct walk {
	__u32 used;   /* bytes of tokens written */
	__s32 budget; /* characters that may still be rendered, a lower bound */
	__u32 depth;  /* open levels */
	__u32 redact; /* ft_policy.redact_lengths; 0 = no names are looked for */
	__u32 max_length, max_depth, max_items; /* as the policy says */
	__u64 cell_mask, redact_mask;
	__u64 cells;  /* address of the first cell (up to 3.10) */
	__u64 type;   /* the type last classified, or to be classified, in this walk */
	__u64 obj;    /* the object that waits for its classification; 0 = none */
	__u64 module; /* address of that class's __module__; 0 = it has none */
	__u32 kind;   /* enum ft_kind of type */
	__u8 arg_cell[FT_CELLS];
	__u64 head_at;		/* address of `head` in the target; 0 = it has not been read */
	__u64 head[HEAD_WORDS]; /* the object that is being written, from its type on */
	struct level level[16]; /* FT_MAX_DEPTH and hidden ones; a power of two */
};

/* The traceback of an exception, while it is written. */
struct traceback {
	__u64 first; /* the outermost entry that is written; 0 = none */
	__u64 at;    /* the entry that the walk has reached */
	__u64 frame; /* the frame that the exception enters, without an entry yet; 0 = it has one */
	__u64 code;  /* ... and its code */
	__u32 count, whole;
	__u32 own;  /* that frame's code was not examined yet */
	__u32 open; /* it belongs to the RAISE record that is being built */
};

/* A runtime event that has begun on a thread. */
struct runtime_begun {
	__u64 start_ns; /* 0: none has */
	__u64 value;	/* what was known of it then */
};

/* In thread->below. */
#define BELOW_OUT 1	       /* unless a context makes them calls of a request */
#define BELOW_OUT_OF_REQUEST 2 /* they belong to the request of that call */
#define BELOW_TOO_DEEP 3

/* Everything about one thread; key: tid. */
struct thread {
	__u32 pid;
	__u32 depth; /* calls on the shadow stack */
	__u64 lost_first_ns, lost_last_ns;
	__u32 lost_count, lost_reason;
	__u32 named;	     /* its name was sent, or it has none */
	__u32 wsgi_all_seen; /* no WSGI application that began before the trace is open */
	__u64 tstate;	     /* Python's thread state of the present event */
	/* The frame of the innermost call if that is hidden, while there are hidden_at calls; else
	 * 0. */
	__u64 hidden_frame;
	__u32 hidden_at;
	/* Does the innermost call leave out what it calls? While there are below_at calls, and
	 * ft_rejected is that number. */
	__u32 below, below_at, below_rejected;
	__u32 thrown; /* see thrown.bpf.h */
	__u32 pad1;
	__u64 begun_frame, begun_code; /* of the call that began last; 0: one has ended since */
	__u64 thrown_into, thrown_at;  /* a generator's frame, 0 = none, and its instruction then */
	/* The stacks of greenlets, by the outermost frame of each (greenlet.bpf.c). */
	__u64 bottom;	   /* the present stack, which depth counts; 0: the first one */
	__u64 first;	   /* the first stack, on which all calls are until there is a second */
	__u64 next_bottom; /* the stack to switch to */
	__u64 parked;	   /* the stack that was left last, | 1; 0 = no stack is parked */
	struct runtime_begun runtime[FT_RUNTIME_COUNT];
	/* Too large for the BPF stack. */
	struct code_entry entry; /* of a code object that is being described */
	struct ft_rec_lost lost;
	struct ft_rec_exit exit;
	struct ft_rec_http_response response;
	struct http_reading http;
	struct traceback traceback;
	__u64 roots[8];
	struct walk walk;
	__u8 small[1536]; /* a TYPE record, while tok has another record; then scratch */
	__u8 pad[FT_HEAD];
	__u8 head[FT_HEAD]; /* the record's header ends where tok begins */
	__u8 tok[FT_MAX_TOKEN_BYTES + 2 * FT_COPY];
};

/* ---- policies that are maps ------------------------------------------------------------- */

/* A module prefix; the longest match wins. User space leaves out every --prefix below an --exclude,
 * so that exclusion wins. */
struct rule_key {
	__u32 bits;  /* of rules and text together */
	__u32 rules; /* ft_policy.number */
	char text[FT_MAX_PREFIX];
};

/* A name of the redaction list: lower case, '-' as '_', zero padded. */
struct redact_key {
	char text[FT_MAX_REDACT_LEN];
};

#endif
