/* SPDX-License-Identifier: MIT */
/*
 * What every layer does besides reading its values: reports where something is wrong, and overrides
 * an option of the layers below.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "config/parser.h"

int parser_wrong(struct parser *p, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return why_exit(p->w, EXIT_USAGE, -EINVAL, "%s: %s", p->where, text);
}

int parser_no_memory(struct parser *p)
{
	return why(p->w, -ENOMEM, "out of memory while reading the options");
}

void option_begin(struct parser *p, const struct option_row *o)
{
	if ((o->flags & FLAG_TARGET) && p->layer > p->targets_by) {
		for (size_t i = 0; i < option_count; i++)
			if (option_rows[i].flags & FLAG_TARGET)
				option_clear(p->c, &option_rows[i]);
		p->targets_by = p->layer;
	}
	if (p->set_by[o - option_rows] != p->layer)
		option_clear(p->c, o);
	p->set_by[o - option_rows] = p->layer;
}
