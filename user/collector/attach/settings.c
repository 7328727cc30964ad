/* SPDX-License-Identifier: MIT */
/* Writes the user's names and policies into maps. */
#include <bpf/bpf.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "attach/attach_parts.h"

static void redact_key(const char *name, struct redact_key *ret_key)
{
	memset(ret_key, 0, sizeof(*ret_key));
	for (size_t i = 0; name[i] && i < sizeof(ret_key->text); i++)
		ret_key->text[i] = name[i] == '-' ? '_' : tolower((unsigned char)name[i]);
}

uint32_t attach_redact_lengths(const struct attach_options *o)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < o->nredact; i++) {
		size_t n = strlen(o->redact[i]);

		if (n && n <= FT_MAX_REDACT_LEN)
			bits |= 1U << (n - 1);
	}
	return bits;
}

int attach_fill_redact(struct attach *a, const struct attach_options *o)
{
	int fd = bpf_map__fd(a->skel->maps.ft_redact);
	uint32_t one = 1;

	for (size_t i = 0; i < o->nredact; i++) {
		struct redact_key key;

		redact_key(o->redact[i], &key);
		if (bpf_map_update_elem(fd, &key, &one, BPF_ANY))
			return -errno;
	}
	return 0;
}

static int rule_key(const char *prefix, uint32_t number, struct rule_key *ret_key)
{
	size_t len = strlen(prefix);

	*ret_key = (struct rule_key){.bits = 8 * (sizeof(ret_key->rules) + len), .rules = number};
	if (len > sizeof(ret_key->text))
		return -E2BIG;
	memcpy(ret_key->text, prefix, len);
	return 0;
}

static int add_rule(int fd, const char *prefix, uint32_t number, uint32_t verdict)
{
	struct rule_key key;
	int err = rule_key(prefix, number, &key);

	if (err)
		return err;
	return bpf_map_update_elem(fd, &key, &verdict, BPF_ANY) ? -errno : 0;
}

static void drop_rules(int fd, char *const *prefix, size_t n, uint32_t number)
{
	struct rule_key key;

	for (size_t i = 0; i < n; i++)
		if (!rule_key(prefix[i], number, &key))
			bpf_map_delete_elem(fd, &key);
}

static bool under_any(const char *text, char *const *prefix, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strncmp(text, prefix[i], strlen(prefix[i])))
			return true;
	return false;
}

/* In BPF the longest rule wins, but an excluded prefix must win over everything: a prefix below an
 * excluded one is left out. */
static int add_rules(int fd, const struct policy *p)
{
	int err = 0;

	for (size_t i = 0; !err && i < p->nexclude; i++)
		err = add_rule(fd, p->exclude[i], p->number, CODE_REJECT);
	for (size_t i = 0; !err && i < p->nprefix; i++)
		if (!under_any(p->prefix[i], p->exclude, p->nexclude))
			err = add_rule(fd, p->prefix[i], p->number, CODE_ACCEPT);
	return err;
}

static struct ft_policy *place_of(const struct attach *a, const struct policy *p)
{
	return &a->skel->bss->ft_policies[p->number & (FT_POLICIES - 1)];
}

void attach_drop_policy(struct attach *a, const struct policy *p)
{
	int fd = bpf_map__fd(a->skel->maps.ft_rules);

	__atomic_store_n(&place_of(a, p)->number, 0, __ATOMIC_RELEASE);
	drop_rules(fd, p->prefix, p->nprefix, p->number);
	drop_rules(fd, p->exclude, p->nexclude, p->number);
}

int attach_put_policy(struct attach *a, const struct policy *p)
{
	struct ft_policy *place = place_of(a, p);
	int err = add_rules(bpf_map__fd(a->skel->maps.ft_rules), p);

	if (err) {
		attach_drop_policy(a, p);
		return err;
	}
	place->accept_unknown = p->nprefix == 0;
	place->redact_lengths = a->redact_lengths;
	place->capture = (p->capture.args ? FT_CAPTURE_ARGS : 0) |
			 (p->capture.result ? FT_CAPTURE_RESULT : 0);
	place->max_arg_length = p->capture.max_arg_length;
	place->max_depth = p->max_depth;
	place->max_items = p->max_items;
	place->sample = p->sample;
	place->call_depth = p->call_depth;
	place->rate = p->rate;
	__atomic_store_n(&place->number, p->number, __ATOMIC_RELEASE);
	return 0;
}
