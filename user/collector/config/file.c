/* SPDX-License-Identifier: MIT */
/*
 * The configuration file: one JSON object whose keys are the long options.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "config/parser.h"

#define MAX_FILE_BYTES (1 << 20)

int config_file_set(struct parser *p, const struct option_row *o, bool off,
		    struct json_object *value)
{
	enum json_type type = json_object_get_type(value);
	bool list = o->kind == KIND_LIST || o->kind == KIND_PIDS;
	bool text = list || o->kind == KIND_TEXT || o->kind == KIND_CHOICE;
	const char *s;

	if (type == json_type_null || type == json_type_object || type == json_type_array ||
	    (type == json_type_boolean && text))
		return parser_wrong(p, "%s is not a value for it",
				    json_object_to_json_string(value));
	s = json_object_get_string(value);
	if (!s)
		return parser_no_memory(p);
	if (type == json_type_string && strlen(s) != (size_t)json_object_get_string_len(value))
		return parser_wrong(p, "the text holds a zero byte");
	return option_set(p, o, off, s);
}

static int read_key(struct parser *p, const char *path, const char *key, struct json_object *value)
{
	bool off;
	const struct option_row *o = option_of_key(key, &off);
	int err = 0;

	if (!strcmp(key, "rules"))
		return rules_read(p, path, value);
	if (!o)
		return why_exit(p->w, EXIT_USAGE, -EINVAL,
				"%s: unknown key \"%s\": keys are the long options of --help", path,
				key);
	snprintf(p->where, sizeof(p->where), "%s: %s", path, key);
	if ((o->kind != KIND_LIST && o->kind != KIND_PIDS) ||
	    !json_object_is_type(value, json_type_array))
		return config_file_set(p, o, off, value);
	option_begin(p, o);
	for (size_t i = 0; !err && i < json_object_array_length(value); i++)
		err = config_file_set(p, o, off, json_object_array_get_idx(value, i));
	return err;
}

/* Reads path whole; the caller frees. */
static int slurp(const char *path, char **ret_text, size_t *ret_len, struct why *w)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t len = 0;
	int err;

	if (!f) {
		err = -errno;
		return why_exit(w, EXIT_USAGE, err, "cannot read the configuration file %s: %s",
				path, strerror(-err));
	}
	text = malloc(MAX_FILE_BYTES + 1);
	if (text)
		len = fread(text, 1, MAX_FILE_BYTES + 1, f);
	if (!text) {
		err = why(w, -ENOMEM, "out of memory while reading %s", path);
	} else if (ferror(f)) {
		err = why_exit(w, EXIT_USAGE, -EIO, "cannot read the configuration file %s: %s",
			       path, strerror(errno));
	} else if (len > MAX_FILE_BYTES) {
		err = why_exit(w, EXIT_USAGE, -EFBIG,
			       "%s is over 1 MiB: is it a configuration file?", path);
	} else {
		*ret_text = text;
		*ret_len = len;
		text = NULL;
		err = 0;
	}
	free(text);
	fclose(f);
	return err;
}

static int parse_json(const char *path, const char *text, size_t len,
		      struct json_object **ret_object, struct why *w)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *object;
	size_t at;
	int line = 1, err = 0;

	if (!tokener)
		return why(w, -ENOMEM, "out of memory while reading %s", path);
	object = json_tokener_parse_ex(tokener, text, (int)len);
	at = json_tokener_get_parse_end(tokener);
	for (size_t i = 0; i < at && i < len; i++)
		line += text[i] == '\n';
	while (object && at < len && isspace((unsigned char)text[at]))
		at++;
	if (json_tokener_get_error(tokener) == json_tokener_continue) {
		err = why_exit(w, EXIT_USAGE, -EINVAL,
			       "%s: the JSON object is not complete at the end of the file", path);
	} else if (json_tokener_get_error(tokener) != json_tokener_success || at < len) {
		err = why_exit(w, EXIT_USAGE, -EINVAL, "%s: line %d is not JSON: %s", path, line,
			       object ? "text after the object"
				      : json_tokener_error_desc(json_tokener_get_error(tokener)));
	} else if (!json_object_is_type(object, json_type_object)) {
		err = why_exit(w, EXIT_USAGE, -EINVAL,
			       "%s: a configuration file is one JSON object, such as "
			       "{\"prefix\": \"myapp\"}",
			       path);
	}
	json_tokener_free(tokener);
	if (err)
		json_object_put(object);
	else
		*ret_object = object;
	return err;
}

int config_file_parse(const char *path, struct json_object **ret_object, struct why *w)
{
	char *text = NULL;
	size_t len = 0;
	int err = slurp(path, &text, &len, w);

	if (!err)
		err = parse_json(path, text, len, ret_object, w);
	free(text);
	return err;
}

int config_file_read(struct parser *p, const char *path)
{
	struct json_object *object = NULL;
	int err;

	p->layer = LAYER_FILE;
	err = config_file_parse(path, &object, p->w);
	if (!err) {
		json_object_object_foreach(object, key, value)
		{
			err = read_key(p, path, key, value);
			if (err)
				break;
		}
	}
	json_object_put(object);
	return err;
}
