/* SPDX-License-Identifier: MIT */
/*
 * Which characters a terminal would obey, or would show to nobody, and how they are written out.
 * Names and paths of a target, of its files and of its trace are the choice of others: what they
 * hold must steer no terminal and turn no line around.
 */
#ifndef FT_SAFE_TEXT_H
#define FT_SAFE_TEXT_H

#include "base/buf.h"

/* Appends text as a part of one line: newlines are written out as well ("\n", "\x1b", "\u202e").
 * What is not UTF-8 is U+FFFD. */
void safe_text(struct buf *b, const char *s, size_t len);

/* Appends whole lines: newlines and tabs stay, the rest is escaped as JSON has it ("\u001b"), so
 * that a line of JSON still is one. Returns how much of it was taken: all but a character whose
 * end may be still to come, unless `last`. */
size_t safe_lines(struct buf *b, const char *s, size_t len, bool last);

#endif
