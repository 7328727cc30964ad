/* SPDX-License-Identifier: MIT */
/*
 * The rules of the configuration file. A rule is a struct config of its own, of which only some
 * rows may be set, so the values of a rule are read as those of options are.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "config/parser.h"

#define RULES_MAX 64 /* every one may be a policy of its own, and they change all at once */

_Static_assert(OPTIONS_MAX <= 64, "rule.given has a bit for each row");

/* The options of a rule that are set hold nothing else that is owned. */
static void rule_release(struct rule *r)
{
	for (size_t i = 0; i < option_count; i++)
		option_clear(&r->options, &option_rows[i]);
}

void rules_release(struct rules *r)
{
	for (size_t i = 0; i < r->count; i++)
		rule_release(&r->at[i]);
	free(r->at);
	*r = (struct rules){};
}

/* ---- one value ------------------------------------------------------------------------------ */

static bool is_typed(const struct option_row *o, struct json_object *value)
{
	switch (o->kind) {
	case KIND_SWITCH:
		return json_object_is_type(value, json_type_boolean);
	case KIND_LIMIT:
	case KIND_NUMBER:
		return json_object_is_type(value, json_type_int);
	default:
		return json_object_is_type(value, json_type_string);
	}
}

static int set(struct parser *p, const struct option_row *o, bool off, struct json_object *value)
{
	if (!is_typed(o, value))
		return parser_wrong(p, "%s is not %s", json_object_to_json_string(value),
				    o->kind == KIND_SWITCH ? "true or false"
				    : o->kind == KIND_LIMIT || o->kind == KIND_NUMBER
					    ? "a whole number"
					    : "a text, or a list of texts");
	return config_file_set(p, o, off, value);
}

static int set_all(struct parser *p, const struct option_row *o, bool off,
		   struct json_object *value)
{
	int err = 0;

	if (o->kind != KIND_LIST || !json_object_is_type(value, json_type_array))
		return set(p, o, off, value);
	option_begin(p, o);
	for (size_t i = 0; !err && i < json_object_array_length(value); i++)
		err = set(p, o, off, json_object_array_get_idx(value, i));
	return err;
}

/* A pattern that names nothing would match everything. */
static int check_pattern(struct parser *p, const struct option_row *o)
{
	const struct strings *list = option_field(p->c, o);

	return o->flags & FLAG_CHOOSES && !list->count ? parser_wrong(p, "needs a pattern") : 0;
}

static int read_value(struct parser *p, struct rule *r, const struct option_row *o, bool off,
		      struct json_object *value)
{
	int err = set_all(p, o, off, value);

	r->given |= 1ULL << (o - option_rows);
	return err ?: check_pattern(p, o);
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* "namespace, pod and label", of the rows with one of these flags. */
static const char *names_of(unsigned flags, char *text, size_t size)
{
	size_t len = 0, left = 0;

	for (const struct option_row *o = option_rows; o < option_rows + option_count; o++)
		left += (o->flags & flags) != 0;
	for (const struct option_row *o = option_rows; o < option_rows + option_count; o++) {
		if (!(o->flags & flags) || len >= size)
			continue;
		left--;
		len += snprintf(text + len, size - len, "%s%s", o->name,
				left > 1 ? ", "
				: left	 ? " and "
					 : "");
	}
	return text;
}

/* base: what the user wrote so far, "f.json: rules[2]". */
static int read_key(struct parser *p, struct rule *r, const char *base, unsigned flags,
		    const char *key, struct json_object *value)
{
	char names[256];
	bool off;
	const struct option_row *o = option_of_key(key, &off);

	snprintf(p->where, sizeof(p->where), "%s.%s", base, key);
	if (!o || !(o->flags & flags))
		return parser_wrong(p, "unknown key: here may be %s%s",
				    flags & FLAG_CAPTURE ? "" : "capture, ",
				    names_of(flags, names, sizeof(names)));
	return read_value(p, r, o, off, value);
}

static int read_capture(struct parser *p, struct rule *r, const char *base,
			struct json_object *object)
{
	char here[PATH_MAX + 48];
	int err = 0;

	snprintf(here, sizeof(here), "%s.capture", base);
	snprintf(p->where, sizeof(p->where), "%s", here);
	if (!json_object_is_type(object, json_type_object))
		return parser_wrong(p, "%s is not an object, such as {\"args\": false}",
				    json_object_to_json_string(object));
	json_object_object_foreach(object, key, value)
	{
		err = err ?: read_key(p, r, here, FLAG_CAPTURE, key, value);
	}
	return err;
}

static int read_rule_key(struct parser *p, struct rule *r, const char *base, const char *key,
			 struct json_object *value)
{
	snprintf(p->where, sizeof(p->where), "%s.%s", base, key);
	if (!strcmp(key, "capture"))
		return read_capture(p, r, base, value);
	return read_key(p, r, base, FLAG_CHOOSES | FLAG_RULE, key, value);
}

static int read_rule(struct why *w, struct rule *r, const char *base, struct json_object *object)
{
	struct parser p = {.c = &r->options, .w = w, .layer = LAYER_FILE};
	int err = 0;

	snprintf(p.where, sizeof(p.where), "%s", base);
	if (!json_object_is_type(object, json_type_object))
		return parser_wrong(&p,
				    "%s is not a rule, such as {\"namespace\": \"shop-*\", "
				    "\"prefix\": [\"app\"]}",
				    json_object_to_json_string(object));
	json_object_object_foreach(object, key, value)
	{
		err = err ?: read_rule_key(&p, r, base, key, value);
	}
	return err;
}

int rules_read(struct parser *p, const char *path, struct json_object *value)
{
	struct rules *rules = &p->c->rules;
	char base[PATH_MAX + 32];
	size_t count;
	int err = 0;

	snprintf(p->where, sizeof(p->where), "%s: rules", path);
	if (!json_object_is_type(value, json_type_array))
		return parser_wrong(p, "%s is not a list of rules",
				    json_object_to_json_string(value));
	count = json_object_array_length(value);
	if (count > RULES_MAX)
		return parser_wrong(p, "more than %d rules, the maximum", RULES_MAX);
	rules_release(rules);
	rules->at = calloc(count + 1, sizeof(*rules->at));
	if (!rules->at)
		return parser_no_memory(p);
	rules->given = true;
	for (size_t i = 0; !err && i < count; i++) {
		snprintf(base, sizeof(base), "%s: rules[%zu]", path, i);
		rules->count++;
		err = read_rule(p->w, &rules->at[i], base, json_object_array_get_idx(value, i));
	}
	return err;
}

/* ---- what a rule does not say ---------------------------------------------------------------- */

static int copy_list(struct strings *to, const struct strings *from)
{
	to->at = calloc(from->count + 1, sizeof(*to->at));
	if (!to->at)
		return -ENOMEM;
	for (; to->count < from->count; to->count++) {
		to->at[to->count] = strdup(from->at[to->count]);
		if (!to->at[to->count])
			return -ENOMEM;
	}
	return 0;
}

static int copy_row(struct config *to, const struct config *from, const struct option_row *o)
{
	const void *value = (const char *)from + o->at;
	void *field = option_field(to, o);

	switch (o->kind) {
	case KIND_LIST:
		return copy_list(field, value);
	case KIND_SWITCH:
		*(bool *)field = *(const bool *)value;
		return 0;
	case KIND_NUMBER:
		*(uint64_t *)field = *(const uint64_t *)value;
		return 0;
	case KIND_LIMIT:
		*(unsigned *)field = *(const unsigned *)value;
		return 0;
	default:
		return -EINVAL;
	}
}

int rules_complete(const struct config *c, struct rules *r)
{
	int err = 0;

	for (size_t i = 0; i < r->count; i++)
		for (size_t row = 0; !err && row < option_count; row++)
			if (option_rows[row].flags & (FLAG_RULE | FLAG_CAPTURE) &&
			    !(r->at[i].given >> row & 1))
				err = copy_row(&r->at[i].options, c, &option_rows[row]);
	return err;
}

int config_reread_rules(const struct config *c, struct rules *ret_rules, struct why *w)
{
	struct json_object *object = NULL, *value = NULL;
	struct config rest = {};
	struct parser p = {.c = &rest, .w = w, .layer = LAYER_FILE};
	int err = config_file_parse(c->config_file, &object, w);

	if (!err && json_object_object_get_ex(object, "rules", &value))
		err = rules_read(&p, c->config_file, value);
	if (!err && rules_complete(c, &rest.rules))
		err = parser_no_memory(&p);
	json_object_put(object);
	if (err)
		rules_release(&rest.rules);
	else
		*ret_rules = rest.rules;
	return err;
}
