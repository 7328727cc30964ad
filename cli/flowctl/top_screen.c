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
	struct buf safe = {0};

	safe_text(&safe, text, strlen(text));
	screen_line(&s->screen, style, safe.s ? safe.s : "", safe.len);
	buf_release(&safe);
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

/* A title, marked when it is the one that rows are sorted by. */
static int put_title(char *to, size_t size, int width, const char *title, bool sorted)
{
	return snprintf(to, size, "%*s%s", width - (sorted ? 1 : 0), title, sorted ? "v" : "");
}

static void draw_titles(struct top_screen *s, const struct top_view *v)
{
	static const struct {
		const char *title;
		int width, sort;
	} column[] = {
		{"calls/s", 9, TOP_CALLS}, {"total%", 8, TOP_TOTAL}, {"self%", 8, TOP_SELF},
		{"mean", 9, -1},	   {"p95", 9, TOP_P95},	     {"errors", 8, TOP_ERRORS},
	};
	char text[160];
	size_t len = 0;

	for (size_t i = 0; i < sizeof(column) / sizeof(column[0]); i++)
		len += (size_t)put_title(text + len, sizeof(text) - len, column[i].width,
					 column[i].title, column[i].sort == v->sort);
	snprintf(text + len, sizeof(text) - len, "  function");
	draw_text(s, STYLE_BOLD, text);
}

/* Right-aligned, in columns of the terminal: "µ" is two bytes. */
static void put_duration(struct buf *b, double us, bool known)
{
	char text[DURATION_MAX] = "";
	size_t width;

	if (known)
		duration_text(text, us);
	width = text_width(text, strlen(text));
	for (size_t i = width; i < 9; i++)
		buf_char(b, ' ');
	buf_str(b, text);
}

static void draw_row(struct top_screen *s, const struct top_view *v, const struct top_row *row)
{
	struct buf b = {0}, name = {0};
	char text[96];
	size_t used;

	snprintf(text, sizeof(text), "%9.1f%8.1f%8.1f", top_rate(v, row->calls),
		 top_share(v, row->total_us), top_share(v, row->self_us));
	buf_str(&b, text);
	put_duration(&b, row->mean_us, row->calls);
	put_duration(&b, (double)row->p95_us, row->calls);
	if (row->errors)
		snprintf(text, sizeof(text), "%8llu  ", (unsigned long long)row->errors);
	else
		snprintf(text, sizeof(text), "%10s", "");
	buf_str(&b, text);
	used = b.s ? text_width(b.s, b.len) : 0;
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
