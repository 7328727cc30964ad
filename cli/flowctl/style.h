/* SPDX-License-Identifier: MIT */
/*
 * Colours, where they are wanted: on a terminal that is not "dumb", unless NO_COLOR is set.
 */
#ifndef FT_STYLE_H
#define FT_STYLE_H

#include <stdbool.h>
#include <stdio.h>

enum style { STYLE_PLAIN, STYLE_BOLD, STYLE_DIM, STYLE_RED, STYLE_GREEN, STYLE_YELLOW, STYLE_CYAN };

/* What to print to switch to it; "" where colours are not wanted. */
const char *style(FILE *f, enum style s);
/* Are they wanted there? */
bool style_wanted(FILE *f);

#endif
