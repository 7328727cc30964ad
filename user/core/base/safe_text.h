/* SPDX-License-Identifier: MIT */
/*
 * Escapes the characters that a terminal would obey, and those that it does not show. Others choose
 * the names and paths of a target, of its files and of its trace: these must not control the
 * terminal or reverse the direction of a line.
 */
#ifndef FT_SAFE_TEXT_H
#define FT_SAFE_TEXT_H

#include "base/buf.h"

/* Appends text as a part of one line: newlines are escaped too ("\n", "\x1b", "\u202e"). Invalid
 * UTF-8 becomes U+FFFD. */
void safe_text(struct buf *b, const char *s, size_t len);

/* Appends whole lines: newlines and tabs stay, the rest is escaped as in JSON ("\u001b"), so that a
 * line of JSON remains one. Returns the number of bytes taken: all, except for an incomplete
 * character at the end unless `last`. */
size_t safe_lines(struct buf *b, const char *s, size_t len, bool last);

#endif
