/* SPDX-License-Identifier: MIT */
#include "top_collector.h"

#define ARGUMENTS_MAX 24

struct line {
	const char *word[ARGUMENTS_MAX];
	size_t count;
	struct buf pids, prefix, exclude; /* comma lists */
};

static const char *joined(struct buf *b, const struct words *w)
{
	for (size_t i = 0; i < w->count; i++) {
		if (i)
			buf_char(b, ',');
		buf_str(b, w->word[i]);
	}
	buf_char(b, 0);
	return b->s ? b->s : "";
}

static void add_argument(struct line *l, const char *flag, const char *value)
{
	l->word[l->count++] = flag;
	if (value)
		l->word[l->count++] = value;
}

/* Values are not shown, so they are not captured. */
static void compose(struct line *l, const struct top_target *target)
{
	static const char *const backend[] = {"auto", "usdt", "uprobe", "agent"};

	add_argument(l, "flowtrace-bpf", NULL);
	add_argument(l, "--output", "-");
	add_argument(l, "--no-args", NULL);
	add_argument(l, "--no-result", NULL);
	add_argument(l, "--no-quiet", NULL);
	add_argument(l, "--verbose", NULL);
	if (target->backend)
		add_argument(l, "--backend", backend[target->backend]);
	if (target->follow)
		add_argument(l, "--follow", NULL);
	if (target->prefix.count)
		add_argument(l, "--prefix", joined(&l->prefix, &target->prefix));
	if (target->exclude.count)
		add_argument(l, "--exclude", joined(&l->exclude, &target->exclude));
	add_argument(l, "--pid", joined(&l->pids, &target->pids));
}

int top_collector_start(struct collector *c, const struct top_target *target, struct buf *title,
			struct why *w)
{
	struct line l = {0};
	int err;

	compose(&l, target);
	err = collector_start(c, l.word, w);
	BUF_LITERAL(title, "pid ");
	buf_str(title, l.pids.s ? l.pids.s : "");
	buf_release(&l.pids);
	buf_release(&l.prefix);
	buf_release(&l.exclude);
	return err;
}
