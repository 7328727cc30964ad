/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What the walk needs to know about objects other than the value: what a type is, whether a name is
 * on the redaction list.
 */
#include "dict.bpf.h"
#include "listed.bpf.h"
#include "type.bpf.h"

#define MAX_BASES 128 /* classes of an MRO that are examined */

/* ---- types --------------------------------------------------------------------------- */

/* Appends text to the small record, with its full length if it is cut; returns the record's new
 * length. */
FT_INLINE u32 small_text(struct thread *t, u32 off, u64 data, u32 width, u64 length)
{
	u64 o = off;
	bool cut;
	u32 n;

	FT_MASK(o, 1023);
	*(u64 *)(t->small + o) = FT_T_NONE;
	if (!data)
		return off + 8;
	cut = length > FT_MAX_CLASS_NAME / width;
	n = cut ? FT_MAX_CLASS_NAME : length * width;
	*(u64 *)(t->small + o) =
		FT_T_STR | width << 8 | (cut ? FT_TOK_CUT << 16 : 0) | (u64)(n + 8 * cut) << 32;
	if (n == 0)
		return off + 8;
	if (cut) {
		*(u64 *)(t->small + o + 8) = length;
		off += 8;
		o += 8;
	}
	FT_MASK(n, 255);
	if (n == 0 || n > FT_MAX_CLASS_NAME)
		return off;
	*(u64 *)(t->small + o + 8 + ((n - 1) & 0xf8)) = 0;
	if (bpf_probe_read_user(t->small + o + 8, n, (void *)data)) {
		off -= 8 * cut;
		*(u64 *)(t->small + o - 8 * cut) = FT_T_NONE;
		return off + 8;
	}
	return off + 8 + ((n + 7) & ~7U);
}

FT_GLOBAL u32 ft_small_str(u32 tid, u32 off, u64 str)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	struct str_view s = {.width = 1};

	if (!l)
		return off;
	if (!is_str(l, str) || str_open(l, str, &s))
		s.data = 0;
	return small_text(t, off, s.data, s.width, s.length);
}

/* The length of a C string, or more than FT_MAX_CLASS_NAME. */
FT_INLINE u32 c_length(struct thread *t, u64 text)
{
	long n = bpf_probe_read_user_str(t->small + SMALL_SCRATCH, FT_MAX_CLASS_NAME + 2,
					 (void *)text);

	return n > 0 ? n - 1 : 0;
}

/* For classes without a flag in tp_flags (up to 3.15): the kind of the class at `at` if it is one
 * of them itself, else 0. */
FT_GLOBAL int ft_unflagged(u64 at, u32 exc)
{
	const struct ft_layout *l = my_layout();
	u64 type = l ? read_ptr(at) : 0;

	if (!type)
		return 0;
	if (exc) {
		if (type == l->type_addr[FT_KIND_EXC_OS])
			return FT_KIND_EXC_OS;
		return type == l->type_addr[FT_KIND_EXC_KEY] ? FT_KIND_EXC_KEY : 0;
	}
	if (type == l->type_addr[FT_KIND_FLOAT])
		return FT_KIND_FLOAT;
	if (type == l->type_addr[FT_KIND_SET])
		return FT_KIND_SET;
	if (type == l->type_addr[FT_KIND_FROZENSET])
		return FT_KIND_FROZENSET;
	return type == l->type_addr[FT_KIND_BYTEARRAY] ? FT_KIND_BYTEARRAY : 0;
}

/* The kind of a type that is not one of the exact built-in ones. */
FT_INLINE u32 type_kind(const struct ft_layout *l, u64 type, u64 flags)
{
	u32 exc = (flags & TPFLAGS_EXC) != 0, i;
	u64 mro, n;

	if (flags & TPFLAGS_LONG)
		return FT_KIND_INT;
	if (flags & TPFLAGS_LIST)
		return FT_KIND_LIST;
	if (flags & TPFLAGS_TUPLE)
		return FT_KIND_TUPLE;
	if (flags & TPFLAGS_BYTES)
		return FT_KIND_BYTES;
	if (flags & TPFLAGS_STR)
		return FT_KIND_STR;
	if (flags & TPFLAGS_DICT)
		return FT_KIND_DICT;
	/* Not by tp_base: numpy.float64's chain does not pass float. */
	mro = read_ptr(type + l->type_mro);
	n = read_ptr(mro + l->var_size);
	for (i = 0; i < MAX_BASES; i++) {
		u32 kind;

		if (i >= n)
			break;
		kind = ft_unflagged(mro + l->tuple_items + 8 * (u64)i, exc);
		if (kind)
			return kind;
	}
	return exc ? FT_KIND_EXC : FT_KIND_OBJECT;
}

FT_INLINE u64 mixed(u64 h, u64 word)
{
	return (h ^ word) * 0x9e3779b97f4a7c15ULL;
}

/* A hash of the addresses of a class's names: it may be renamed. An entry is deleted with its
 * class. */
FT_INLINE u64 type_guard(const struct ft_layout *l, u64 type, u64 keys_at, u64 slot)
{
	u64 h = mixed(read_ptr(type + l->type_name), read_ptr(type + l->type_qualname));

	return mixed(mixed(h, read_ptr(keys_at)), slot ? read_ptr(slot) : 0);
}

/* heap: the class is not in static memory, and so may change. */
FT_INLINE void type_keep(const struct ft_layout *l, struct thread *t, u64 type, u32 kind, u64 heap)
{
	struct type_key key = {.type = type, .tgid = t->pid};
	struct type_entry e = {.kind = kind, .birth = bpf_ktime_get_ns()};

	if (heap) {
		e.keys_at = read_ptr(type + l->type_dict) + l->dict_keys;
		e.slot = t->walk.module;
		e.guard = type_guard(l, type, e.keys_at, e.slot);
	}
	bpf_map_update_elem(&ft_types, &key, &e, BPF_ANY);
}

FT_INLINE bool type_same(const struct ft_layout *l, u64 type, const struct type_entry *e)
{
	return !e->keys_at || e->guard == type_guard(l, type, e->keys_at, e->slot);
}

FT_GLOBAL int ft_kind_of(u32 tid, u64 type)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_proc *p = t ? my_proc() : 0;
	const struct ft_layout *l;
	struct type_key key = {};
	struct type_entry *known;
	u64 flags = 0;
	u32 kind;

	if (!p)
		return FT_KIND_UNKNOWN;
	l = &p->layout;
	if (!type)
		type = t->walk.type;
	t->walk.kind = FT_KIND_UNKNOWN;
	if (!plausible(type))
		return FT_KIND_UNKNOWN;
	key.type = type;
	key.tgid = t->pid;
	known = bpf_map_lookup_elem(&ft_types, &key);
	if (known && known->birth >= p->born && type_same(l, type, known)) {
		t->walk.kind = known->kind;
		return known->kind;
	}
	if (read_at(&flags, 8, type + l->type_flags))
		return FT_KIND_UNKNOWN;
	kind = type_kind(l, type, flags);
	t->walk.kind = kind;
	if (kind >= FT_KIND_EXC || flags & TPFLAGS_HEAP)
		return kind | KIND_UNTOLD;
	type_keep(l, t, type, kind, 0);
	return kind;
}

/* "__module__" as two words, as in memory. */
#define MODULE_0 0x656c75646f6d5f5fULL
#define MODULE_1 0x5f5fULL

/* Address of the value of cls.__dict__['__module__'], which a class statement stores first. */
FT_GLOBAL int ft_type_module(u32 tid, u64 type)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;

	if (!l)
		return 0;
	type = read_ptr((type ?: t->walk.type) + l->type_dict);
	t->walk.module = dict_find(l, type, MODULE_0, MODULE_1, 10);
	return 0;
}

FT_GLOBAL int ft_type_tell(u32 tid, u64 type, u32 kind)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	u64 name, flags = 0;
	struct ft_rec_pytype *r;
	u32 off = sizeof(*r);

	if (!l)
		return 0;
	if (!type)
		type = t->walk.type;
	read_at(&flags, 8, type + l->type_flags);
	name = read_ptr(type + l->type_name);
	off = small_text(t, off, name, 1, c_length(t, name));
	flags &= TPFLAGS_HEAP;
	off = ft_small_str(tid, off, flags ? read_ptr(type + l->type_qualname) : 0);
	off = ft_small_str(tid, off, flags && t->walk.module ? read_ptr(t->walk.module) : 0);
	if (off > sizeof(t->small))
		return 0;
	FT_MASK(off, 2047);
	r = (void *)t->small;
	head_init(&r->hdr, FT_REC_TYPE, off, t->pid, tid, bpf_ktime_get_ns());
	r->type = type;
	r->kind = kind;
	r->pad = 0;
	if (!send(t, tid, r->hdr.ts_ns, r, off, 0)) /* else it is sent the next time */
		type_keep(l, t, type, kind, flags);
	return 0;
}

/* ---- redaction ----------------------------------------------------------------------- */

#define HTTP_TEXT 0x5f70747468ULL /* the word of the prefix */

/*
 * Eight characters in the form in which names are compared: lower case, with '_' for '-'. No
 * branch: the verifier would follow each.
 */
FT_INLINE u64 folded(u64 text)
{
	u64 each = 0x0101010101010101ULL, low, upper, dash;

	barrier_var(each); /* else the compiler keeps its multiples, on the stack */
	low = text & 0x7f * each;
	upper = (low + (0x80 - 'A') * each) & ~(low + (0x7f - 'Z') * each) & ~text & 0x80 * each;
	text |= upper >> 2;
	dash = text ^ '-' * each;
	dash = ~(((dash & 0x7f * each) + 0x7f * each) | dash) & 0x80 * each;
	return text ^ (dash >> 7) * ('-' ^ '_');
}

/* Room for a key, so that it needs no stack. */
FT_INLINE u64 *listed_key(struct thread *t)
{
	return (void *)t->small + SMALL_SCRATCH;
}

/* Is the text of n characters at this address on the list? */
FT_INLINE bool is_listed(struct thread *t, u64 text, u64 n)
{
	u64 *key = listed_key(t);
	u32 i;

	_Static_assert(FT_MAX_REDACT_LEN == 32, "four words");
	key[0] = key[1] = key[2] = key[3] = 0;
	FT_MASK(n, 63);
	if (!length_listed(t, n) || bpf_probe_read_user(key, n, (void *)text))
		return false;
	for (i = 0; i < 4; i++) {
		key[i] = folded(key[i]);
		barrier_var(key); /* one after the other, without the stack */
	}
	return bpf_map_lookup_elem(&ft_redact, key) != 0;
}

/* Address and number of the characters of a str or bytes that may be listed; 0: it may not. */
FT_INLINE u64 listed_text(const struct ft_layout *l, const struct thread *t, u64 name, u32 *ret_n)
{
	struct str_view s = {};
	u64 type, length = 0;

	if (!plausible(name))
		return 0;
	type = type_of(l, name);
	if (read_at(&length, 8, name + l->str_length)) /* that of bytes is there too */
		return 0;
	if (!may_be_listed(t, length))
		return 0;
	*ret_n = length;
	if (type == l->type_addr[FT_KIND_BYTES])
		return name + l->bytes_data;
	return type_has(l, type, TPFLAGS_STR) && !str_open(l, name, &s) && s.width == 1 ? s.data
											: 0;
}

FT_GLOBAL int ft_redacted(u32 tid, u64 name)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	struct ft_proc *p = t ? bpf_map_lookup_elem(&ft_procs, &t->pid) : 0;
	u64 text, *head;
	u32 n = 0;

	text = p ? listed_text(&p->layout, t, name, &n) : 0;
	if (!text)
		return 0;
	if (is_listed(t, text, n))
		return 1;
	head = listed_key(t);
	*head = 0;
	return n > HTTP_ && !read_at(head, HTTP_, text) && folded(*head) == HTTP_TEXT &&
	       is_listed(t, text + HTTP_, n - HTTP_);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
