/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "source/change.h"
#include "source/files.h"

/* One file on its way. */
struct work {
	const char *path; /* borrowed */
	const struct change_options *o;
	struct change_result *result;
	struct stat st;
	struct buf old, new;
	struct found found;
	struct lines lines;
	struct edits edits;
};

static void work_release(struct work *k)
{
	buf_release(&k->old);
	buf_release(&k->new);
	found_release(&k->found);
	lines_release(&k->lines);
	edits_release(&k->edits);
}

void change_result_release(struct change_result *r)
{
	buf_release(&r->diff);
}

static void count_left_out(struct work *k)
{
	for (size_t i = 0; i < k->found.nfunctions; i++) {
		const struct found_function *f = &k->found.function[i];

		if (f->state != FOUND_FREE && !is_wanted(f, k->o->all))
			k->result->left_out[f->state]++;
	}
}

static int look(struct work *k, struct why *w)
{
	enum refusal refusal;
	int err = file_read(k->path, &k->old, &k->st, w);

	if (err)
		return err;
	err = examine(k->old.s, k->old.len, &k->found, &refusal, w);
	if (!err && lines_init(&k->lines, k->old.s, k->old.len))
		err = why(w, -ENOMEM, "out of memory");
	return err;
}

static int edit(struct work *k, struct why *w)
{
	struct instrument_result *lines = &k->result->lines;

	if (k->o->undo)
		return uninstrument_edits(&k->found, &k->lines, &k->edits, lines, w);
	count_left_out(k);
	return instrument_edits(&k->found, &k->lines, k->o->all, &k->edits, lines, w);
}

static int apply(struct work *k, struct why *w)
{
	struct why reason = {};

	if (edits_apply(&k->edits, k->old.s, k->old.len, &k->new))
		return why(w, -ENOMEM, "out of memory");
	if (examine_compiles(k->new.s, k->new.len, &reason))
		return why(w, -EINVAL, "left unchanged: the result would not compile: %s",
			   reason.text);
	return 0;
}

static int write_out(struct work *k, struct why *w)
{
	enum backup_state *state = &k->result->backup;
	int err = rewrite_allowed(k->path, w);

	if (!err && k->o->backup && !k->o->undo)
		err = backup(k->path, &k->st, k->old.s, k->old.len, state, w);
	if (!err)
		err = rewrite(k->path, &k->st, k->new.s, k->new.len, w);
	if (err && *state == BACKUP_MADE)
		backup_remove(k->path, k->old.s, k->old.len);
	if (!err && k->o->undo)
		backup_remove(k->path, k->new.s, k->new.len);
	return err;
}

static int show(struct work *k, struct why *w)
{
	if (edits_diff(&k->edits, k->old.s, k->old.len, k->path, &k->result->diff))
		return why(w, -ENOMEM, "out of memory");
	return 0;
}

int change_file(const char *path, const struct change_options *o, struct change_result *ret,
		struct why *w)
{
	struct work k = {.path = path, .o = o, .result = ret};
	int err;

	*ret = (struct change_result){};
	err = look(&k, w);
	if (!err)
		err = edit(&k, w);
	if (!err && k.edits.count) {
		err = apply(&k, w);
		if (!err)
			err = o->dry_run ? show(&k, w) : write_out(&k, w);
		ret->changed = !err;
	}
	work_release(&k);
	return err;
}
