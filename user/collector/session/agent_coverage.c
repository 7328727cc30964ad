/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "agent_coverage.h"

#define OWN "flowtrace_agent" /* the agent never traces itself, which is not a gap */

static bool starts(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* The text after `text` in a list, or the first one for NULL; NULL at its end. */
static const char *next(const char *list, uint32_t bytes, const char *text)
{
	const char *at = text ? text + strlen(text) + 1 : list;

	return at < list + bytes ? at : NULL;
}

static bool excludes_itself_alone(const struct ft_agent_status *s)
{
	const char *text = NULL;

	while ((text = next(s->exclude, s->exclude_bytes, text)))
		if (!starts(text, OWN))
			return false;
	return true;
}

/* Is every module under this prefix recorded? Without a list of prefixes some are excluded by their
 * file. */
static bool includes(const struct ft_agent_status *s, const char *prefix)
{
	const char *text = NULL;

	while ((text = next(s->prefix, s->prefix_bytes, text)))
		if (starts(prefix, text))
			return true;
	return false;
}

static bool excludes_some(const struct ft_agent_status *s, const char *prefix)
{
	const char *text = NULL;

	while ((text = next(s->exclude, s->exclude_bytes, text)))
		if (starts(prefix, text) || starts(text, prefix))
			return true;
	return false;
}

bool agent_covers(const struct ft_agent_status *s, const struct config *c)
{
	if (!s->active || s->overflow)
		return false;
	for (int kind = FT_RUNTIME_NONE + 1; kind < FT_RUNTIME_COUNT; kind++)
		if (c->runtime[kind]) /* it shows calls alone */
			return false;
	if (config_leaves_out(c)) /* BPF does, and the agent has written all by then */
		return false;
	if (!c->prefix.count)
		return !s->prefix_bytes && excludes_itself_alone(s);
	for (size_t i = 0; i < c->prefix.count; i++)
		if (!includes(s, c->prefix.at[i]) || excludes_some(s, c->prefix.at[i]))
			return false;
	return true;
}
