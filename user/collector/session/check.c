/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <sys/utsname.h>

#include "check.h"

static const char *link_of(const struct target *t)
{
	if (!t->binary)
		return "";
	if (t->shared_library)
		return "shared library";
	return t->bias ? "position-independent executable" : "executable at a fixed address";
}

/* Asks the kernel to load the programs that this process needs. */
static int try_to_load(const struct config *c, const struct check *k, struct why *w)
{
	struct attach_options o = {
		.settings = {.http = c->http, .stack = c->stack},
		.buffer_bytes = c->buffer_bytes,
		.max_threads = c->max_threads,
		.max_processes = c->max_processes,
		.roles = prepared_roles(&k->found),
	};
	struct attach *a = NULL;
	int err = attach_new(&o, &a, w);

	attach_free(a);
	return err;
}

void check_process(pid_t pid, const struct config *c, struct check *ret_check)
{
	struct check k = {.pid = pid};
	struct utsname u = {};

	uname(&u);
	snprintf(k.kernel, sizeof(k.kernel), "%s %s", u.release, u.machine);
	k.nfeatures = attach_features(k.feature);
	if (!prepare(pid, c, NULL, &k.found, &k.why))
		try_to_load(c, &k, &k.why);
	k.link = link_of(&k.found.target);
	k.nunseen = cpython_unseen(&k.found.target, &k.found.hooks, k.unseen);
	*ret_check = k;
}

void check_release(struct check *check)
{
	target_release(&check->found.target);
}
