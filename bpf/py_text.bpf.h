/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Short texts of the target: str and bytes objects that are read at once. */
#ifndef FT_PY_TEXT_BPF_H
#define FT_PY_TEXT_BPF_H

#include "py_value.bpf.h"

#define LONGEST 31 /* bytes of such a text */

/*
 * Short objects with text at their end are read at once, from the type on: a few large reads are
 * much cheaper than many small ones. PyASCIIObject and PyBytesObject have these words in every
 * release.
 */
#define HEAD_TYPE 0
#define HEAD_SIZE 1
#define HEAD_STATE 3
#define HEAD_BYTES 3 /* word with which the text of a bytes object begins */

FT_INLINE bool is_ascii(u64 state)
{
	return state & STR_ASCII && state & STR_COMPACT;
}

/* Masks for a word, by the number of bytes of text from its start on, plus 24. */
#define BYTES(n) (~0ULL >> (64 - 8 * (n)))
static const u64 of_word[] = {
	[25] = BYTES(1), BYTES(2), BYTES(3), BYTES(4),
	BYTES(5),	 BYTES(6), BYTES(7), [32 ... 63] = ~0ULL,
};

/* Zeroes the bytes after a text of n bytes, at most LONGEST, in its four words. No branch: the
 * verifier would follow each. */
FT_INLINE void zero_behind(u64 *w, u64 n)
{
	FT_MASK(n, LONGEST);
	w[0] &= of_word[n + 24];
	w[1] &= of_word[n + 16];
	w[2] &= of_word[n + 8];
	w[3] &= of_word[n];
}

/* Reads the words of a head that begins at `at`, whose text begins with word `first`; false: too
 * long, or not readable. */
FT_INLINE bool read_head(u64 at, u64 *head, u32 words, u32 first, u64 text)
{
	u64 n;

	if (!bpf_probe_read_user(head, 8 * words, (void *)at))
		return head[HEAD_SIZE] <= LONGEST;
	/* Near the end of readable memory: read only as much as there is. */
	if (bpf_probe_read_user(head, 8 * first, (void *)at) || head[HEAD_SIZE] > LONGEST)
		return false;
	n = head[HEAD_SIZE];
	FT_MASK(n, 31);
	return n && !bpf_probe_read_user(head + first, n, (void *)text);
}

/* ---- as a token ------------------------------------------------------------------------------ */

#define MOST_SHORT 511 /* bytes of a text that is copied without a walk */

/* Appends the text of a head. */
FT_INLINE void put_head(struct thread *t, u64 *text, u64 n)
{
	u64 *to = (void *)tok_at(t, t->walk.used);

	zero_behind(text, n);
	to[0] = text[0];
	to[1] = text[1];
	to[2] = text[2];
	to[3] = text[3];
}

/* Appends n bytes of text. */
FT_INLINE int put_copy(struct thread *t, u64 text, u64 n)
{
	*(u64 *)tok_at(t, t->walk.used + ((n - 1) & ~7ULL)) = 0;
	FT_MASK(n, 511);
	return n ? bpf_probe_read_user(tok_at(t, t->walk.used), n, (void *)text) : -1;
}

/* Appends a short str of ASCII characters, or short bytes, whose head was read at `at`: most texts
 * are. */
FT_INLINE bool put_short_head(const struct ft_layout *l, struct thread *t, u64 at, u64 *head)
{
	u64 n, data;
	bool str = head[HEAD_TYPE] == l->type_addr[FT_KIND_STR];

	if (str ? !is_ascii(head[HEAD_STATE]) : head[HEAD_TYPE] != l->type_addr[FT_KIND_BYTES])
		return false;
	n = head[HEAD_SIZE];
	data = (str ? l->str_ascii_data : l->bytes_data) - l->object_type;
	if (n > MOST_SHORT || (s64)n > t->walk.budget ||
	    t->walk.used + n + 64 > FT_MAX_TOKEN_BYTES / 2)
		return false;
	tok_head(t, str ? FT_T_STR : FT_T_BYTES, 1, 0, n);
	if (n <= LONGEST && data == 8 * 5)
		put_head(t, head + 5, n);
	else if (n <= LONGEST && data == 8 * 4)
		put_head(t, head + 4, n);
	else if (n <= LONGEST && data == 8 * 3)
		put_head(t, head + 3, n);
	else if (put_copy(t, at + data, n)) {
		t->walk.used -= 8;
		return false;
	}
	t->walk.used += (n + 7) & ~7ULL;
	t->walk.budget -= n + 2;
	return true;
}

FT_INLINE bool put_short(const struct ft_layout *l, struct thread *t, u64 obj)
{
	u64 head[HEAD_WORDS] = {}, at = obj + l->object_type;

	/* Read up to the end of a short text, unless less is readable. */
	return plausible(obj) && !bpf_probe_read_user(head, sizeof(head), (void *)at) &&
	       put_short_head(l, t, at, head);
}

#endif
