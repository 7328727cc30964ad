/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "decode/name.h"
#include "decode/policies.h"

#define PREFIXES_MAX 65536 /* a list longer than that is not one of ours */

static void drop(struct policy *p)
{
	if (p)
		policy_release(p);
	free(p);
}

static bool drop_one(void *arg, const struct map_slot *slot)
{
	drop(slot->value);
	return true;
}

void policies_release(struct policies *p)
{
	map_sweep(&p->by_number, drop_one, NULL);
	map_release(&p->by_number);
}

static int add_name(struct tokens *t, char ***list, size_t *n)
{
	char **more = *n & (*n - 1) ? *list : realloc(*list, (*n ? *n * 2 : 1) * sizeof(**list));
	int err;

	if (!more)
		return -ENOMEM;
	*list = more;
	err = name_read_utf8(t, &more[*n]);
	if (err || !more[*n])
		return err ?: -EBADMSG;
	(*n)++;
	return *n > PREFIXES_MAX ? -EBADMSG : 0;
}

/* A LIST of STR. */
static int read_list(struct tokens *t, char ***list, size_t *n)
{
	struct token token;
	int err = token_next(t, &token);

	if (err || token.kind != FT_T_LIST)
		return err ?: -EBADMSG;
	while (!err && tokens_peek(t) != FT_T_END)
		err = add_name(t, list, n);
	return err ?: token_next(t, &token);
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

int policies_learn(struct policies *p, const struct ft_rec_policy *rec, const void *end,
		   const struct capture *most)
{
	struct policy *new = calloc(1, sizeof(*new));
	struct tokens t;
	int err;

	if (!new)
		return -ENOMEM;
	tokens_init(&t, rec + 1, end);
	*new = (struct policy){
		.number = rec->number,
		.capture = {.max_arg_length = least(rec->max_arg_length, most->max_arg_length),
			    .args = most->args && rec->capture & FT_CAPTURE_ARGS,
			    .result = most->result && rec->capture & FT_CAPTURE_RESULT},
		.max_depth = rec->max_depth,
		.max_items = rec->max_items,
	};
	err = read_list(&t, &new->prefix, &new->nprefix);
	if (!err)
		err = read_list(&t, &new->exclude, &new->nexclude);
	if (!err && (!new->number || !rec->max_arg_length || policies_find(p, new->number)))
		err = -EBADMSG; /* one never changes */
	if (!err)
		err = map_put(&p->by_number, new->number, 0, new, NULL);
	if (err)
		drop(new);
	return err;
}

const struct policy *policies_find(const struct policies *p, uint32_t number)
{
	return p->by_number.count ? map_get(&p->by_number, number, 0) : NULL;
}
