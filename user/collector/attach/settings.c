/* SPDX-License-Identifier: MIT */
/* Writes the user's names and prefixes into maps. */
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

static int add_rule(int fd, const char *prefix, uint32_t verdict)
{
	size_t len = strlen(prefix);
	struct rule_key key = {.bits = 8 * (sizeof(key.rules) + len)};

	if (len > sizeof(key.text))
		return -E2BIG;
	memcpy(key.text, prefix, len);
	return bpf_map_update_elem(fd, &key, &verdict, BPF_ANY) ? -errno : 0;
}

static bool under_any(const char *text, const char *const *prefix, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strncmp(text, prefix[i], strlen(prefix[i])))
			return true;
	return false;
}

/* In BPF the longest rule wins, but an excluded prefix must win over everything: a prefix below an
 * excluded one is left out. */
int attach_fill_rules(struct attach *a, const struct attach_options *o)
{
	int fd = bpf_map__fd(a->skel->maps.ft_rules);
	int err = 0;

	for (size_t i = 0; !err && i < o->nexclude; i++)
		err = add_rule(fd, o->exclude[i], CODE_REJECT);
	for (size_t i = 0; !err && i < o->nprefix; i++)
		if (!under_any(o->prefix[i], o->exclude, o->nexclude))
			err = add_rule(fd, o->prefix[i], CODE_ACCEPT);
	return err;
}
