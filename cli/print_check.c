/* SPDX-License-Identifier: MIT */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "json_text.h"
#include "print_check.h"
#include "terminal.h"

static const char *const role_text[] = {
#define X(role, program, text) [HOOK_##role] = text,
	HOOK_ROLES(X)
#undef X
};

static const char *const cost_text[] = {
	[HOOK_EMULATED] = "emulated",
	[HOOK_SINGLE_STEPPED] = "single-stepped",
};

static const char *jit_text(const struct target *t)
{
	if (!t->jit_built)
		return "none";
	return t->jit_asked ? "on" : "off";
}

static void version_text(const struct target *t, char text[32])
{
	if (t->micro < 0)
		snprintf(text, 32, "%d.%d", t->major, t->minor);
	else
		snprintf(text, 32, "%d.%d.%d", t->major, t->minor, t->micro);
}

/* ---- for people ------------------------------------------------------------------------ */

static void print_python(const struct target *t, const char *link)
{
	char version[32];

	version_text(t, version);
	terminal_line(stdout, "binary       %s", t->binary);
	terminal_line(stdout, "python       %s, %s, %s dtrace probes, JIT %s, %d thread%s", version,
		      link, t->has_usdt ? "with" : "without", jit_text(t), t->nthreads,
		      t->nthreads == 1 ? "" : "s");
	terminal_line(stdout, "build id     %s", t->build_id[0] ? t->build_id : "none");
}

static void print_hooks(const struct hooks *h)
{
	terminal_line(stdout, "backend      %s", h->backend);
	for (int i = 0; i < h->count; i++)
		terminal_line(stdout, "%-12s %-26s %-18s %-15s at %#llx", i ? "" : "hooks",
			      h->site[i].name, role_text[h->site[i].role],
			      cost_text[h->site[i].cost],
			      (unsigned long long)h->site[i].file_offset);
	terminal_line(stdout, "seen         every call %s, its values, its exit",
		      h->in_agent ? "that flowtrace_agent records" : "of Python code");
}

static void put_list(struct buf *b, const char *title, const char *list, uint32_t bytes)
{
	if (bytes)
		buf_str(b, title);
	for (uint32_t at = 0; at < bytes; at += strlen(list + at) + 1) {
		buf_str(b, at ? "," : "");
		buf_str(b, list + at);
	}
}

static void print_agent(const struct agent *a)
{
	const struct ft_agent_status *s = &a->status;
	struct buf lists = {};

	put_list(&lists, ", prefixes ", s->prefix, s->prefix_bytes);
	put_list(&lists, ", without ", s->exclude, s->exclude_bytes);
	terminal_line(stdout, "agent        %s, automatic tracing %s%.*s", a->path,
		      s->active ? "on" : "off", (int)lists.len, lists.len ? lists.s : "");
	buf_release(&lists);
}

static void print_features(const struct check *k, bool permission, const char *title)
{
	for (int i = 0; i < k->nfeatures; i++) {
		const struct attach_feature *f = &k->feature[i];

		if (f->permission != permission)
			continue;
		terminal_line(stdout, "%-12s %-3s %-27s %s", title, f->present ? "yes" : "NO",
			      f->name, f->what);
		title = "";
	}
}

void print_check(const struct check *k)
{
	terminal_line(stdout, "process      %d", k->pid);
	if (k->found.target.binary)
		print_python(&k->found.target, k->link);
	if (k->found.target.agent.path)
		print_agent(&k->found.target.agent);
	if (k->found.hooks.count)
		print_hooks(&k->found.hooks);
	for (int i = 0; i < k->nunseen; i++)
		terminal_line(stdout, "%-12s %s", i ? "" : "not seen", k->unseen[i]);
	terminal_line(stdout, "kernel       %s", k->kernel);
	print_features(k, false, "");
	print_features(k, true, "permissions");
	terminal_line(stdout, "traceable    %s", k->why.exit_status ? "NO" : "yes");
}

/* ---- for programs ---------------------------------------------------------------------- */

static struct json_object *python_json(const struct target *t, const char *link)
{
	struct json_object *o;
	char version[32];

	if (!t->binary)
		return NULL;
	o = json_object_new_object();
	version_text(t, version);
	json_add_text(o, "version", version);
	json_add_text(o, "binary", t->binary);
	json_add_text(o, "link", link);
	json_add_text(o, "build_id", t->build_id[0] ? t->build_id : NULL);
	json_object_object_add(o, "dtrace", json_object_new_boolean(t->has_usdt));
	json_add_text(o, "jit", jit_text(t));
	json_object_object_add(o, "threads", json_object_new_int(t->nthreads));
	return o;
}

static struct json_object *list_json(const char *list, uint32_t bytes)
{
	struct json_object *all = json_object_new_array();

	for (uint32_t at = 0; at < bytes; at += strlen(list + at) + 1)
		json_object_array_add(all, json_text(list + at));
	return all;
}

static struct json_object *agent_json(const struct agent *a)
{
	const struct ft_agent_status *s = &a->status;
	struct json_object *o;

	if (!a->path)
		return NULL;
	o = json_object_new_object();
	json_add_text(o, "binary", a->path);
	json_object_object_add(o, "active", json_object_new_boolean(s->active));
	json_object_object_add(o, "prefix", list_json(s->prefix, s->prefix_bytes));
	json_object_object_add(o, "exclude", list_json(s->exclude, s->exclude_bytes));
	return o;
}

static struct json_object *hooks_json(const struct hooks *h)
{
	struct json_object *all = json_object_new_array();

	for (int i = 0; i < h->count; i++) {
		struct json_object *o = json_object_new_object();

		json_add_text(o, "name", h->site[i].name);
		json_add_text(o, "sees", role_text[h->site[i].role]);
		json_add_text(o, "cost", cost_text[h->site[i].cost]);
		json_object_object_add(o, "offset", json_object_new_int64(h->site[i].file_offset));
		json_object_array_add(all, o);
	}
	return all;
}

static struct json_object *features_json(const struct check *k, bool permission)
{
	struct json_object *all = json_object_new_object();

	for (int i = 0; i < k->nfeatures; i++)
		if (k->feature[i].permission == permission)
			json_object_object_add(all, k->feature[i].name,
					       json_object_new_boolean(k->feature[i].present));
	return all;
}

static struct json_object *unseen_json(const struct check *k)
{
	struct json_object *all = json_object_new_array();

	for (int i = 0; i < k->nunseen; i++)
		json_object_array_add(all, json_text(k->unseen[i]));
	return all;
}

void print_check_json(const struct check *k)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "pid", json_object_new_int(k->pid));
	json_object_object_add(o, "traceable", json_object_new_boolean(!k->why.exit_status));
	json_object_object_add(o, "status", json_object_new_int(k->why.exit_status));
	json_add_text(o, "reason", k->why.exit_status ? k->why.text : NULL);
	json_object_object_add(o, "python", python_json(&k->found.target, k->link));
	json_add_text(o, "backend", k->found.hooks.backend);
	json_object_object_add(o, "hooks", hooks_json(&k->found.hooks));
	json_object_object_add(o, "unseen", unseen_json(k));
	json_add_text(o, "kernel", k->kernel);
	json_object_object_add(o, "features", features_json(k, false));
	json_object_object_add(o, "permissions", features_json(k, true));
	json_object_object_add(o, "agent", agent_json(&k->found.target.agent));
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
						       JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}
