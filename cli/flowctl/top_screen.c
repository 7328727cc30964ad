/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/utf8.h"
#include "columns.h"
#include "top_screen.h"

#define ESCAPE 27
#define BACKSPACE 8
#define DELETE 127
#define CTRL_U 21

static const char sort_keys[] = "stcpe"; /* in the order of enum top_sort */

/* ---- drawing ------------------------------------------------------------------------------ */

static void draw_text(struct top_screen *s, enum style style, const char *text)
{
	screen_line(&s->screen, style, text, strlen(text));
}

static void draw_head(struct top_screen *s, const struct top_view *v, const char *title)
{
	struct buf b = {0};

	buf_str(&b, title);
	BUF_LITERAL(&b, "  ");
	top_view_sums(&b, v);
	if (s->frozen)
		BUF_LITERAL(&b, "  FROZEN");
	screen_line(&s->screen, v->all_lost ? STYLE_YELLOW : STYLE_BOLD, b.s ? b.s : "", b.len);
	buf_release(&b);
}

/* What is being typed, or else what there is to say, or else the keys. */
static void draw_help(struct top_screen *s, const struct top_view *v, const char *note)
{
	char text[256];

	if (s->typing || v->filter[0]) {
		snprintf(text, sizeof(text), "filter: %s%s", v->filter,
			 s->typing ? "_   Enter keeps it, Esc drops it" : "   / changes it");
		draw_text(s, STYLE_CYAN, text);
	} else if (note && *note) {
		draw_text(s, STYLE_YELLOW, note);
	} else {
		draw_text(s, STYLE_DIM,
			  "sort: s self, t total, c calls, p p95, e errors   / filter   space "
			  "freeze   q quit");
	}
}

/* Columns, and in which order they go where the window is too narrow for names. */
enum top_column { CALLS, TOTAL, SELF, WAIT, MEAN, P95, ERRORS, COLUMN_COUNT };

static const struct {
	const char *title;
	size_t width;
	int sort, goes; /* goes: the first is 1 */
} layout[COLUMN_COUNT] = {
	[CALLS] = {"calls/s", 10, TOP_CALLS, 7},
	[TOTAL] = {"total%", 8, TOP_TOTAL, 2},
	[SELF] = {"self%", 8, TOP_SELF, 6},
	[WAIT] = {"wait%", 8, -1, 3},
	[MEAN] = {"mean", 9, -1, 1},
	[P95] = {"p95", 9, TOP_P95, 5},
	[ERRORS] = {"errors/s", 10, TOP_ERRORS, 4},
};

#define NAME_WIDTH 20 /* that they are to have */

static bool is_shown(const struct top_screen *s, int column)
{
	size_t used = 2 + NAME_WIDTH;

	for (int i = 0; i < COLUMN_COUNT; i++)
		if (layout[i].goes >= layout[column].goes)
			used += layout[i].width;
	return used <= s->screen.width;
}

/* Right-aligned, by the columns that it takes: "µ" is two bytes. */
static void put_cell(struct buf *b, size_t width, const char *text)
{
	for (size_t used = text_width(text, strlen(text)); used < width; used++)
		buf_char(b, ' ');
	buf_str(b, text);
}

static void cell_text(char to[DURATION_MAX], const struct top_view *v, const struct top_row *row,
		      int column)
{
	to[0] = 0;
	if (column == CALLS)
		snprintf(to, DURATION_MAX, "%.1f", top_rate(v, row->calls));
	else if (column == TOTAL)
		snprintf(to, DURATION_MAX, "%.1f", top_share(v, row->total_us));
	else if (column == SELF)
		snprintf(to, DURATION_MAX, "%.1f", top_share(v, row->self_us));
	else if (column == WAIT && row->wait_us)
		snprintf(to, DURATION_MAX, "%.1f", top_share(v, row->wait_us));
	else if (column == MEAN && row->calls)
		duration_text(to, row->mean_us);
	else if (column == P95 && row->calls)
		duration_text(to, (double)row->p95_us);
	else if (column == ERRORS && row->errors)
		snprintf(to, DURATION_MAX, "%.1f", top_rate(v, row->errors));
}

/* The one that rows are sorted by is marked. */
static void draw_titles(struct top_screen *s, const struct top_view *v)
{
	struct buf b = {0};
	char text[32];

	for (int i = 0; i < COLUMN_COUNT; i++) {
		if (!is_shown(s, i))
			continue;
		snprintf(text, sizeof(text), "%s%s", layout[i].sort == v->sort ? "*" : "",
			 layout[i].title);
		put_cell(&b, layout[i].width, text);
	}
	BUF_LITERAL(&b, "  function");
	screen_line(&s->screen, STYLE_BOLD, b.s ? b.s : "", b.len);
	buf_release(&b);
}

static void draw_row(struct top_screen *s, const struct top_view *v, const struct top_row *row)
{
	struct buf b = {0}, name = {0};
	char text[DURATION_MAX];
	size_t used = 2;

	for (int i = 0; i < COLUMN_COUNT; i++) {
		if (!is_shown(s, i))
			continue;
		cell_text(text, v, row, i);
		put_cell(&b, layout[i].width, text);
		used += layout[i].width;
	}
	BUF_LITERAL(&b, "  ");
	safe_text(&name, row->name, strlen(row->name));
	if (s->screen.width > used && name.s)
		cut_text(&b, name.s, name.len, s->screen.width - used, true);
	screen_line(&s->screen, row->errors ? STYLE_RED : STYLE_PLAIN, b.s ? b.s : "", b.len);
	buf_release(&name);
	buf_release(&b);
}

bool top_screen_draw(struct top_screen *s, const struct top_view *v, const char *title,
		     const char *note)
{
	screen_begin(&s->screen);
	draw_head(s, v, title);
	draw_help(s, v, note);
	draw_titles(s, v);
	for (size_t i = 0; i < v->rows && screen_room(&s->screen); i++)
		if (top_view_shows(v, &v->row[i]))
			draw_row(s, v, &v->row[i]);
	return screen_end(&s->screen);
}

/* ---- keys ---------------------------------------------------------------------------------- */

static void type_filter(struct top_screen *s, struct top_view *v, char key)
{
	size_t len = strlen(v->filter);

	if (key == '\n' || key == '\r') {
		s->typing = false;
	} else if (key == ESCAPE) {
		s->typing = false;
		v->filter[0] = 0;
	} else if (key == CTRL_U) {
		v->filter[0] = 0;
	} else if ((key == BACKSPACE || key == DELETE) && len) {
		do
			v->filter[--len] = 0;
		while (len && utf8_continues(v->filter[len]));
	} else if ((unsigned char)key >= ' ' && key != DELETE && len + 1 < TOP_FILTER_MAX) {
		v->filter[len] = key;
		v->filter[len + 1] = 0;
	}
}

void top_screen_key(struct top_screen *s, struct top_view *v, char key)
{
	const char *sort = key ? strchr(sort_keys, key) : NULL;

	if (s->typing) {
		type_filter(s, v, key);
	} else if (sort) {
		v->sort = (int)(sort - sort_keys);
		top_view_sort(v);
	} else if (key == '/') {
		s->typing = true;
	} else if (key == ' ') {
		s->frozen = !s->frozen;
	} else if (key == ESCAPE) {
		v->filter[0] = 0;
	} else if (key == 'q' || key == 'Q') {
		s->quit = true;
	}
}
