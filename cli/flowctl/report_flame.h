/* SPDX-License-Identifier: MIT */
/*
 * The functions and the flame graph of the page, as JSON: the paths with the greatest time, with
 * all that lead to them; what hangs below is added up where it hung.
 */
#ifndef FT_REPORT_FLAME_H
#define FT_REPORT_FLAME_H

#include "json_out.h"
#include "analyze/paths.h"

/* Functions by number, each once, whichever table it comes from. */
struct report_names {
	struct map index; /* hash, 0 -> number + 1 */
	size_t count;
	struct buf json; /* elements of an array */
};

void report_names_release(struct report_names *n);
/* -1 for NULL. */
void report_put_function(struct json_out *j, struct report_names *n,
			 const struct trace_function *f);
/* Text, at most this many bytes of it. */
void report_put_text(struct json_out *j, const char *key, const char *s, size_t len, size_t most);
/* 0 or -ENOMEM. */
int report_put_flame(struct json_out *j, struct report_names *n, const struct paths *p,
		     size_t most);

#endif
