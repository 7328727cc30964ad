/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cpython/cpython.h"
#include "discover/discover.h"
#include "prepare.h"

static enum backend backend_of(const struct config *c)
{
	if (!strcmp(c->backend, "usdt"))
		return BACKEND_USDT;
	if (!strcmp(c->backend, "uprobe"))
		return BACKEND_UPROBE;
	return BACKEND_AUTO;
}

int prepare(pid_t pid, const struct config *c, struct prepared *ret, struct why *w)
{
	int err = discover_target(pid, &ret->target, w);

	if (err)
		return err;
	err = cpython_layout(&ret->target, &ret->layout, w);
	if (!err)
		err = cpython_hooks(&ret->target, backend_of(c), &ret->hooks, w);
	return discover_unless_gone(pid, err, w);
}

unsigned prepared_roles(const struct prepared *p)
{
	unsigned roles = 0;

	for (int i = 0; i < p->hooks.count; i++)
		roles |= 1U << p->hooks.site[i].role;
	return roles;
}
