/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "agent_coverage.h"
#include "cpython/cpython.h"
#include "discover/budget.h"
#include "discover/discover.h"
#include "prepare.h"

static enum backend backend_of(const struct config *c)
{
	if (!strcmp(c->backend, "usdt"))
		return BACKEND_USDT;
	if (!strcmp(c->backend, "uprobe"))
		return BACKEND_UPROBE;
	if (!strcmp(c->backend, "agent"))
		return BACKEND_AGENT;
	return BACKEND_AUTO;
}

unsigned prepare_asked(const struct config *c)
{
	unsigned asked = c->http ? HOOKS_HTTP : 0;

	for (int kind = FT_RUNTIME_NONE + 1; kind < FT_RUNTIME_COUNT; kind++)
		asked |= c->runtime[kind] ? HOOKS_RUNTIME(kind) : 0;
	return asked;
}

unsigned prepare_roles(const struct config *c)
{
	return ~cpython_idle_roles(prepare_asked(c));
}

/* The extension's probes are there and tell all that is asked for. */
static bool agent_is_enough(struct prepared *p, const struct config *c)
{
	return agent_covers(&p->target.agent.status, c) &&
	       !cpython_hooks(&p->target, BACKEND_AGENT, prepare_asked(c), &p->hooks, NULL);
}

static int prepare_hooks(struct prepared *p, const struct config *c, struct why *w)
{
	enum backend backend = backend_of(c);
	int err;

	if (backend == BACKEND_AUTO && agent_is_enough(p, c))
		return 0;
	err = backend == BACKEND_AGENT ? 0 : cpython_layout(&p->target, &p->layout, w);
	return err ? err : cpython_hooks(&p->target, backend, prepare_asked(c), &p->hooks, w);
}

static int look(pid_t pid, const struct config *c, struct binaries *binaries, struct prepared *ret,
		struct why *w)
{
	int err = discover_target(pid, binaries, &ret->target, w);

	if (err)
		return err;
	err = prepare_hooks(ret, c, w);
	if (budget_check(ret->target.budget, ret->target.binary, w))
		err = -EFBIG;
	binaries_rest(binaries);
	ret->target.file = ret->target.agent.file = NULL;
	return discover_unless_gone(pid, err, w);
}

int prepare(pid_t pid, const struct config *c, struct binaries *binaries, struct prepared *ret,
	    struct why *w)
{
	struct binaries *own = NULL;
	int err;

	if (binaries)
		return look(pid, c, binaries, ret, w);
	err = binaries_new(&own, w);
	if (!err)
		err = look(pid, c, own, ret, w);
	binaries_free(own);
	return err;
}

bool prepared_has_begun(const struct prepared *p)
{
	return cpython_has_begun(p->target.pid, &p->layout);
}

unsigned prepared_roles(const struct prepared *p)
{
	unsigned roles = 0;

	for (int i = 0; i < p->hooks.count; i++)
		roles |= 1U << p->hooks.site[i].role;
	return roles;
}
