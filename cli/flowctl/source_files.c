/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "source/interpreter.h"
#include "source_files.h"

static void on_skip(void *arg, const char *text)
{
	fprintf(stderr, "flowctl: %s\n", text);
	*(int *)arg = EXIT_OTHER;
}

int source_files_open(struct files *f, const struct arguments *a, int *ret_status)
{
	struct why w = {};
	int err = interpreter_start(&w);

	*ret_status = EXIT_DONE;
	if (err) {
		*ret_status = command_fail(&w);
		return err;
	}
	for (size_t i = 0; i < a->noperands; i++) {
		w = (struct why){};
		if (files_add(f, a->operand[i], on_skip, ret_status, &w))
			*ret_status = command_fail(&w);
	}
	return 0;
}

void source_files_close(struct files *f)
{
	files_release(f);
	interpreter_stop();
}

void source_file_fail(const char *path, const struct why *w)
{
	/* Some reasons name the file themselves. */
	if (strstr(w->text, path))
		fprintf(stderr, "flowctl: %s\n", w->text);
	else
		fprintf(stderr, "flowctl: %s: %s\n", path, w->text);
}

struct json_object *source_text(const char *text)
{
	struct buf b = {};
	const char *end = text ? text + strlen(text) : NULL;
	struct json_object *value;
	char *room;

	if (!text)
		return NULL;
	while (text < end && (room = buf_room(&b, UTF8_MAX)))
		b.len += (size_t)(utf8_put(room, utf8_get(&text, end)) - room);
	value = json_object_new_string_len(b.s ? b.s : "", (int)b.len);
	buf_release(&b);
	return value;
}

void source_add_text(struct json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, source_text(text));
}

void source_add_number(struct json_object *o, const char *key, size_t n)
{
	json_object_object_add(o, key, json_object_new_int64((int64_t)n));
}

void source_add_bool(struct json_object *o, const char *key, bool b)
{
	json_object_object_add(o, key, json_object_new_boolean(b));
}

void source_print_json(struct json_object *o)
{
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
						       JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}
