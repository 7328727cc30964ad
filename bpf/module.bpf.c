/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The module as which a frame runs, and its verdict by the rules. */
#include "dict.bpf.h"
#include "module.bpf.h"

/* As the word that it is in memory. */
#define TEXT_NAME__ 0x5f5f656d616e5f5fULL /* "__name__" */

FT_GLOBAL u64 ft_module_slot(u64 frame)
{
	const struct ft_layout *l = my_layout();
	u64 globals, keys;
	int i;

	if (!l)
		return MODULE_UNTOLD;
	globals = read_ptr(frame + l->frame_globals);
	keys = read_ptr(globals + l->dict_keys);
	i = ft_find_key(keys, TEXT_NAME__, 0, 8);
	if (i == KEY_ABSENT)
		return (keys + l->keys_nentries) | MODULE_ABSENT;
	return i < 0 ? MODULE_UNTOLD : dict_slot(l, globals, i);
}

#define ID_WORDS 16 /* of a name whose hash is not computed yet */

FT_GLOBAL u64 ft_module_id(u64 slot)
{
	const struct ft_layout *l = my_layout();
	u64 str, word[ID_WORDS] = {}, hash = NOT_HASHED, n;
	struct str_view s = {};
	u32 i;

	if (!l || slot & MODULE_ABSENT)
		return MODULE_NO_TEXT;
	str = read_ptr(slot);
	if (!is_str(l, str) || str_open(l, str, &s))
		return MODULE_NO_TEXT;
	read_at(&hash, 8, str + l->str_hash);
	if (hash != NOT_HASHED)
		return text_id(hash, s.length);
	n = s.length * s.width;
	if (s.length > sizeof(word) || n > sizeof(word))
		n = sizeof(word);
	FT_MASK(n, 255);
	if (n == 0 || n > sizeof(word) || bpf_probe_read_user(word, n, (void *)s.data))
		return text_id(0, s.length);
	for (i = 0; i < ID_WORDS; i++)
		hash = (hash ^ word[i]) * 0x9e3779b97f4a7c15ULL;
	return text_id(hash, s.length);
}

FT_GLOBAL int ft_verdict(u64 slot, u64 id, u32 policy)
{
	u64 module = module_name(slot, id);
	const struct ft_layout *l = my_layout();
	u32 n, *found, silent;
	struct rule_key key = {};
	struct str_view s = {};

	if (!l)
		return CODE_REJECT;
	silent = policy_of(policy)->accept_unknown ? CODE_ACCEPT : CODE_REJECT;
	if (!module || str_open(l, module, &s) || !s.length)
		return silent;
	/* Rules are UTF-8, and this name is not ASCII: user space compares it. */
	if (!(read_u32(module + l->str_state) & STR_ASCII))
		return CODE_ACCEPT;
	n = s.length > FT_MAX_PREFIX ? FT_MAX_PREFIX : s.length;
	FT_MASK(n, 127);
	if (n > FT_MAX_PREFIX || n == 0 || bpf_probe_read_user(key.text, n, (void *)s.data))
		return silent;
	key.bits = 8 * (sizeof(key.rules) + n);
	key.rules = policy;
	found = bpf_map_lookup_elem(&ft_rules, &key);
	return found ? *found : silent;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
