/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "node/sources.h"

static int start_api(struct sources *s, const struct config *c, struct why *w)
{
	struct api_options o = {
		.server = c->api_server,
		.credentials = c->api_credentials,
		.node = s->names.node,
	};

	return api_new(&o, &s->api, w);
}

int sources_init(struct sources *s, const struct config *c, const char *logs, struct why *w)
{
	bool env = !strcmp(c->metadata, "env");
	int err;

	*s = (struct sources){};
	err = names_init(&s->names, env ? NULL : logs, env);
	if (err)
		(void)why(w, err, "out of memory");
	else if (!strcmp(c->metadata, "api"))
		err = start_api(s, c, w);
	if (err)
		sources_release(s);
	return err;
}

void sources_release(struct sources *s)
{
	api_free(s->api);
	names_release(&s->names);
	*s = (struct sources){};
}

static bool has_names(const struct workload *w)
{
	return w->namespace && w->pod && (w->name || !w->container);
}

struct unknown sources_find(struct sources *s, struct workload *w)
{
	int names = names_find(&s->names, w);
	int pod = s->api && (w->uid || w->container) ? api_fill(s->api, w) : 0;
	struct unknown u = {.pod = pod != 0};

	if (!w->uid && !w->pod) /* it is in none, as far as is known */
		return u;
	/* The log folders name a container when it is started; the API server, a little later. */
	u.names = !has_names(w) && ((names == -ENOENT && s->names.logs) || (s->api && !pod));
	s->err = names && !has_names(w) ? names : 0;
	return u;
}

bool sources_expect(const struct sources *s, const struct workload *w, struct unknown u)
{
	enum api_state state = s->api ? api_state(s->api) : API_FAILED;
	bool in_pod = w->uid || w->pod;

	return u.names || (u.pod && (state == API_TRYING || (state != API_FAILED && in_pod)));
}

unsigned sources_version(const struct sources *s)
{
	return s->api ? api_version(s->api) + (unsigned)api_state(s->api) : 0;
}
