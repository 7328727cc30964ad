/* SPDX-License-Identifier: MIT */
/* The limits of what hooks can show, for --check. */
#include "cpython/cpython.h"
#include "cpython/facts.h"

static const char in_c[] = "calls of functions that are written in C or compiled to it (Cython, "
			   "mypyc), and so the requests of a web application that is";

static bool has_role(const struct hooks *h, enum hook_role role)
{
	for (int i = 0; i < h->count; i++)
		if (h->site[i].role == role)
			return true;
	return false;
}

static int agent_unseen(const char *ret[CPYTHON_UNSEEN_MAX])
{
	int n = 0;

	ret[n++] = "calls that run when the trace begins: they make no event";
	ret[n++] = in_c;
	ret[n++] = "what flowtrace_agent leaves out there: its prefixes, limits and redaction hold";
	return n;
}

int cpython_unseen(const struct target *t, const struct hooks *hooks,
		   const char *ret[CPYTHON_UNSEEN_MAX])
{
	const struct cpython_facts *facts;
	int n = 0;

	if (hooks->in_agent)
		return agent_unseen(ret);
	if (!hooks->count || cpython_facts(t, &facts, NULL))
		return 0;
	ret[n++] = "calls that run when the trace begins: they make no event";
	ret[n++] = in_c;
	ret[n++] = "values on memory pages that are not resident: \"<unreadable>\"";
	if (facts->closes_unseen)
		ret[n++] = "the end of a generator or coroutine that is closed or dropped while "
			   "suspended outside a try: counted as unfinished";
	if (!has_role(hooks, HOOK_FRAME_CLEAR) && !has_role(hooks, HOOK_FRAME_EXIT))
		ret[n++] = "an exit by exception until the thread's next event: it is written "
			   "then, with the time of the exception; which one it was is inferred, "
			   "wrongly where it was raised again after another was handled";
	for (int kind = FT_RUNTIME_NONE + 1; kind < FT_RUNTIME_COUNT; kind++)
		if (cpython_no_runtime(hooks, kind, true))
			ret[n++] = cpython_no_runtime(hooks, kind, true);
	if (t->http_unseen)
		ret[n++] = t->http_unseen;
	if (t->jit_built && t->jit_asked)
		ret[n++] = "calls in code that its JIT compiled (PYTHON_JIT is set): counted as "
			   "lost, two events each";
	else if (t->jit_built)
		ret[n++] = "calls in code that its JIT compiles, if this build turns it on "
			   "without PYTHON_JIT";
	return n;
}
