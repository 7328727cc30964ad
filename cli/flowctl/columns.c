/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"

#define GAP 2
#define WIDTH_MIN 12 /* of a column that is cut */

void columns_init(struct columns *c, const struct column *column, size_t count)
{
	*c = (struct columns){.column = column, .count = count};
}

void columns_release(struct columns *c)
{
	for (size_t i = 0; i < c->cells; i++)
		free(c->cell[i]);
	free(c->cell);
}

static void add_cell(struct columns *c, char *text)
{
	if (c->cells == c->room && text) {
		size_t room = c->room ? c->room * 2 : 256;
		char **more = realloc(c->cell, room * sizeof(*more));

		if (more) {
			c->cell = more;
			c->room = room;
		}
	}
	if (!text || c->cells == c->room) {
		c->failed = true;
		free(text);
		return;
	}
	c->cell[c->cells++] = text;
}

void columns_bytes(struct columns *c, const char *s, size_t len)
{
	struct buf b = {0};

	safe_text(&b, s, len);
	add_cell(c, buf_dup(&b));
	buf_release(&b);
}

void columns_text(struct columns *c, const char *s)
{
	columns_bytes(c, s, strlen(s));
}

void columns_u64(struct columns *c, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, n);
	columns_text(c, text);
}

void columns_u64_or_none(struct columns *c, uint64_t n)
{
	if (n)
		columns_u64(c, n);
	else
		columns_text(c, "");
}

void columns_us(struct columns *c, double us)
{
	char text[DURATION_MAX];

	duration_text(text, us);
	columns_text(c, text);
}

void columns_us_or_none(struct columns *c, double us)
{
	if (us > 0)
		columns_us(c, us);
	else
		columns_text(c, "");
}

/* Three digits that count. */
static void put_scaled(char to[DURATION_MAX], double n, const char *unit)
{
	int digits = n < 9.995 ? 2 : n < 99.95 ? 1 : 0;

	snprintf(to, DURATION_MAX, "%.*f %s", digits, n, unit);
}

void duration_text(char to[DURATION_MAX], double us)
{
	if (us < 999.5)
		snprintf(to, DURATION_MAX, "%.0f µs", us);
	else if (us < 999.5e3)
		put_scaled(to, us / 1e3, "ms");
	else
		put_scaled(to, us / 1e6, "s");
}

static size_t rows_of(const struct columns *c)
{
	return c->cells / c->count;
}

static const char *cell(const struct columns *c, size_t row, size_t column)
{
	return c->cell[row * c->count + column];
}

/* As wide as their widest; then the widest text column gives way until all fits. */
static void find_widths(const struct columns *c, size_t *width)
{
	size_t terminal = terminal_width(), all = 0, widest = c->count;

	for (size_t i = 0; i < c->count; i++) {
		width[i] = text_width(c->column[i].title, strlen(c->column[i].title));
		for (size_t row = 0; row < rows_of(c); row++) {
			const char *s = cell(c, row, i);
			size_t w = text_width(s, strlen(s));

			width[i] = w > width[i] ? w : width[i];
		}
		all += width[i] + (i ? GAP : 0);
	}
	while (terminal && all > terminal) {
		size_t over = all - terminal, next = 0, give;

		widest = c->count;
		for (size_t i = 0; i < c->count; i++)
			if (c->column[i].kind != COLUMN_RIGHT &&
			    (widest == c->count || width[i] > width[widest]))
				widest = i;
		if (widest == c->count || width[widest] <= WIDTH_MIN)
			return;
		for (size_t i = 0; i < c->count; i++)
			if (i != widest && c->column[i].kind != COLUMN_RIGHT && width[i] > next)
				next = width[i];
		/* Down to the next widest, then turn by turn. */
		give = width[widest] > next ? width[widest] - next : 1;
		give = give < over ? give : over;
		if (width[widest] - give < WIDTH_MIN)
			give = width[widest] - WIDTH_MIN;
		width[widest] -= give;
		all -= give;
	}
}

static void put_cell(struct buf *line, const struct column *column, const char *s, size_t width,
		     bool last)
{
	struct buf shown = {0};
	size_t taken;

	cut_text(&shown, s, strlen(s), width, column->kind == COLUMN_LEFT_END);
	taken = shown.len ? text_width(shown.s, shown.len) : 0;
	for (size_t i = taken; i < width && column->kind == COLUMN_RIGHT; i++)
		buf_char(line, ' ');
	if (shown.len)
		buf_add(line, shown.s, shown.len);
	for (size_t i = taken; i < width && column->kind != COLUMN_RIGHT && !last; i++)
		buf_char(line, ' ');
	buf_release(&shown);
}

static void put_row(const struct columns *c, const size_t *width, size_t row, struct buf *line)
{
	buf_clear(line);
	for (size_t i = 0; i < c->count; i++) {
		if (i)
			BUF_LITERAL(line, "  ");
		put_cell(line, &c->column[i], row ? cell(c, row - 1, i) : c->column[i].title,
			 width[i], i + 1 == c->count);
	}
	while (line->len && line->s[line->len - 1] == ' ')
		line->len--;
}

int columns_print(const struct columns *c)
{
	size_t width[COLUMNS_MAX];
	struct buf line = {0};

	if (c->failed)
		return -ENOMEM;
	find_widths(c, width);
	for (size_t row = 0; row <= rows_of(c); row++) {
		put_row(c, width, row, &line);
		if (!row)
			fputs(style(stdout, STYLE_BOLD), stdout);
		fwrite(line.s, 1, line.len, stdout);
		if (!row)
			fputs(style(stdout, STYLE_PLAIN), stdout);
		putchar('\n');
	}
	buf_release(&line);
	return 0;
}
