/* SPDX-License-Identifier: MIT */
/*
 * Records to events. Remembers what is described once (functions, types, thread names,
 * containers) and renders
 * token sequences to JSON text; the rules of rendering are in this folder only. Records are foreign
 * input: sizes, kinds and nesting are checked before use; a record that does not hold what it
 * claims gives -EBADMSG and no event.
 */
#ifndef FT_DECODE_H
#define FT_DECODE_H

#include "base/why.h"
#include "ft_abi.h"
#include "model/event.h"
#include "model/policy.h"
#include "model/workload.h"

struct decoder;

struct decoder_options {
	unsigned max_arg_length; /* characters of a rendered field, > 0 */
	bool args, result;	 /* false: the field is "{}" / "null", cut at threshold 0 */
	unsigned full_length;	 /* characters of a cut field's whole text; 0: not wanted */
};

int decoder_new(const struct decoder_options *o, struct decoder **ret_decoder);
void decoder_free(struct decoder *d);

/*
 * Decodes one record. ret_event is borrowed until the next call.
 */
int decoder_event(struct decoder *d, const struct ft_rec *rec, size_t size, struct event *ret_event,
		  struct why *w);

/* Thread name for (pid, tid): what FT_REC_THREAD said, MainThread when tid == pid, else
 * Thread-<tid>. Borrowed until the thread is renamed or exits. */
const char *decoder_thread_name(struct decoder *d, uint32_t pid, uint32_t tid);

/* The container and pod of a process: what FT_REC_WORKLOAD said; NULL = nothing. Borrowed until the
 * next record. */
const struct workload *decoder_workload(const struct decoder *d, uint32_t pid);

/* From now on the policies that records tell of are lowered to this: in a replay, what was captured
 * and is not asked for is left out. */
void decoder_lower(struct decoder *d, const struct capture *most);

/* Limits follow the recording's own session record unless the user overrides them. */
void decoder_set_options(struct decoder *d, const struct decoder_options *o);

#endif
