/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The walk over a value, one element per step. Containers are a small explicit stack
 * (thread->walk.level); every step handles the innermost one, writes at most one value or one END,
 * and returns. Bounds: FT_MAX_DEPTH levels, max_items elements per container, FT_MAX_TOKEN_BYTES
 * bytes, WALK_STEPS squared steps.
 */
#include "level.bpf.h"
#include "py_text.bpf.h"
#include "type.bpf.h"
#include "value.bpf.h"

/* The result of a step. Classifying a type needs much of the BPF stack (512 bytes in all), so a
 * step leaves it to its caller. */
enum { WALK_GOES_ON, WALK_OVER, WALK_CLASSIFY };

/* ---- values -------------------------------------------------------------------------- */

/* There is no room, or the field is full: everything open is cut here. */
FT_INLINE int stop(struct thread *t)
{
	tok_0(t, FT_T_STOP);
	t->walk.depth = 0;
	return WALK_OVER;
}

/* Appends len (> 0) bytes of the target to the tokens, padded with zeroes to 8. */
FT_GLOBAL int ft_copy(u32 tid, u64 addr, u32 len)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	u32 done = 0, i;

	if (!t || addr < PY_MIN || addr >= PY_MAX || len == 0)
		return -1;
	*(u64 *)tok_at(t, t->walk.used + ((len - 1) & ~7U)) = 0;
	for (i = 0; i < FT_MAX_TOKEN_BYTES / FT_COPY && done < len; i++) {
		u32 n = len - done;

		if (n > FT_COPY)
			n = FT_COPY;
		FT_MASK(n, 2 * FT_COPY - 1);
		if (bpf_probe_read_user(tok_at(t, t->walk.used + done), n, (void *)(addr + done)))
			return -1;
		done += n;
	}
	t->walk.used += (len + 7) & ~7U;
	return 0;
}

/* Appends text or bytes: length units of width bytes, as many as the field has room for. */
FT_INLINE void put_text(struct thread *t, u32 tid, u32 kind, u64 data, u64 length, u32 width)
{
	u32 room_bytes = FT_MAX_TOKEN_BYTES - CLOSERS - 24 - t->walk.used;
	u32 before = t->walk.used;
	u64 n = length;
	u32 bytes;

	if (t->walk.budget < 0)
		n = 0;
	else if (n > (u32)t->walk.budget)
		n = t->walk.budget;
	if (!room(t, 32))
		n = 0;
	else if (n * width > room_bytes)
		n = room_bytes / width;
	bytes = n * width;
	if (n < length) {
		tok_head(t, kind, width, FT_TOK_CUT, bytes + 8);
		tok_word(t, length);
	} else {
		tok_head(t, kind, width, 0, bytes);
	}
	if (bytes && ft_copy(tid, data, bytes)) {
		t->walk.used = before;
		unreadable(t);
		return;
	}
	t->walk.budget -= n + 2;
}

FT_INLINE void put_str(const struct ft_layout *l, struct thread *t, u32 tid, u64 obj)
{
	struct str_view s = {};

	if (str_open(l, obj, &s))
		unreadable(t);
	else
		put_text(t, tid, FT_T_STR, s.data, s.length, s.width);
}

FT_INLINE void put_bytes(const struct ft_layout *l, struct thread *t, u32 tid, u64 obj, u32 kind)
{
	u64 length = 0;
	u64 data = obj + l->bytes_data;

	if (read_at(&length, 8, obj + l->var_size)) {
		unreadable(t);
		return;
	}
	if (kind == FT_T_BYTEARRAY && length)
		data = read_ptr(obj + l->bytearray_start);
	put_text(t, tid, kind, data, length, 1);
}

FT_INLINE u32 bits_of(u32 digit)
{
	u32 n = 0;

	if (digit >> 16) {
		n += 16;
		digit >>= 16;
	}
	if (digit >> 8) {
		n += 8;
		digit >>= 8;
	}
	if (digit >> 4) {
		n += 4;
		digit >>= 4;
	}
	if (digit >> 2) {
		n += 2;
		digit >>= 2;
	}
	return n + (digit >> 1) + (digit & 1 || digit >> 1);
}

FT_INLINE void put_int(const struct ft_layout *l, struct thread *t, u32 tid, u64 obj)
{
	u64 magnitude = 0;
	s64 size = 0;
	u64 n;

	if (read_at(&size, 8, obj + l->int_size))
		goto bad;
	if (l->int_tagged)
		size = untag_size(size);
	n = size < 0 ? -(u64)size : (u64)size;
	if (n <= 2) {
		if (n && read_at(&magnitude, 4 * n == 8 ? 8 : 4, obj + l->int_digits))
			goto bad;
		magnitude = (magnitude & 0x3fffffff) | (magnitude >> 32) << 30;
		tok_8(t, FT_T_INT, size < 0 ? -magnitude : magnitude);
		t->walk.budget -= 1;
		return;
	}
	/* Every digit but the first gives at least nine decimal ones. */
	if ((n - 1) * 9 > t->walk.max_length || !room(t, n * 4 + 8)) {
		u32 top = read_u32(obj + l->int_digits + (n - 1) * 4);

		tok_head(t, FT_T_INTBITS, 0, size < 0 ? FT_TOK_NEGATIVE : 0, 8);
		tok_word(t, (n - 1) * 30 + bits_of(top));
		t->walk.budget -= 15;
		return;
	}
	tok_head(t, FT_T_BIGINT, 0, size < 0 ? FT_TOK_NEGATIVE : 0, n * 4);
	if (!ft_copy(tid, obj + l->int_digits, n * 4)) {
		t->walk.budget -= (n - 1) * 9;
		return;
	}
	t->walk.used -= 8;
bad:
	unreadable(t);
}

FT_INLINE u32 nesting(struct thread *t)
{
	u32 n = t->walk.depth;

	return n - t->walk.level[0].hidden;
}

/* Opens a container of length items, unless it is too deep; returns the level or NULL. */
FT_INLINE struct level *open(struct thread *t, u32 token, u32 level_kind, u64 base, u64 length)
{
	struct level *lv;
	u64 n = length;

	t->walk.budget -= 2;
	if (nesting(t) >= t->walk.max_depth || t->walk.depth >= 15) {
		tok_0(t, FT_T_DEEP);
		return 0;
	}
	if (n > t->walk.max_items)
		n = t->walk.max_items;
	tok_8(t, token, length);
	lv = walk_push(t, level_kind, base, n);
	lv->cut = n < length;
	return lv;
}

FT_INLINE void put_seq(const struct ft_layout *l, struct thread *t, u64 obj, u32 token)
{
	u64 length = 0, items = obj + l->tuple_items;
	struct level *lv;

	if (word_at(t, obj + l->var_size, &length)) {
		unreadable(t);
		return;
	}
	if (token == FT_T_LIST && length)
		items = ptr_at(t, obj + l->list_items);
	lv = open(t, token, LEVEL_SEQ, items, length);
	if (lv)
		lv->pair = length == 2 && t->walk.redact;
}

FT_INLINE void put_order(const struct ft_layout *l, struct level *lv, u64 values)
{
	u8 capacity = 0;

	lv->downwards = l->values_order == FT_ORDER_BEFORE;
	if (lv->downwards)
		lv->order = values - 3;
	else if (!read_at(&capacity, 1, values - l->values_first))
		lv->order = values + 8 * (u64)capacity;
}

/* The key table takes the place of the dict in the head. */
FT_INLINE int walk_dict(const struct ft_layout *l, struct thread *t, u64 obj, struct dict_view *d)
{
	u64 keys = ptr_at(t, obj + l->dict_keys), values = ptr_at(t, obj + l->dict_values);
	u64 n = 0, size = 0;

	if (!plausible(keys))
		return -1;
	head_at(t, keys);
	if (word_at(t, keys + l->keys_nentries, &n) || word_at(t, keys_size_at(l, keys), &size))
		return -1;
	keys_view(l, keys, size, d);
	d->n = n;
	d->values = values ? values + l->values_first : 0;
	return 0;
}

FT_INLINE void put_dict(const struct ft_layout *l, struct thread *t, u64 obj)
{
	struct dict_view d = {};
	struct level *lv;
	u64 used = 0;

	if (word_at(t, obj + l->dict_used, &used) || walk_dict(l, t, obj, &d)) {
		unreadable(t);
		return;
	}
	lv = open(t, FT_T_DICT, LEVEL_DICT, d.entries, d.n);
	if (!lv)
		return;
	/* The token has the number of items, not of slots. */
	*(u64 *)tok_at(t, t->walk.used - 8) = used;
	lv->left = used > 0xffffffff ? 0xffffffff : used;
	lv->values = d.values;
	if (d.values && l->values_order) {
		lv->n = lv->left < lv->n ? lv->left : lv->n;
		put_order(l, lv, d.values);
	}
	lv->stride = d.stride;
	lv->key_off = d.key_off;
}

FT_INLINE void put_set(const struct ft_layout *l, struct thread *t, u64 obj, u32 token)
{
	u64 used = 0, mask = 0;
	struct level *lv;

	if (word_at(t, obj + l->set_used, &used) || word_at(t, obj + l->set_mask, &mask)) {
		unreadable(t);
		return;
	}
	lv = open(t, token, LEVEL_SET, ptr_at(t, obj + l->set_table), mask + 1);
	if (!lv)
		return;
	*(u64 *)tok_at(t, t->walk.used - 8) = used;
	lv->left = used > 0xffffffff ? 0xffffffff : used;
}

/* The exception's args follow as elements, nested as in a container. */
FT_INLINE void put_exc(const struct ft_layout *l, struct thread *t, u64 obj, u64 type)
{
	u64 args = read_ptr(obj + l->exc_args), n = 0;

	if (nesting(t) >= t->walk.max_depth || t->walk.depth >= 15 || !plausible(args) ||
	    read_at(&n, 8, args + l->var_size)) {
		tok_16(t, FT_T_OBJECT, type, obj);
		return;
	}
	tok_16(t, FT_T_EXC, type, obj);
	if (n > t->walk.max_items)
		n = t->walk.max_items;
	walk_push(t, LEVEL_SEQ, args + l->tuple_items, n);
}

FT_INLINE u32 exact_kind(const struct ft_layout *l, u64 type)
{
	if (type == l->type_addr[FT_KIND_INT])
		return FT_KIND_INT;
	if (type == l->type_addr[FT_KIND_STR])
		return FT_KIND_STR;
	if (type == l->type_addr[FT_KIND_DICT])
		return FT_KIND_DICT;
	if (type == l->type_addr[FT_KIND_LIST])
		return FT_KIND_LIST;
	if (type == l->type_addr[FT_KIND_TUPLE])
		return FT_KIND_TUPLE;
	if (type == l->type_addr[FT_KIND_FLOAT])
		return FT_KIND_FLOAT;
	if (type == l->type_addr[FT_KIND_BYTES])
		return FT_KIND_BYTES;
	return FT_KIND_UNKNOWN;
}

/* 0, or WALK_CLASSIFY: the next step writes the value. */
FT_INLINE int put_value(const struct ft_layout *l, struct thread *t, u32 tid, u64 obj)
{
	u64 type, bits = 0;
	u32 kind;

	if (put_none(l, t, obj) ||
	    (head_read(l, t, obj) && (put_small(l, t, obj, t->walk.head) ||
				      put_short_head(l, t, t->walk.head_at, t->walk.head))))
		return 0;
	type = plausible(obj) ? ptr_at(t, obj + l->object_type) : 0;
	if (!plausible(type)) {
		unreadable(t);
		return 0;
	}
	kind = exact_kind(l, type);
	if (kind == FT_KIND_UNKNOWN && type != t->walk.type) {
		t->walk.type = type;
		t->walk.obj = obj;
		return WALK_CLASSIFY;
	}
	if (kind == FT_KIND_UNKNOWN)
		kind = t->walk.kind;
	switch (kind) {
	case FT_KIND_INT:
		put_int(l, t, tid, obj);
		break;
	case FT_KIND_FLOAT:
		if (word_at(t, obj + l->float_value, &bits))
			unreadable(t);
		else
			tok_8(t, FT_T_FLOAT, bits);
		t->walk.budget -= 3;
		break;
	case FT_KIND_STR:
		put_str(l, t, tid, obj);
		break;
	case FT_KIND_BYTES:
		put_bytes(l, t, tid, obj, FT_T_BYTES);
		break;
	case FT_KIND_BYTEARRAY:
		put_bytes(l, t, tid, obj, FT_T_BYTEARRAY);
		break;
	case FT_KIND_LIST:
		put_seq(l, t, obj, FT_T_LIST);
		break;
	case FT_KIND_TUPLE:
		put_seq(l, t, obj, FT_T_TUPLE);
		break;
	case FT_KIND_DICT:
		put_dict(l, t, obj);
		break;
	case FT_KIND_SET:
		put_set(l, t, obj, FT_T_SET);
		break;
	case FT_KIND_FROZENSET:
		put_set(l, t, obj, FT_T_FROZENSET);
		break;
	case FT_KIND_EXC:
	case FT_KIND_EXC_OS:
	case FT_KIND_EXC_KEY:
		put_exc(l, t, obj, type);
		break;
	case FT_KIND_OBJECT:
		tok_16(t, FT_T_OBJECT, type, obj);
		t->walk.budget -= 20;
		break;
	default:
		unreadable(t);
	}
	return 0;
}

/* ---- the walk ------------------------------------------------------------------------------ */

#define CLOSED_AT_ONCE 3

FT_INLINE struct level *innermost(struct thread *t)
{
	return &t->walk.level[(t->walk.depth - 1) & 15];
}

FT_GLOBAL int ft_step(u32 tid)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	struct level *lv;
	int what = 0, i;
	u64 obj;

	if (!l || !t->walk.depth)
		return WALK_OVER;
	lv = innermost(t);
	obj = t->walk.obj;
	t->walk.obj = 0;
	if (obj)
		goto put;
	for (i = 0; i < CLOSED_AT_ONCE && level_over(lv); i++) {
		close_level(t, lv);
		if (!t->walk.depth)
			return WALK_OVER;
		lv = innermost(t);
	}
	if (level_over(lv))
		return WALK_GOES_ON;
	if (full(t))
		return stop(t);
	if (lv->idx && lv->kind != LEVEL_DICT && lv->kind != LEVEL_SET)
		t->walk.budget -= 2; /* ", ": in a table perhaps nothing was before */
	what = next(l, t, tid, lv, &obj);
	if (what == REDACT_VALUE) {
		tok_0(t, FT_T_REDACTED);
		t->walk.budget -= 5;
	}
put:
	if (!what && put_value(l, t, tid, obj))
		return WALK_CLASSIFY;
	/* The last root is not a container: done, without a step for an END that it does not
	 * have. */
	if (t->walk.depth == 1 && lv->hidden && lv->idx >= lv->n) {
		t->walk.depth = 0;
		return WALK_OVER;
	}
	return WALK_GOES_ON;
}

FT_GLOBAL int ft_put_short(u32 tid, u64 obj)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;

	return l && put_short(l, t, obj);
}

/* Every element takes a step, and so does every end. The square of this is more steps than
 * FT_MAX_TOKEN_BYTES can need. */
#define WALK_STEPS 40

/* Forty steps: the verifier checks nested loops in 80 rounds instead of 1,600. 1: the walk is
 * over. */
FT_GLOBAL int ft_steps(u32 tid)
{
	int i, what;

	for (i = 0; i < WALK_STEPS; i++) {
		what = ft_step(tid);
		if (what == WALK_CLASSIFY)
			classify(tid, 0);
		else if (what)
			return 1;
	}
	return 0;
}

FT_GLOBAL int ft_walk(u32 tid)
{
	u32 i;

	for (i = 0; i < WALK_STEPS && !ft_steps(tid); i++)
		;
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
