/* SPDX-License-Identifier: MIT */
/*
 * Functions by (pid, code address), as FT_REC_CODE described them. A described function stays alive
 * until the end of its process has been handed on, since spans and lines point to it; its address
 * may come to mean another one.
 */
#ifndef FT_FUNCTIONS_H
#define FT_FUNCTIONS_H

#include "base/map.h"
#include "decode/types.h"
#include "ft_abi.h"
#include "model/event.h"

struct functions {
	struct map by_code;    /* (pid, code) -> struct function, borrowed from all */
	struct map by_text;    /* (pid, hash of its description) -> one such function, borrowed from
				  all */
	struct function **all; /* owned, and so is what they point to; those gone come last */
	size_t count, gone, cap;
};

void functions_release(struct functions *f);
/*
 * rec: at least as long as its struct. The same description, by the same policy, gives the same
 * function again, at any address: neither repeated records nor a program that compiles the same
 * source over and over costs memory.
 */
int functions_learn(struct functions *f, const struct types *types, const struct policy *policy,
		    const struct ft_rec_code *rec, const void *end, struct function **ret_function);
struct function *functions_find(const struct functions *f, uint32_t pid, uint64_t code);
/* They are found no longer; pointers to them stay valid until functions_settle(). */
void functions_forget_process(struct functions *f, uint32_t pid);
void functions_settle(struct functions *f);

#endif
