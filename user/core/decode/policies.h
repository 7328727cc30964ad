/* SPDX-License-Identifier: MIT */
/*
 * The policies that FT_REC_POLICY told of, by number. Each stays until the end, since functions
 * refer to it.
 */
#ifndef FT_POLICIES_H
#define FT_POLICIES_H

#include "base/map.h"
#include "ft_abi.h"
#include "model/policy.h"

struct policies {
	struct map by_number; /* -> struct policy, owned */
};

void policies_release(struct policies *p);
/* rec: at least as long as its struct. most: what a policy is lowered to. */
int policies_learn(struct policies *p, const struct ft_rec_policy *rec, const void *end,
		   const struct capture *most);
/* NULL: it was not told of. */
const struct policy *policies_find(const struct policies *p, uint32_t number);

#endif
