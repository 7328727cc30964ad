/* SPDX-License-Identifier: MIT */
/*
 * Token sequences to JSON text within a limit of characters (docs/events.md). A field is first
 * rendered without the limit. Only if it is too long is it rendered again, leaving room after each
 * piece for the closers of all open containers:
 *
 *     {"a": [1, 2, "..."], "...": "..."}
 *              ^ limit      ^ each open container's closer, counted in advance
 *
 * A field that was cut is rendered once more when its full text is wanted too.
 */
#ifndef FT_RENDER_H
#define FT_RENDER_H

#include "base/buf.h"
#include "decode/pytext.h"
#include "decode/token.h"
#include "model/event.h"

struct render {
	struct buf out;	    /* the field; what ret_text borrows */
	struct buf full;    /* its full text; borrowed in the same way */
	struct buf scratch; /* a key or an object before it becomes a JSON string */
	const struct types *types;
	unsigned max;	   /* characters of a field */
	unsigned full_max; /* ... and of its full text, when it is cut; 0: not wanted */

	/* Of the field that is being rendered. */
	uint32_t pid;
	bool cut;			 /* something was left out */
	bool limited;			 /* second round: keep to max */
	bool root_open;			 /* the outermost container is args, which has no END */
	const struct function *function; /* of args */
	int param;			 /* next parameter */
	size_t chars;			 /* limited: characters in out up to `counted` */
	size_t counted;
	unsigned depth;
	uint8_t cut_close[NEST_MAX + 2]; /* limited: characters that close each open container
					  * when it is cut here */
	unsigned cut_close_sum;
};

void render_release(struct render *r);
/* One value up to the end of the sequence. */
int render_value(struct render *r, struct tokens *t, uint32_t pid, struct text *ret_text);
/* One value per parameter of fn: the args object. */
int render_args(struct render *r, struct tokens *t, const struct function *fn,
		struct text *ret_text);

#endif
