/* SPDX-License-Identifier: MIT */
/* Text of others as a string of JSON: it is bytes, JSON is UTF-8. */
#ifndef FT_CLI_JSON_TEXT_H
#define FT_CLI_JSON_TEXT_H

struct json_object;

/* NULL: null. */
struct json_object *json_text(const char *text);
void json_add_text(struct json_object *o, const char *key, const char *text);

#endif
