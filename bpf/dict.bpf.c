/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Finds one key of a dict of the target: __name__ of a module's globals, __module__ of a class,
 * _name of a thread. Nearly always it is among the first entries. If not, it is found by its hash,
 * as the interpreter does.
 */
#include "dict.bpf.h"
#include "siphash.bpf.h"

#define FIND_ENTRIES 8	/* first entries, which are compared one by one */
#define PROBES 24	/* slots that are examined for one hash */
#define SLOT_EMPTY (-1) /* in the index table before the entries; -2: its entry is deleted */
#define SLOT_UNREAD (-3)

FT_GLOBAL int ft_str_at(u64 at, u64 lo, u64 hi, u32 n, u32 places)
{
	u64 length = 0, text[2] = {}, str = read_ptr(at);

	if (!plausible(str) || read_at(&length, 8, str + (places >> 16)) || length != n)
		return 0;
	if (read_at(text, 16, str + (places & 0xffff)))
		return 0;
	if (n < 8)
		text[0] &= (1ULL << (8 * (n & 7))) - 1;
	if (n <= 8)
		text[1] = 0;
	else if (n < 16)
		text[1] &= (1ULL << (8 * (n & 7))) - 1;
	return text[0] == lo && text[1] == hi;
}

/* The hash of an ASCII string of n < 16 bytes in this process; 0: not known. */
FT_GLOBAL u64 ft_hash(u64 lo, u64 hi, u32 n)
{
	const struct ft_layout *l = my_layout();
	u64 v[4];

	if (!l || sip_begin(v, l->hash_secret))
		return 0;
	if (n >= 8)
		sip_word(v, lo, l->hash_rounds);
	sip_word(v, (n >= 8 ? hi : lo) | (u64)n << 56, l->hash_rounds);
	return sip_end(v, l->hash_rounds);
}

/* Slot i of the index table before the entries: the number of an entry, or below 0. */
FT_GLOBAL int ft_slot(u64 table, u64 i, u32 slots)
{
	s32 wide = SLOT_EMPTY;
	s16 two = SLOT_EMPTY;
	s8 one = SLOT_EMPTY;

	if (slots <= 0xff)
		return read_at(&one, 1, table + i) ? SLOT_UNREAD : one;
	if (slots <= 0xffff)
		return read_at(&two, 2, table + 2 * i) ? SLOT_UNREAD : two;
	return read_at(&wide, 4, table + 4 * i) ? SLOT_UNREAD : wide;
}

/* Follows the hash to the entry (Objects/dictobject.c, lookdict). */
FT_INLINE int find_hashed(const struct ft_layout *l, const struct dict_view *d, u64 lo, u64 hi,
			  u32 n, u64 hash)
{
	u64 table = d->entries - d->index_bytes, perturb = hash, at = hash;
	u32 i;

	for (i = 0; i < PROBES; i++) {
		s32 entry = ft_slot(table, at & (d->slots - 1), d->slots);

		if (entry == SLOT_EMPTY)
			return KEY_ABSENT;
		if (entry >= 0 && ft_str_at(d->entries + (u64)entry * d->stride + d->key_off, lo,
					    hi, n, str_places(l)))
			return entry;
		perturb >>= 5;
		at = at * 5 + perturb + 1;
	}
	return KEY_UNTOLD;
}

FT_GLOBAL int ft_find_key(u64 keys, u64 lo, u64 hi, u32 n)
{
	const struct ft_layout *l = my_layout();
	struct dict_view d = {};
	u64 hash;
	u32 i;

	if (!l || keys_open(l, keys, &d))
		return KEY_UNTOLD;
	for (i = 0; i < FIND_ENTRIES; i++) {
		if (i >= d.n)
			return KEY_ABSENT;
		if (ft_str_at(d.entries + (u64)i * d.stride + d.key_off, lo, hi, n, str_places(l)))
			return i;
	}
	hash = ft_hash(lo, hi, n);
	return hash ? find_hashed(l, &d, lo, hi, n, hash) : KEY_UNTOLD;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
