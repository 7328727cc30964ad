/* SPDX-License-Identifier: MIT */
/*
 * The door between our two programs and a terminal. Once terminal_guard() was called, all that
 * stdio writes to a terminal passes it, whatever wrote it: a control character, a mark that turns
 * the direction of text, what is not UTF-8 comes out written out (base/safe_text.h). Colours are
 * tokens that the door alone can tell from text: they hold a random number of this run.
 *
 *     printf() --> stdout --> door --> file descriptor        a terminal
 *     printf() --> stdout -----------> file descriptor        a file, a pipe: as it is
 *
 * Nothing else writes to standard output or standard error, but the screen of flowctl top.
 */
#ifndef FT_TERMINAL_H
#define FT_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

/* The first thing that main() does. */
void terminal_guard(void);

/* Is standard output, or standard error, one? */
bool terminal_is(FILE *f);

enum style {
	STYLE_PLAIN,
	STYLE_BOLD,
	STYLE_DIM,
	STYLE_RED,
	STYLE_GREEN,
	STYLE_YELLOW,
	STYLE_CYAN,
	STYLE_CLEAR_LINE, /* to its beginning, and nothing on it */
	STYLES,
};

/* What to print to switch to it; "" where there is no terminal or colours are not wanted: TERM is
 * "dumb", or NO_COLOR is set. */
const char *style(FILE *f, enum style s);
/* Are they wanted there? */
bool style_wanted(FILE *f);
/* The same for who writes to the terminal without the door. */
const char *style_sequence(enum style s);

/* One line, whatever the arguments hold: newlines in them are written out, on a terminal or not. */
void terminal_line(FILE *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
