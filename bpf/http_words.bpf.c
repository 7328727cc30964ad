/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Recognises words of a request in the target's memory, computes their hashes, and finds the role
 * of a function by them. */
#include "code.bpf.h"
#include "http_words.bpf.h"
#include "siphash.bpf.h"

#define CO_COROUTINE 0x80

FT_GLOBAL int ft_http_word(u64 str, u32 places)
{
	u64 head[HEAD_WORDS] = {}, at = str + (places >> 16) - 8 * HEAD_SIZE;
	u32 word;

	if (!plausible(str))
		return WORD_NONE;
	if ((places & 0xffff) - (places >> 16) == 8 * (5 - HEAD_SIZE)) {
		if (!read_head(at, head, 9, 5, at + 8 * 5))
			return WORD_NONE;
		zero_behind(head + 5, head[HEAD_SIZE]);
		word = word_of(head + 5, head[HEAD_SIZE]);
	} else {
		if (!read_head(at, head, 8, 4, at + 8 * 4))
			return WORD_NONE;
		zero_behind(head + 4, head[HEAD_SIZE]);
		word = word_of(head + 4, head[HEAD_SIZE]);
	}
	return is_ascii(head[HEAD_STATE]) ? word : WORD_NONE;
}

/* ---- hashes of the keys ---------------------------------------------------------------------- */

/*
 * A str's hash is SipHash of its characters with a secret of the process (Python/pyhash.c). With it
 * a dict can be searched as the interpreter does. The first dict is searched from end to end, and
 * the hash stored for one of its keys proves that ours are right.
 */
#define KEY_WORDS 3 /* of 8 bytes, for the longest */

static const struct {
	u64 text[KEY_WORDS];
	u64 length;
} keys[HTTP_VALUES] = {
#define X(name, text)                                                                              \
	[WORD_##name] = {{TEXT(text, 0), TEXT(text, 1), TEXT(text, 2)}, sizeof(text) - 1},
	KEYS(X)
#undef X
};

/* The hash of a key in this process; 0: not known. */
FT_GLOBAL u64 ft_http_hash(u32 word)
{
	const struct ft_layout *l = my_layout();
	u64 v[4], length, i;

	word &= HTTP_VALUES - 1;
	length = keys[word].length;
	if (!l || sip_begin(v, l->hash_secret))
		return 0;
	for (i = 0; i + 1 < KEY_WORDS && i < length / 8; i++)
		sip_word(v, keys[word].text[i], l->hash_rounds);
	sip_word(v, keys[word].text[i] | length << 56, l->hash_rounds);
	return sip_end(v, l->hash_rounds);
}

FT_GLOBAL int ft_http_learn(u64 str, u32 word)
{
	struct ft_proc *p = my_proc();
	u32 i;

	if (!p || p->flags & (FT_PROC_HASHED | FT_PROC_NOT_HASHED))
		return 0;
	for (i = 1; i < HTTP_VALUES; i++)
		p->key_hash[i] = ft_http_hash(i);
	word &= HTTP_VALUES - 1;
	if (p->key_hash[word] && p->key_hash[word] == read_ptr(str + p->layout.str_hash))
		p->flags |= FT_PROC_HASHED;
	else
		p->flags |= FT_PROC_NOT_HASHED;
	return 0;
}

/* ---- recognising ----------------------------------------------------------------------------- */

FT_INLINE u32 parameter_word(const struct ft_layout *l, u64 names, u32 i)
{
	return ft_http_word(read_ptr(names + 8 * (u64)i), str_places(l));
}

FT_GLOBAL int ft_http_role(u32 tgid, u64 code)
{
	const struct ft_proc *p = my_proc();
	const struct ft_layout *l = p ? &p->layout : 0;
	struct code_entry *e = code_find(tgid, code);
	u64 names;
	u32 n, i;

	if (!l)
		return 0;
	if (e && e->verdict == CODE_MARKED && e->birth >= p->born)
		return e->role | e->role_arg << 8;
	n = read_u32(code + l->code_argcount);
	names = read_ptr(code + l->code_localsplusnames) + l->tuple_items;
	for (i = 0; i < 2 && i + 1 < n; i++) { /* with or without self before */
		if (parameter_word(l, names, i + 1) == WORD_START_RESPONSE)
			return HTTP_WSGI | i << 8;
		if (i + 2 < n && parameter_word(l, names, i) == WORD_SCOPE &&
		    parameter_word(l, names, i + 1) == WORD_RECEIVE &&
		    parameter_word(l, names, i + 2) == WORD_SEND &&
		    read_u32(code + l->code_flags) & CO_COROUTINE)
			return HTTP_ASGI | i << 8;
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
