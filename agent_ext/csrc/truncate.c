/* SPDX-License-Identifier: MIT */
#include "truncate.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define LENGTH sizeof(uint64_t)

struct out {
	uint8_t *bytes;
	size_t used, size;
};

static size_t padded(size_t len)
{
	return (len + 7) & ~(size_t)7;
}

static bool is_text(const struct ft_token *t)
{
	return t->kind == FT_T_STR || t->kind == FT_T_BYTES || t->kind == FT_T_BYTEARRAY;
}

static void put_token(struct out *o, const struct ft_token *t, const void *payload)
{
	memcpy(o->bytes + o->used, t, sizeof(*t));
	memcpy(o->bytes + o->used + sizeof(*t), payload, t->len);
	memset(o->bytes + o->used + sizeof(*t) + t->len, 0, padded(t->len) - t->len);
	o->used += sizeof(*t) + padded(t->len);
}

/* As much of a text as there is room for; its full length comes first when it is cut. */
static void put_some_text(struct out *o, const struct ft_token *t, const uint8_t *payload)
{
	bool was_cut = t->aux & FT_TOK_CUT;
	unsigned width = t->width ? t->width : 1;
	const uint8_t *text = payload + (was_cut ? LENGTH : 0);
	uint64_t whole = t->len / width;
	size_t room = o->size - o->used - sizeof(*t) - LENGTH;
	struct ft_token cut = *t;

	if (was_cut)
		memcpy(&whole, payload, LENGTH);
	room -= room % (8 * width); /* whole characters, no padding */
	cut.aux |= FT_TOK_CUT;
	cut.len = LENGTH + room;
	memcpy(o->bytes + o->used, &cut, sizeof(cut));
	memcpy(o->bytes + o->used + sizeof(cut), &whole, LENGTH);
	memcpy(o->bytes + o->used + sizeof(cut) + LENGTH, text, room);
	o->used += sizeof(cut) + cut.len;
}

const struct ft_rec *record_truncate(const struct ft_rec *rec, size_t fixed)
{
	static _Alignas(8) uint8_t bytes[FT_MAX_RECORD];
	const uint8_t *at = (const uint8_t *)rec + fixed, *end = (const uint8_t *)rec + rec->size;
	const struct ft_token stop = {.kind = FT_T_STOP};
	struct out o = {bytes, fixed, sizeof(bytes) - sizeof(stop)};

	if (rec->size <= FT_MAX_RECORD)
		return rec;
	memcpy(bytes, rec, fixed);
	while (at < end) {
		const struct ft_token *t = (const void *)at;

		if (o.used + sizeof(*t) + padded(t->len) > o.size) {
			if (is_text(t) && o.size - o.used > 256)
				put_some_text(&o, t, at + sizeof(*t));
			break;
		}
		put_token(&o, t, at + sizeof(*t));
		at += sizeof(*t) + padded(t->len);
	}
	put_token(&o, &stop, "");
	((struct ft_rec *)bytes)->size = o.used;
	return (const struct ft_rec *)bytes;
}
