/* SPDX-License-Identifier: MIT */
/*
 * Answers of an API server. The first byte says how long the pieces are that it comes in; the rest
 * is read as a list and as a watch, and both must say the same of any other length.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "node/api/answers.h"
#include "node/api/cut.h"

static size_t fed_as(bool list, const char *s, size_t size, size_t step, struct answers *a)
{
	struct cut c;
	const char *rest;
	size_t len, pods;
	int err = 0;

	*a = (struct answers){};
	if (pods_new(&a->pods))
		abort();
	cut_init(&c, list, list ? answers_item : answers_event, a);
	for (size_t at = 0; !err && at < size; at += step)
		err = cut_feed(&c, s + at, step < size - at ? step : size - at);
	rest = err ? NULL : cut_rest(&c, &len);
	if (rest)
		(void)answers_list(a, rest, len);
	cut_release(&c);
	pods = pods_count(a->pods);
	pods_free(a->pods);
	a->pods = NULL;
	if (strlen(a->version) > VERSION_MAX || strlen(a->next) > CONTINUE_MAX || pods > PODS_MAX)
		abort();
	return pods;
}

int fuzz_pods(const uint8_t *data, size_t size)
{
	struct answers one, other;
	const char *s = (const char *)data + 1;

	if (!size)
		return 0;
	for (int list = 0; list < 2; list++)
		if (fed_as(list, s, size - 1, data[0] + 1, &one) !=
			    fed_as(list, s, size - 1, size, &other) ||
		    memcmp(&one, &other, sizeof(one)))
			abort();
	return 0;
}
