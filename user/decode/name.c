/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "decode/name.h"

static void clean_utf8(const struct token *t, struct buf *out)
{
	const char *s = (const char *)t->p, *end = s + t->len;
	char *room = buf_room(out, (size_t)t->len * UTF8_MAX), *p = room;

	if (!room)
		return;
	while (s < end)
		p = utf8_put(p, utf8_get(&s, end));
	out->len += p - room;
	if (t->cut)
		BUF_LITERAL(out, "...");
}

static int read_any(struct tokens *t, bool utf8, char **ret_name)
{
	struct token token;
	struct buf text = {0};
	int err = token_next(t, &token);

	if (err)
		return err;
	switch (token.kind) {
	case FT_T_STR:
		if (utf8 && token.width == 1)
			clean_utf8(&token, &text);
		else
			token_utf8(&token, &text);
		break;
	case FT_T_UNREADABLE:
		BUF_LITERAL(&text, NAME_UNREADABLE);
		break;
	case FT_T_NONE:
	case FT_T_STOP:
		*ret_name = NULL;
		return 0;
	default:
		return -EBADMSG;
	}
	*ret_name = buf_dup(&text);
	buf_release(&text);
	return *ret_name ? 0 : -ENOMEM;
}

int name_read(struct tokens *t, char **ret_name)
{
	return read_any(t, false, ret_name);
}

int name_read_utf8(struct tokens *t, char **ret_name)
{
	return read_any(t, true, ret_name);
}
