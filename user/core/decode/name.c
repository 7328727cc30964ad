/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "decode/name.h"

/* As a C string, owned by the caller. */
static char *name_of(const struct buf *text)
{
	struct buf name = {0};
	char *dup;

	if (!text->len || !memchr(text->s, 0, text->len))
		return buf_dup(text);
	for (size_t i = 0; i < text->len; i++) {
		if (text->s[i])
			buf_char(&name, text->s[i]);
		else
			BUF_LITERAL(&name, UTF8_NUL);
	}
	dup = name.failed ? NULL : buf_dup(&name);
	buf_release(&name);
	return dup;
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
			token_bytes_utf8(&token, &text);
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
	*ret_name = name_of(&text);
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
