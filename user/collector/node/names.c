/* SPDX-License-Identifier: MIT */
/*
 * The names of Kubernetes have no underscore, so one always ends a part of an entry's name. An
 * entry that has other characters in these parts is not one of a kubelet, and is left alone.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/names.h"

#define ENTRIES_MAX 16384 /* of a folder that are looked at */
#define NAME_MAX_BYTES 253

/* ---- the environment ----------------------------------------------------------------------- */

static char *copy_of(const char *s)
{
	return s && *s && strlen(s) <= NAME_MAX_BYTES ? strdup(s) : NULL;
}

static char *host_name(void)
{
	char name[HOST_NAME_MAX + 1] = "";

	return gethostname(name, sizeof(name) - 1) ? NULL : copy_of(name);
}

/* The manifests here name it as OpenTelemetry does, others in short. */
static char *own(const char *name, const char *other)
{
	return copy_of(getenv(name)) ?: copy_of(getenv(other));
}

int names_init(struct names *n, const char *logs, bool all_own)
{
	*n = (struct names){.logs = logs, .own = all_own};
	n->namespace = own("K8S_NAMESPACE_NAME", "POD_NAMESPACE");
	n->pod = own("K8S_POD_NAME", "POD_NAME");
	n->uid = own("K8S_POD_UID", "POD_UID");
	n->node = own("K8S_NODE_NAME", "NODE_NAME") ?: host_name();
	return n->node ? 0 : -ENOMEM;
}

void names_release(struct names *n)
{
	free(n->namespace);
	free(n->pod);
	free(n->uid);
	free(n->node);
	*n = (struct names){};
}

static void fill(char **field, const char *s)
{
	if (!*field && s)
		*field = strdup(s);
}

/* Is it in the pod of the collector? Without a uid to compare that is taken from the user. */
static bool is_own(const struct names *n, const struct workload *w)
{
	return w->uid && n->uid ? !strcmp(w->uid, n->uid) : n->own;
}

static void take_own(const struct names *n, struct workload *w)
{
	if (!is_own(n, w))
		return;
	fill(&w->namespace, n->namespace);
	fill(&w->pod, n->pod);
	fill(&w->uid, n->uid);
}

/* ---- names of entries ---------------------------------------------------------------------- */

static bool is_name(const char *s, size_t len)
{
	if (!len || len > NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789.-", s[i]))
			return false;
	return true;
}

/* Splits "a_b_c" in its three parts, of which the last ends before `end`; false: it has not three
 * that are names. */
static bool split(const char *s, const char *end, size_t ret_len[3])
{
	for (int i = 0; i < 3; i++) {
		const char *next = i < 2 ? memchr(s, '_', end - s) : end;

		if (!next || !is_name(s, next - s))
			return false;
		ret_len[i] = next - s;
		s = next + 1;
	}
	return true;
}

/* Where `end` begins, if name ends in it, and something is before. */
static const char *before_end(const char *name, const char *end)
{
	size_t len = strlen(name), more = strlen(end);

	return len > more && !strcmp(name + len - more, end) ? name + len - more : NULL;
}

static void set(char **field, const char *s, size_t len)
{
	if (!*field)
		*field = strndup(s, len);
}

/* POD_NAMESPACE_NAME-ID.log */
static bool take_log(struct workload *w, const char *entry)
{
	char end[80];
	const char *at;
	size_t len[3];

	snprintf(end, sizeof(end), "-%s.log", w->container);
	at = before_end(entry, end);
	if (!at || !split(entry, at, len))
		return false;
	set(&w->pod, entry, len[0]);
	set(&w->namespace, entry + len[0] + 1, len[1]);
	set(&w->name, entry + len[0] + 1 + len[1] + 1, len[2]);
	return true;
}

/* NAMESPACE_POD_UID */
static bool take_pod(struct workload *w, const char *entry)
{
	char end[80];
	size_t len[3];

	snprintf(end, sizeof(end), "_%s", w->uid);
	if (!before_end(entry, end) || !split(entry, entry + strlen(entry), len))
		return false;
	set(&w->namespace, entry, len[0]);
	set(&w->pod, entry + len[0] + 1, len[1]);
	return true;
}

/* ---- folders ------------------------------------------------------------------------------- */

/* 0: fn was true for an entry; -ENOENT: for none. */
static int find_entry(const char *folder, struct workload *w,
		      bool (*fn)(struct workload *w, const char *entry))
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int err = -ENOENT;

	if (!dir)
		return -(errno == ENOENT ? ENOTDIR : errno); /* -ENOENT says another thing */
	for (int i = 0; err && i < ENTRIES_MAX && (entry = readdir(dir)); i++)
		if (fn(w, entry->d_name))
			err = 0;
	closedir(dir);
	return err;
}

struct only {
	char name[NAME_MAX_BYTES + 1];
	int count;
};

static void count_name(struct only *o, const char *name)
{
	if (is_name(name, strlen(name)) && name[0] != '.' && !o->count++)
		strcpy(o->name, name);
}

/* A kubelet makes the folder of a container before it starts it: if there is a single one, it is
 * that of this process. */
static void take_only_container(const struct names *n, struct workload *w)
{
	struct only o = {};
	struct dirent *entry;
	char *path;
	DIR *dir;

	if (asprintf(&path, "%s/pods/%s_%s_%s", n->logs, w->namespace, w->pod, w->uid) < 0)
		return;
	dir = opendir(path);
	free(path);
	if (!dir)
		return;
	for (int i = 0; i < ENTRIES_MAX && (entry = readdir(dir)); i++)
		count_name(&o, entry->d_name);
	closedir(dir);
	if (o.count == 1)
		fill(&w->name, o.name);
}

static int find_in(const struct names *n, const char *sub, struct workload *w,
		   bool (*fn)(struct workload *w, const char *entry))
{
	char *path;
	int err;

	if (asprintf(&path, "%s/%s", n->logs, sub) < 0)
		return -ENOMEM;
	err = find_entry(path, w, fn);
	free(path);
	return err;
}

/* 0, or why a folder cannot be read. */
static int find_in_logs(const struct names *n, struct workload *w)
{
	int pods = w->uid ? find_in(n, "pods", w, take_pod) : -ENOENT;
	int logs = w->container ? find_in(n, "containers", w, take_log) : -ENOENT;

	if (!w->name && w->uid && w->namespace && w->pod)
		take_only_container(n, w);
	if (!pods || pods == -ENOENT)
		return logs == -ENOENT ? 0 : logs;
	return pods;
}

int names_find(const struct names *n, struct workload *w)
{
	int err = 0;

	if (!w->uid && !w->container && !n->own)
		return 0;
	fill(&w->node, n->node);
	if (n->logs)
		err = find_in_logs(n, w);
	take_own(n, w);
	/* A container that the logs do not name need not be one of Kubernetes. */
	if (!w->uid && !w->pod)
		return 0;
	if (w->namespace && w->pod && (w->name || !w->container || !n->logs))
		return 0;
	return err ?: -ENOENT;
}
