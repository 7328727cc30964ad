/* SPDX-License-Identifier: MIT */
/*
 * Text as a JSON string, the way Python's json.dumps(ensure_ascii=False) writes it: UTF-8
 * as it is, `"` and `\` and control characters escaped, lone surrogates as \udXXX.
 */
#ifndef FT_JSON_H
#define FT_JSON_H

#include "base/buf.h"

/* Written in the place of what is left out. */
#define JSON_DOTS "\"...\""

/* Appends a JSON string, quotes included. */
void json_string(struct buf *b, const char *s, size_t len);
/* The same for unchecked bytes, such as file names: invalid UTF-8 becomes U+FFFD. */
void json_string_unchecked(struct buf *b, const char *s, size_t len);
/* Without the quotes. */
void json_escape(struct buf *b, const char *s, size_t len);
/* The same into p, which has room for JSON_GROWTH * len bytes; returns the end. */
char *json_escape_to(char *p, const char *s, size_t len);
#define JSON_GROWTH 6

/* Appends JSON text, as line.c writes it, indented over several lines. */
void json_indent(struct buf *b, const char *s, size_t len);

/*
 * Shortens a JSON string that starts at b->s + start and ends b, quotes included, to at
 * most `room` characters, so that its text ends in "...". False, and nothing changed, when
 * not even `"..."` fits.
 */
bool json_cut_string(struct buf *b, size_t start, size_t room);

#endif
