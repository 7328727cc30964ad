/* SPDX-License-Identifier: MIT */
/*
 * Cuts an answer of the API server into documents while it arrives, so that no more than one of
 * them is in memory. A watch is one document a line; a list is one document whose "items" are cut
 * out:
 *
 *     {"type":"ADDED","object":{...}}\n...           watch: each line
 *     {"metadata":{...},"items":[{...},{...}]}       list: each item, at the end {...,"items":[]}
 */
#ifndef FT_CUT_H
#define FT_CUT_H

#include "base/buf.h"

#define CUT_MAX (1 << 20) /* bytes of a document; a longer one is left out */

struct cut {
	bool list;
	/* Text that is valid while it is called. An error ends the cutting, and is returned. */
	int (*item)(void *arg, const char *s, size_t len);
	void *arg;
	unsigned left_out; /* documents that were too long */
	/* private: */
	struct buf document; /* what there is of the one that arrives */
	struct buf rest;     /* of a list, without its items */
	bool too_long;
	int depth; /* of brackets, in a list */
	bool in_string, escaped, in_items;
	size_t string; /* where the last string at depth 1 begins in rest, without quote */
	bool is_items; /* that string is "items" */
};

void cut_init(struct cut *c, bool list, int (*item)(void *arg, const char *s, size_t len),
	      void *arg);
void cut_release(struct cut *c);
/* 0; of a list -EMSGSIZE: what is around its items is too long, or -EBADMSG: it is too deep;
 * -ENOMEM; or the error of item(). */
int cut_feed(struct cut *c, const char *s, size_t len);
/* Of a list, once all has arrived: what is around the items; NULL: it is not whole. Valid until
 * cut_release(). */
const char *cut_rest(struct cut *c, size_t *ret_len);

#endif
