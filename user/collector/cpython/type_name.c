/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cpython/memory.h"
#include "cpython/type_name.h"

#define TP_NAME 24 /* PyTypeObject.tp_name, in every release */
#define NAME_MAX_BYTES 96

static struct ft_token *first_token(const void *type)
{
	return (struct ft_token *)((const struct ft_rec_pytype *)type + 1);
}

/* Returns its length; 0: it cannot be read. It is read byte by byte, since memory after a name may
 * be unreadable. */
static size_t read_name(const struct ft_rec_pytype *type, char *ret_name)
{
	uint64_t at = 0;
	size_t n = 0;

	if (memory_read(type->hdr.pid, type->type + TP_NAME, &at, sizeof(at)))
		return 0;
	while (n < NAME_MAX_BYTES && !memory_read(type->hdr.pid, at + n, &ret_name[n], 1) &&
	       ret_name[n])
		n++;
	return n;
}

const struct ft_rec *type_name_fill(struct named_type *n, const struct ft_rec *rec)
{
	struct ft_rec_pytype *type = (void *)n->bytes;
	struct ft_token *token = first_token(type);
	char name[NAME_MAX_BYTES];
	size_t len;

	if (rec->type != FT_REC_TYPE || rec->size < sizeof(*type) + sizeof(*token) ||
	    first_token(rec)->len)
		return rec;
	memset(n, 0, sizeof(*n));
	memcpy(type, rec, sizeof(*type));
	len = read_name(type, name);
	if (!len)
		return rec;
	*token = (struct ft_token){.kind = FT_T_STR, .width = 1, .len = len};
	memcpy(token + 1, name, len);
	token += 1 + (len + 7) / 8;
	token[0] = token[1] = (struct ft_token){.kind = FT_T_NONE}; /* a class made in C */
	type->hdr.size = (unsigned char *)(token + 2) - n->bytes;
	return &type->hdr;
}
