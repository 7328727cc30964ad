/* SPDX-License-Identifier: MIT */
/*
 * Renders one value within a field, and keeps account of the room that is left: for render_field.c.
 */
#ifndef FT_RENDER_VALUE_H
#define FT_RENDER_VALUE_H

#include "base/json.h"
#include "decode/render.h"

/* Not an error: the element did not fit, or its value is missing. The function that opened the
 * container takes back what was written of the element and cuts there. */
#define RENDER_NO_ROOM 1

#define CUT_ARRAY ", " JSON_DOTS "]"
#define CUT_OBJECT ", " JSON_DOTS ": " JSON_DOTS "}"
#define LEN(literal) (sizeof(literal) - 1)

/* A position in the field that is being rendered. */
struct render_mark {
	size_t len, chars, counted;
};

static inline struct render_mark render_mark(const struct render *r)
{
	return (struct render_mark){r->out.len, r->chars, r->counted};
}

static inline void render_take_back(struct render *r, const struct render_mark *m)
{
	r->out.len = m->len;
	r->chars = m->chars;
	r->counted = m->counted;
}

static inline struct pytext render_pytext(struct render *r, struct buf *out)
{
	return (struct pytext){.out = out, .types = r->types, .pid = r->pid};
}

/* The next value. 0, RENDER_NO_ROOM, or -errno. */
int render_any(struct render *r, struct tokens *t);
/* An object, or an array. */
int render_open(struct render *r, bool object, const struct tokens *t);
void render_close(struct render *r, bool object, bool cut, bool empty);

#endif
