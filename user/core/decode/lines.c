/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "decode/lines.h"
#include "decode/name.h"

struct code_lines {
	char *file, *name; /* owned; NULL: could not be read */
	enum ft_lines_how how;
	uint32_t first_line;
	size_t size;
	unsigned char table[];
};

/* ---- the line of an instruction ----------------------------------------------------------- */

/* Pairs of bytes (lnotab_notes.txt): add the first to the instruction offset, then the second to
 * the line. */
static uint32_t by_lnotab(const unsigned char *table, size_t size, uint32_t first, uint32_t at)
{
	int64_t line = first;
	uint32_t start = 0;

	for (size_t i = 0; i + 1 < size; i += 2) {
		start += table[i];
		if (start > at)
			break;
		line += (int8_t)table[i + 1];
	}
	return line > 0 && line <= UINT32_MAX ? line : 0;
}

/* Pairs of bytes (3.10): add the second to the line, which then holds for the number of bytes in
 * the first. */
static uint32_t by_deltas(const unsigned char *table, size_t size, uint32_t first, uint32_t at)
{
	int64_t line = first;
	uint32_t end = 0;

	for (size_t i = 0; i + 1 < size; i += 2) {
		int8_t delta = (int8_t)table[i + 1];
		bool none = delta == -128;

		line += none ? 0 : delta;
		end += table[i];
		if (end > at)
			return !none && line > 0 && line <= UINT32_MAX ? line : 0;
	}
	return 0;
}

#define LOCATION_FIRST 0x80 /* the first byte of an entry, and no other, has it */
#define LOCATION_ONE_LINE 10
#define LOCATION_NO_COLUMNS 13
#define LOCATION_LONG 14
#define LOCATION_NONE 15

/* A variable-length number: six bits per byte, lowest first; 0x40 = another byte follows. Its
 * lowest bit is the sign. */
static int64_t signed_number(const unsigned char *p, const unsigned char *end)
{
	uint64_t n = 0;

	for (unsigned shift = 0; p < end && shift < 36; shift += 6) {
		n |= (uint64_t)(*p & 0x3f) << shift;
		if (!(*p++ & 0x40))
			break;
	}
	return n & 1 ? -(int64_t)(n >> 1) : (int64_t)(n >> 1);
}

static uint32_t by_locations(const unsigned char *p, size_t size, uint32_t first, uint32_t at)
{
	const unsigned char *end = p + size;
	int64_t line = first;
	uint64_t stop = 0;

	while (p < end && *p & LOCATION_FIRST) {
		unsigned code = *p >> 3 & 15;

		stop += 2 * ((*p & 7) + 1);
		p++;
		if (code == LOCATION_LONG || code == LOCATION_NO_COLUMNS)
			line += signed_number(p, end);
		else if (code >= LOCATION_ONE_LINE && code < LOCATION_NO_COLUMNS)
			line += code - LOCATION_ONE_LINE;
		if (stop > at)
			return code != LOCATION_NONE && line > 0 && line <= UINT32_MAX ? line : 0;
		while (p < end && !(*p & LOCATION_FIRST))
			p++;
	}
	return 0;
}

uint32_t lines_find(enum ft_lines_how how, const unsigned char *table, size_t size, uint32_t first,
		    uint32_t at)
{
	switch (how) {
	case FT_LINES_LNOTAB:
		return by_lnotab(table, size, first, at);
	case FT_LINES_DELTAS:
		return by_deltas(table, size, first, at);
	case FT_LINES_LOCATIONS:
		return by_locations(table, size, first, at);
	}
	return 0;
}

/* ---- code objects -------------------------------------------------------------------------- */

static void code_free(struct code_lines *c)
{
	if (!c)
		return;
	free(c->file);
	free(c->name);
	free(c);
}

static bool free_one(void *arg, const struct map_slot *s)
{
	code_free(s->value);
	return true;
}

static bool free_of_process(void *arg, const struct map_slot *s)
{
	return s->a == *(uint32_t *)arg && free_one(NULL, s);
}

void lines_release(struct lines *l)
{
	map_sweep(&l->by_code, free_one, NULL);
	map_release(&l->by_code);
}

void lines_forget_process(struct lines *l, uint32_t pid)
{
	map_sweep(&l->by_code, free_of_process, &pid);
}

static int code_new(const struct ft_rec_lines *rec, struct tokens *t, struct code_lines **ret_code)
{
	struct token table = {};
	char *file = NULL, *name = NULL;
	struct code_lines *c;
	int err = name_read(t, &file);

	if (!err)
		err = name_read(t, &name);
	if (!err && tokens_peek(t))
		err = token_next(t, &table);
	if (!err && table.kind != FT_T_BYTES)
		table.len = 0;
	c = err ? NULL : malloc(sizeof(*c) + table.len);
	if (!c) {
		free(file);
		free(name);
		return err ? err : -ENOMEM;
	}
	*c = (struct code_lines){.file = file,
				 .name = name,
				 .how = rec->how,
				 .first_line = rec->first_line,
				 .size = table.len};
	if (table.len)
		memcpy(c->table, table.p, table.len);
	*ret_code = c;
	return 0;
}

int lines_learn(struct lines *l, const struct ft_rec_lines *rec, const void *end)
{
	struct code_lines *c;
	struct tokens t;
	void *old = NULL;
	int err;

	tokens_init(&t, rec + 1, end);
	err = code_new(rec, &t, &c);
	if (err)
		return err;
	err = map_put(&l->by_code, rec->hdr.pid, rec->code, c, &old);
	code_free(err ? c : old);
	return err;
}

/* ---- stacks --------------------------------------------------------------------------------- */

static uint32_t line_of(const struct code_lines *c, int32_t at, int32_t line)
{
	if (line >= 0)
		return line;
	if (at < 0)
		return 0;
	/* In 3.10 `at` counts instructions, which are two bytes. */
	if (c->how == FT_LINES_DELTAS && at < INT32_MAX / 2)
		at *= 2;
	return lines_find(c->how, c->table, c->size, c->first_line, at);
}

/* One entry, as it is written. */
struct entry {
	uint64_t code; /* 0: not known */
	const char *file, *name;
	uint32_t line; /* 0: not known */
};

static void put_json(struct buf *out, const char *s)
{
	size_t len = strlen(s);
	char *room = buf_room(out, JSON_GROWTH * len);

	if (room)
		out->len += json_escape_to(room, s, len) - room;
}

/* "file:line function" */
static void put_entry(const struct entry *e, struct buf *out)
{
	char number[16] = ":? ";

	if (e->line)
		snprintf(number, sizeof(number), ":%" PRIu32 " ", e->line);
	buf_char(out, '"');
	put_json(out, e->file ?: "?");
	buf_str(out, number);
	put_json(out, e->name ?: "?");
	buf_char(out, '"');
}

static void frame_entry(const struct lines *l, uint32_t pid, const struct token *token,
			struct entry *e)
{
	const struct code_lines *c = map_get(&l->by_code, pid, token->word[0]);

	*e = (struct entry){.code = token->word[0]};
	if (!c)
		return;
	e->file = c->file;
	e->name = c->name;
	e->line = line_of(c, token->word[1], token->word[1] >> 32);
}

/* Reads an entry that the process itself described; the caller owns *file and *name. */
static int told_entry(struct tokens *t, char **file, char **name, struct entry *e)
{
	struct token line;
	bool simple;
	int err = name_read(t, file);

	if (!err)
		err = token_next(t, &line);
	if (!err)
		err = name_read(t, name);
	if (!err)
		err = tokens_skip(t, &simple);
	*e = (struct entry){.file = *file, .name = *name};
	if (!err && line.kind == FT_T_INT && line.word[0] <= INT32_MAX)
		e->line = line.word[0];
	return err;
}

/* Reads one entry and writes it, unless it is left out. */
static int read_entry(const struct lines *l, struct tokens *t, uint32_t pid,
		      const struct token *token, bool left_out, struct buf *out)
{
	char *file = NULL, *name = NULL;
	struct entry e;
	int err = 0;

	if (token->kind == FT_T_FRAME)
		frame_entry(l, pid, token, &e);
	else
		err = token->kind == FT_T_TUPLE ? told_entry(t, &file, &name, &e) : -EBADMSG;
	if (!err && !left_out) {
		if (out->len > 1)
			BUF_LITERAL(out, ", ");
		put_entry(&e, out);
	}
	free(file);
	free(name);
	return err;
}

struct ahead {
	unsigned count;	  /* entries */
	unsigned of_code; /* ... of this code, the last of them at number `at` */
	unsigned at;
	bool whole; /* their END was not lost */
};

static int look_ahead(struct tokens t, uint64_t code, struct ahead *ret)
{
	struct ahead a = {};
	struct token token;
	bool simple;

	for (;; a.count++) {
		int err = token_next(&t, &token);

		if (!err && token_opens(token.kind))
			err = tokens_skip(&t, &simple);
		if (err || a.count > FT_MAX_STACK + 1)
			return err ? err : -EBADMSG;
		if (token.kind == FT_T_END || token.kind == FT_T_STOP)
			break;
		if (token.kind == FT_T_FRAME && token.word[0] == code) {
			a.at = a.count;
			a.of_code++;
		}
	}
	a.whole = token.kind == FT_T_END && !t.stopped;
	*ret = a;
	return 0;
}

/* Moves t to the entries after the exception; ret_known: their true number. */
static int open_list(struct tokens *t, uint64_t *ret_known)
{
	struct token token;
	bool simple;
	int err = token_next(t, &token);

	if (!err)
		err = tokens_skip(t, &simple);
	if (!err)
		err = token_next(t, &token);
	if (!err && token.kind != FT_T_LIST && token.kind != FT_T_STOP)
		err = -EBADMSG;
	if (!err)
		*ret_known = token.kind == FT_T_LIST ? token.word[0] : 0;
	return err;
}

int lines_stack(const struct lines *l, struct tokens *t, uint32_t pid, uint64_t below,
		struct buf *out, struct text *ret_stack)
{
	struct token token;
	struct ahead a;
	uint64_t known;
	int err = open_list(t, &known);
	bool cut;

	if (!err)
		err = look_ahead(*t, below, &a);
	if (err || !a.whole || (below && a.of_code != 1))
		return err;
	cut = !below && known > a.count;
	buf_clear(out);
	buf_str(out, cut ? "[\"...\"" : "[");
	for (unsigned i = 0; i < a.count && !err; i++) {
		err = token_next(t, &token);
		if (!err)
			err = read_entry(l, t, pid, &token, below && i < a.at, out);
	}
	buf_char(out, ']');
	if (err || out->failed)
		return err ? err : -ENOMEM;
	*ret_stack = (struct text){
		.s = out->s, .len = out->len, .cut = cut, .original_len = cut ? known : 0};
	return 0;
}
