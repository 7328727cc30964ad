/* SPDX-License-Identifier: MIT */
/*
 * One value inside of JSON text, by its path: "data.0.id" is key "data", element 0, key "id".
 */
#ifndef FT_TRACE_JSON_PATH_H
#define FT_TRACE_JSON_PATH_H

#include "calls/event.h"

/* A string's content, or any other value as it is. False: no such value, or no JSON. */
bool json_path_find(const char *json, size_t len, const char *path, struct trace_text *ret_text);

#endif
