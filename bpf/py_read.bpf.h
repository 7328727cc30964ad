/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Reading the target's memory, and the layouts of objects that several files need. Every pointer is
 * tested before it is followed: a failed read costs as much as a trap.
 */
#ifndef FT_PY_READ_BPF_H
#define FT_PY_READ_BPF_H

#include "ids.bpf.h"
#include "machine.bpf.h"

#define PY_MIN 0x10000ULL
#define PY_MAX USER_END

/* Can this be the address of a Python object or of an array of pointers? */
FT_INLINE bool plausible(u64 addr)
{
	return addr >= PY_MIN && addr < PY_MAX && !(addr & 7);
}

/* Low addresses are refused here because they would fault; the kernel itself refuses high ones at
 * once. */
FT_INLINE int read_at(void *dst, u32 size, u64 addr)
{
	if (addr < PY_MIN)
		return -1;
	return bpf_probe_read_user(dst, size, (void *)addr);
}

/*
 * 0 when it cannot be read: none of the fields that are followed may be NULL. The kernel zeroes v
 * when the read fails; a test of the result would double the verifier's paths at each read.
 */
FT_INLINE u64 read_ptr(u64 addr)
{
	u64 v = 0;

	read_at(&v, sizeof(v), addr);
	return v;
}

/* A reference in a frame: a pointer without its tag bits. */
FT_INLINE u64 read_ref(const struct ft_layout *l, u64 addr)
{
	return read_ptr(addr) & ~l->tag_mask;
}

FT_INLINE u32 read_u32(u64 addr)
{
	u32 v = 0;

	read_at(&v, sizeof(v), addr);
	return v;
}

/* ---- types ------------------------------------------------------------------------- */

/* tp_flags (Include/object.h), the same in every release. */
#define TPFLAGS_HEAP (1UL << 9)
#define TPFLAGS_LONG (1UL << 24)
#define TPFLAGS_LIST (1UL << 25)
#define TPFLAGS_TUPLE (1UL << 26)
#define TPFLAGS_BYTES (1UL << 27)
#define TPFLAGS_STR (1UL << 28)
#define TPFLAGS_DICT (1UL << 29)
#define TPFLAGS_EXC (1UL << 30)
#define TPFLAGS_TYPE (1UL << 31)

FT_INLINE u64 type_of(const struct ft_layout *l, u64 obj)
{
	return read_ptr(obj + l->object_type);
}

FT_INLINE bool type_has(const struct ft_layout *l, u64 type, u64 flag)
{
	u64 flags = 0;

	return plausible(type) && !read_at(&flags, 8, type + l->type_flags) && flags & flag;
}

FT_INLINE bool has_flag(const struct ft_layout *l, u64 obj, u64 flag)
{
	return plausible(obj) && type_has(l, type_of(l, obj), flag);
}

/* The same, with fewer reads if the type is exactly that class. */
FT_INLINE bool is_a(const struct ft_layout *l, u64 obj, enum ft_kind kind, u64 flag)
{
	u64 type = plausible(obj) ? type_of(l, obj) : 0;

	return type && (type == l->type_addr[kind] || type_has(l, type, flag));
}

FT_INLINE bool is_str(const struct ft_layout *l, u64 obj)
{
	return is_a(l, obj, FT_KIND_STR, TPFLAGS_STR);
}

/* ---- text ------------------------------------------------------------------------ */

struct str_view {
	u64 data;
	u64 length; /* characters */
	u32 width;  /* bytes per character: 1, 2, 4 */
};

#define STR_COMPACT 0x20
#define STR_ASCII 0x40

FT_INLINE int str_open(const struct ft_layout *l, u64 str, struct str_view *ret)
{
	u64 length = 0;
	u32 state = 0;

	if (!plausible(str) || read_at(&length, 8, str + l->str_length) ||
	    read_at(&state, 4, str + l->str_state))
		return -1;
	ret->length = length;
	ret->width = (state >> 2) & 7;
	if (ret->width != 1 && ret->width != 2 && ret->width != 4)
		return -1; /* a legacy string that is not ready (up to 3.11) */
	if (!(state & STR_COMPACT))
		ret->data = read_ptr(str + l->str_data_ptr);
	else if (state & STR_ASCII)
		ret->data = str + l->str_ascii_data;
	else
		ret->data = str + l->str_compact_data;
	return ret->data ? 0 : -1;
}

/* Offsets of a str's length and its ASCII text in one word, for functions that have too many
 * arguments. */
FT_INLINE u32 str_places(const struct ft_layout *l)
{
	return (u32)l->str_length << 16 | l->str_ascii_data;
}

/* Identifies a text by its hash and length; never one of the small numbers that mean "none". */
#define NOT_HASHED (~0ULL)

FT_INLINE u64 text_id(u64 hash, u64 length)
{
	return (hash ^ length << 40) | 8;
}

/* ---- dict key tables --------------------------------------------------------------- */

struct dict_view {
	u64 entries, values;	/* values: split table, else 0 */
	u64 n;			/* entries, used or not */
	u64 slots, index_bytes; /* of the table before the entries */
	u32 stride, key_off, val_off;
};

/* Where a key table says how large it is: its size; or log2_size, log2_index_bytes and kind. */
FT_INLINE u64 keys_size_at(const struct ft_layout *l, u64 keys)
{
	return keys + (l->dict_how == FT_DICT_SIZE ? l->keys_size : l->keys_log2_size);
}

/* The view of a key table that says this; without the number of its entries. */
FT_INLINE void keys_view(const struct ft_layout *l, u64 keys, u64 size, struct dict_view *ret)
{
	ret->stride = 24;
	ret->key_off = 8;
	ret->val_off = 16;
	if (l->dict_how == FT_DICT_SIZE) {
		ret->slots = size;
		if (size <= 0xff)
			ret->index_bytes = size;
		else if (size <= 0xffff)
			ret->index_bytes = size * 2;
		else
			ret->index_bytes = size * 4;
	} else {
		ret->slots = 1ULL << (size & 31);
		ret->index_bytes = 1ULL << ((size >> 8) & 31);
		if ((size >> 16) & 0xff) {
			ret->stride = 16;
			ret->key_off = 0;
			ret->val_off = 8;
		}
	}
	ret->entries = keys + l->keys_indices + ret->index_bytes;
}

FT_INLINE int keys_open(const struct ft_layout *l, u64 keys, struct dict_view *ret)
{
	u64 n = 0;

	if (!plausible(keys) || read_at(&n, 8, keys + l->keys_nentries))
		return -1;
	ret->n = n;
	if (l->dict_how == FT_DICT_SIZE) {
		keys_view(l, keys, read_ptr(keys + l->keys_size), ret);
	} else {
		u32 head = 0; /* not 8 bytes: 5.10 has no stack left for them */

		if (read_at(&head, 4, keys + l->keys_log2_size))
			return -1;
		keys_view(l, keys, head, ret);
	}
	return 0;
}

FT_INLINE int dict_open(const struct ft_layout *l, u64 dict, struct dict_view *ret)
{
	if (!plausible(dict) || keys_open(l, read_ptr(dict + l->dict_keys), ret))
		return -1;
	ret->values = read_ptr(dict + l->dict_values);
	if (ret->values)
		ret->values += l->values_first;
	return 0;
}

FT_INLINE u64 dict_key(const struct dict_view *d, u32 i)
{
	return read_ptr(d->entries + (u64)i * d->stride + d->key_off);
}

/* Address of the value of an entry. */
FT_INLINE u64 dict_value(const struct dict_view *d, u32 i)
{
	if (d->values)
		return d->values + (u64)i * 8;
	return d->entries + (u64)i * d->stride + d->val_off;
}

/* The process that hit the probe, with its layout: every global function looks it up again. */
FT_INLINE struct ft_proc *my_proc(void)
{
	u32 tgid = my_ids() >> 32;

	return bpf_map_lookup_elem(&ft_procs, &tgid);
}

FT_INLINE const struct ft_layout *my_layout(void)
{
	struct ft_proc *p = my_proc();

	return p ? &p->layout : 0;
}

/* ---- thread state and frames --------------------------------------------------------- */

FT_INLINE u64 tstate_of(const struct ft_layout *l)
{
	u64 tp, dtv;

	if (l->tstate_how == FT_TSTATE_GLOBAL)
		return read_ptr(l->tstate_addr);
	tp = thread_pointer();
	if (l->tstate_how == FT_TSTATE_TP)
		return read_ptr(tp + l->tstate_addr);
	dtv = read_ptr(tp + TLS_DTV);
	return read_ptr(read_ptr(dtv + TLS_DTV_ENTRY * l->tls_module) + l->tstate_addr);
}

FT_INLINE u64 current_frame(const struct ft_layout *l, u64 tstate)
{
	u64 frame = read_ptr(tstate + l->tstate_frame);

	if (l->cframe_frame != FT_NO_FIELD)
		frame = read_ptr(frame + l->cframe_frame);
	return frame;
}

#endif
