/* SPDX-License-Identifier: MIT */
/*
 * The whole of a terminal, drawn line by line with the few sequences that every one of them knows:
 * no curses, since nothing is ever drawn but all lines from the top. It is as it was before after
 * screen_leave(), and after exit().
 */
#ifndef FT_SCREEN_H
#define FT_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "terminal.h"

/* Is there one, that can be drawn on? */
bool screen_is_possible(void);
void screen_enter(void);
void screen_leave(void);

struct screen {
	size_t width, height, line;
	struct buf out;
};

/* Asks for the size; what follows is drawn from the top. */
void screen_begin(struct screen *s);
/* The next line, cut to the width; nothing when there is no more room. */
void screen_line(struct screen *s, enum style style, const char *text, size_t len);
size_t screen_room(const struct screen *s); /* lines that are left */
/* Shows it. False: the terminal is gone. */
bool screen_end(struct screen *s);
void screen_release(struct screen *s);

#endif
