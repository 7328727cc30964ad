/* SPDX-License-Identifier: MIT */
#include <fnmatch.h>
#include <string.h>

#include "node/selection.h"

#define SHORT_ID 12 /* digits of an id, as docker ps shows it */

static bool is_like(const char *pattern, const char *text, int flags)
{
	return text && !fnmatch(pattern, text, flags);
}

static bool any_is_like(const struct strings *patterns, const char *text, int flags)
{
	for (size_t i = 0; i < patterns->count; i++)
		if (is_like(patterns->at[i], text, flags))
			return true;
	return false;
}

static bool begins_with_id(const char *id, const char *digits)
{
	size_t len = strlen(digits);

	return id && len >= SHORT_ID && strspn(digits, "0123456789abcdef-") == len &&
	       !strncmp(id, digits, len);
}

static bool is_container(const struct strings *patterns, const struct workload *w)
{
	for (size_t i = 0; i < patterns->count; i++)
		if (begins_with_id(w->container, patterns->at[i]))
			return true;
	return any_is_like(patterns, w->name, 0) || any_is_like(patterns, w->container, 0);
}

/* A pattern without = is that of a key. */
static bool label_is_like(const char *pattern, const char *label)
{
	const char *equals = strchr(label, '=');
	char key[512];

	if (strchr(pattern, '='))
		return is_like(pattern, label, 0);
	if (!equals || (size_t)(equals - label) >= sizeof(key))
		return false;
	memcpy(key, label, equals - label);
	key[equals - label] = '\0';
	return is_like(pattern, key, 0);
}

static bool has_label(const struct workload *w, const char *pattern)
{
	for (size_t i = 0; i < w->nlabels; i++)
		if (label_is_like(pattern, w->labels[i]))
			return true;
	return false;
}

static bool has_labels(const struct strings *patterns, const struct workload *w)
{
	for (size_t i = 0; i < patterns->count; i++)
		if (!has_label(w, patterns->at[i]))
			return false;
	return true;
}

static bool is_left_out(const struct strings *patterns, const struct workload *w)
{
	if (!patterns->count || !(w->uid || w->pod || w->namespace))
		return false;
	return !w->namespace || any_is_like(patterns, w->namespace, 0);
}

bool selection_asked(const struct config *c)
{
	return c->cgroup.count || c->container.count || c->namespace.count || c->pod.count ||
	       c->label.count || c->exclude_namespace.count || !strcmp(c->metadata, "api");
}

/* What one option says; open: what it is about may be known later. */
static enum choice one(bool given, bool matches, bool open)
{
	return !given || matches ? CHOICE_YES : open ? CHOICE_LATER : CHOICE_NO;
}

enum choice selection_choice(const struct config *c, const struct workload *w, struct unknown u)
{
	static const struct workload none;
	bool names = u.names || u.pod;
	/* Its pod may say no; and which rule matches depends on names. */
	enum choice all = u.pod || (names && c->rules.given) ? CHOICE_LATER : CHOICE_YES;

	w = w ?: &none;
	const enum choice each[] = {
		one(w->trace_off, false, false),
		one(c->container.count, is_container(&c->container, w), names && !w->name),
		one(c->namespace.count, any_is_like(&c->namespace, w->namespace, 0),
		    names && !w->namespace),
		one(c->pod.count, any_is_like(&c->pod, w->pod, 0), names && !w->pod),
		one(c->label.count, has_labels(&c->label, w), u.pod),
		one(c->exclude_namespace.count, !is_left_out(&c->exclude_namespace, w),
		    names && !w->namespace),
	};

	for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++)
		if (each[i] == CHOICE_NO)
			return CHOICE_NO;
		else if (each[i] == CHOICE_LATER)
			all = CHOICE_LATER;
	return all;
}

bool selection_has_cgroup(const struct config *c, const char *path)
{
	return !c->cgroup.count || any_is_like(&c->cgroup, path, FNM_LEADING_DIR);
}

const struct rule *selection_rule(const struct rules *r, const struct workload *w)
{
	for (size_t i = 0; i < r->count; i++)
		if (selection_choice(&r->at[i].options, w, (struct unknown){}) == CHOICE_YES)
			return &r->at[i];
	return NULL;
}
