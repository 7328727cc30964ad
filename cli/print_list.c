/* SPDX-License-Identifier: MIT */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "json_text.h"
#include "node/selection.h"
#include "print_list.h"
#include "terminal.h"

#define SHORT_ID 12 /* digits of a container's id */
#define WHY_NOT_MAX 400
#define UNKNOWN "unknown without root"

static void user_text(const struct listed *p, char text[40])
{
	if (p->user)
		snprintf(text, 40, "%s", p->user);
	else
		snprintf(text, 40, "%u", (unsigned)p->uid);
}

static void version_text(const struct listed *p, char text[40])
{
	const struct target *t = &p->target;

	if (!t->binary)
		snprintf(text, 40, "?");
	else if (t->micro < 0)
		snprintf(text, 40, "%d.%d", t->major, t->minor);
	else
		snprintf(text, 40, "%d.%d.%d", t->major, t->minor, t->micro);
}

static const char *can_text(const struct listed *p)
{
	return p->unknown ? "?" : p->why.exit_status ? "no" : "yes";
}

/* Did the user ask for less than all processes, or for less of some? */
static bool is_choosing(const struct config *c)
{
	return c->all && (selection_asked(c) || c->rules.given);
}

static void chosen_text(const struct listed *p, char text[40])
{
	if (!p->chosen)
		snprintf(text, 40, "no");
	else if (p->rule >= 0)
		snprintf(text, 40, "rules[%d]", p->rule);
	else
		snprintf(text, 40, "yes");
}

/* "namespace/pod/container", as far as it is known, else the id of the container. */
static char *place_of(const struct workload *w)
{
	struct buf b = {};
	char *text;

	if (w->pod || w->uid) {
		buf_str(&b, w->namespace ?: "?");
		buf_str(&b, "/");
		buf_str(&b, w->pod ?: w->uid);
		if (w->name || w->container)
			buf_str(&b, "/");
		buf_str(&b, w->name ?: "");
	}
	if (w->container && !w->name)
		buf_add(&b, w->container, strnlen(w->container, SHORT_ID));
	text = b.len ? buf_dup(&b) : strdup("-");
	buf_release(&b);
	return text;
}

/* ---- for people ------------------------------------------------------------------------ */

enum { PID, USER, PYTHON, CAN, CHOSEN, PLACE, COLUMNS };

struct row {
	char text[PLACE][40];
	char *place; /* owned */
};

static const char *cell(const struct row *r, int column)
{
	return column == PLACE ? r->place ?: "?" : r->text[column];
}

static struct row row_of(const struct listed *p)
{
	struct row r = {};

	snprintf(r.text[PID], sizeof(r.text[PID]), "%d", p->pid);
	user_text(p, r.text[USER]);
	version_text(p, r.text[PYTHON]);
	snprintf(r.text[CAN], sizeof(r.text[CAN]), "%s", can_text(p));
	chosen_text(p, r.text[CHOSEN]);
	r.place = place_of(&p->workload);
	return r;
}

static const struct row title = {
	.text = {"PID", "USER", "PYTHON", "TRACEABLE", "CHOSEN"},
	.place = (char *)"CONTAINER",
};

static void measure(const struct row *r, const struct config *c, int width[COLUMNS])
{
	for (int i = 0; i < COLUMNS; i++) {
		int n = (int)strlen(cell(r, i));

		if (i == CHOSEN && !is_choosing(c))
			n = -2; /* with the gap: no column */
		if (n > width[i])
			width[i] = n;
	}
}

/* Of a terminal; 0: what is printed goes elsewhere. */
static int terminal_width(void)
{
	struct winsize size;

	return terminal_is(stdout) && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) ? size.ws_col : 0;
}

static void print_row(const struct row *r, const char *command, const int width[COLUMNS])
{
	int room = terminal_width();
	struct buf b = {};

	for (int i = 0; i < COLUMNS; i++) {
		if (width[i] < 0)
			continue;
		buf_str(&b, cell(r, i));
		for (int n = (int)strlen(cell(r, i)); n < width[i] + 2; n++)
			buf_char(&b, ' ');
	}
	buf_str(&b, command);
	if (room && b.len > (size_t)room)
		b.len = room;
	terminal_line(stdout, "%.*s", (int)b.len, b.s);
	buf_release(&b);
}

static void print_why(const struct listed *p)
{
	if (p->unknown)
		terminal_line(stdout, "         " UNKNOWN);
	else if (p->why.exit_status)
		terminal_line(stdout, "         %.*s", WHY_NOT_MAX, p->why.text);
}

void print_list(const struct list *l, const struct config *c)
{
	struct row *rows = calloc(l->count + 1, sizeof(*rows));
	int width[COLUMNS] = {0, 0, 0, 0, -2, 0};

	if (!rows)
		return;
	measure(&title, c, width);
	for (size_t i = 0; i < l->count; i++) {
		rows[i] = row_of(l->at[i]);
		measure(&rows[i], c, width);
	}
	print_row(&title, "COMMAND", width);
	for (size_t i = 0; i < l->count; i++) {
		print_row(&rows[i], l->at[i]->command, width);
		print_why(l->at[i]);
		free(rows[i].place);
	}
	free(rows);
}

/* ---- for programs ---------------------------------------------------------------------- */

static struct json_object *pod_json(const struct workload *w)
{
	struct json_object *o;

	if (!w->pod && !w->uid)
		return NULL;
	o = json_object_new_object();
	json_add_text(o, "namespace", w->namespace);
	json_add_text(o, "pod", w->pod);
	json_add_text(o, "uid", w->uid);
	json_add_text(o, "container", w->name);
	return o;
}

static struct json_object *process_json(const struct listed *p, const struct config *c)
{
	struct json_object *o = json_object_new_object();
	const char *reason = p->unknown ? UNKNOWN : p->why.exit_status ? p->why.text : NULL;
	char version[40];

	version_text(p, version);
	json_object_object_add(o, "pid", json_object_new_int(p->pid));
	json_object_object_add(o, "uid", json_object_new_int64(p->uid));
	json_add_text(o, "user", p->user);
	json_add_text(o, "version", p->target.binary ? version : NULL);
	json_add_text(o, "command", p->command);
	json_add_text(o, "container", p->workload.container);
	json_object_object_add(o, "k8s", pod_json(&p->workload));
	json_object_object_add(o, "traceable",
			       p->unknown ? NULL : json_object_new_boolean(!p->why.exit_status));
	json_object_object_add(o, "status", json_object_new_int(p->why.exit_status));
	json_add_text(o, "reason", reason);
	if (!c->all)
		return o;
	json_object_object_add(o, "chosen", json_object_new_boolean(p->chosen));
	json_object_object_add(o, "rule", p->rule < 0 ? NULL : json_object_new_int(p->rule));
	return o;
}

void print_list_json(const struct list *l, const struct config *c)
{
	for (size_t i = 0; i < l->count; i++) {
		struct json_object *o = process_json(l->at[i], c);

		puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
							       JSON_C_TO_STRING_NOSLASHESCAPE));
		json_object_put(o);
	}
}
