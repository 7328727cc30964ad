/* SPDX-License-Identifier: MIT */
/*
 * flowctl top on a terminal: what is drawn, and what keys do.
 */
#ifndef FT_TOP_SCREEN_H
#define FT_TOP_SCREEN_H

#include "screen.h"
#include "top_view.h"

struct top_screen {
	struct screen screen;
	bool frozen, typing; /* a filter */
	bool quit;
};

/* note: NULL or a line to show. False: the terminal is gone. */
bool top_screen_draw(struct top_screen *s, const struct top_view *v, const char *title,
		     const char *note);
/* One byte that was typed; changes the view too. */
void top_screen_key(struct top_screen *s, struct top_view *v, char key);

#endif
