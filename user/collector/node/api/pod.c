/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/api/pod.h"

#define NAME_MAX_BYTES 253
#define LABELS_MAX 64
#define LABEL_BYTES 512
#define CONTAINERS_MAX 64
#define PREFIX_BYTES 4096

/* Job names that end in the time they were due are those of a CronJob: in minutes since 1970,
 * before Kubernetes 1.21 in seconds. */
#define MINUTES_MIN 24000000ULL /* 2015 */
#define MINUTES_MAX 60000000ULL /* 2084 */

/* ---- JSON ---------------------------------------------------------------------------------- */

/* NULL where it is missing or of another type. */
static struct json_object *member(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *value;

	if (!json_object_is_type(o, json_type_object) ||
	    !json_object_object_get_ex(o, key, &value) || !json_object_is_type(value, type))
		return NULL;
	return value;
}

/* The text, or NULL: it is empty, longer than max bytes or has a NUL in it. */
static const char *text_of(struct json_object *o, size_t max)
{
	size_t len = json_object_is_type(o, json_type_string) ? json_object_get_string_len(o) : 0;
	const char *s = len && len <= max ? json_object_get_string(o) : NULL;

	return s && strlen(s) == len ? s : NULL;
}

static const char *text(struct json_object *o, const char *key, size_t max)
{
	return text_of(member(o, key, json_type_string), max);
}

/* NULL stays NULL, so a copy that is missing is an error only where there is something. */
static int copy(char **ret, const char *s)
{
	*ret = s ? strdup(s) : NULL;
	return s && !*ret ? -ENOMEM : 0;
}

/* ---- the owner ----------------------------------------------------------------------------- */

/* Where the last part of a name begins, after a dash that is not its first character. */
static const char *last_part(const char *name)
{
	const char *dash = strrchr(name, '-');

	return dash && dash > name ? dash + 1 : NULL;
}

/* A Deployment names its ReplicaSets after itself and the hash, which their pods have as label. */
static bool is_of_deployment(const char *name, struct json_object *labels)
{
	const char *hash = text(labels, "pod-template-hash", NAME_MAX_BYTES);
	const char *part = last_part(name);

	return hash && part && !strcmp(hash, part);
}

static bool is_of_cron_job(const char *name)
{
	const char *part = last_part(name);
	unsigned long long due;

	if (!part || strspn(part, "0123456789") != strlen(part) || strlen(part) > 10)
		return false;
	due = strtoull(part, NULL, 10);
	return (due >= MINUTES_MIN && due <= MINUTES_MAX) ||
	       (due >= 60 * MINUTES_MIN && due <= 60 * MINUTES_MAX);
}

/* The one that controls the pod. */
static struct json_object *controller(struct json_object *meta)
{
	struct json_object *owners = member(meta, "ownerReferences", json_type_array), *one;
	size_t n = owners ? json_object_array_length(owners) : 0;

	for (size_t i = 0; i < n; i++) {
		one = json_object_array_get_idx(owners, i);
		if (json_object_get_boolean(member(one, "controller", json_type_boolean)))
			return one;
	}
	return NULL;
}

static int read_owner(struct pod *p, struct json_object *meta, struct json_object *labels)
{
	struct json_object *one = controller(meta);
	const char *kind = text(one, "kind", NAME_MAX_BYTES);
	const char *name = text(one, "name", NAME_MAX_BYTES);
	const char *above = NULL;
	int err;

	if (!kind || !name || !strcmp(kind, "Node")) /* Node: it is static */
		return 0;
	if (!strcmp(kind, "ReplicaSet") && is_of_deployment(name, labels))
		above = "Deployment";
	else if (!strcmp(kind, "Job") && is_of_cron_job(name))
		above = "CronJob";
	err = copy(&p->owner_kind, above ?: kind) ?: copy(&p->owner, name);
	if (!err && above)
		p->owner[last_part(name) - 1 - name] = '\0';
	return err;
}

/* ---- labels, annotations, containers -------------------------------------------------------- */

static int read_labels(struct pod *p, struct json_object *labels)
{
	size_t n = labels ? json_object_object_length(labels) : 0;
	struct json_object_iterator at, end;
	const char *key, *value;

	if (!n)
		return 0;
	p->labels = calloc(n < LABELS_MAX ? n : LABELS_MAX, sizeof(*p->labels));
	if (!p->labels)
		return -ENOMEM;
	at = json_object_iter_begin(labels);
	end = json_object_iter_end(labels);
	for (; !json_object_iter_equal(&at, &end) && p->nlabels < LABELS_MAX;
	     json_object_iter_next(&at)) {
		struct json_object *o = json_object_iter_peek_value(&at);

		key = json_object_iter_peek_name(&at);
		value = text_of(o, LABEL_BYTES);
		/* The value may be empty. */
		if (!json_object_is_type(o, json_type_string) || strlen(key) > LABEL_BYTES ||
		    (!value && json_object_get_string_len(o)))
			continue;
		if (asprintf(&p->labels[p->nlabels], "%s=%s", key, value ?: "") < 0)
			return -ENOMEM;
		p->nlabels++;
	}
	return 0;
}

static int read_annotations(struct pod *p, struct json_object *all)
{
	const char *trace = text(all, "flowtrace/trace", NAME_MAX_BYTES);
	int err;

	p->trace_off = trace && !strcmp(trace, "false");
	err = copy(&p->prefix, text(all, "flowtrace/prefix", PREFIX_BYTES));
	if (!err)
		err = copy(&p->service,
			   text(all, "resource.opentelemetry.io/service.name", NAME_MAX_BYTES));
	if (!err)
		err = copy(&p->static_uid, text(all, "kubernetes.io/config.hash", NAME_MAX_BYTES));
	return err;
}

/* "containerd://3f4c..." */
static int read_container(struct pod *p, struct json_object *status)
{
	struct pod_container *c = &p->containers[p->ncontainers];
	const char *id = text(status, "containerID", NAME_MAX_BYTES);
	const char *name = text(status, "name", NAME_MAX_BYTES);
	const char *after = id ? strstr(id, "://") : NULL;
	int err;

	if (!after || !after[3] || !name)
		return 0;
	err = copy(&c->id, after + 3) ?: copy(&c->name, name);
	p->ncontainers++; /* it is released even if half of it is missing */
	return err;
}

static int read_containers(struct pod *p, struct json_object *status)
{
	static const char *const lists[] = {"containerStatuses", "initContainerStatuses",
					    "ephemeralContainerStatuses"};
	int err = 0;

	p->containers = calloc(CONTAINERS_MAX, sizeof(*p->containers));
	if (!p->containers)
		return -ENOMEM;
	for (size_t l = 0; l < sizeof(lists) / sizeof(lists[0]); l++) {
		struct json_object *list = member(status, lists[l], json_type_array);
		size_t n = list ? json_object_array_length(list) : 0;

		for (size_t i = 0; !err && i < n && p->ncontainers < CONTAINERS_MAX; i++)
			err = read_container(p, json_object_array_get_idx(list, i));
	}
	return err;
}

/* ---- a pod --------------------------------------------------------------------------------- */

int pod_read(struct json_object *o, struct pod *ret)
{
	struct json_object *meta = member(o, "metadata", json_type_object);
	struct json_object *labels = member(meta, "labels", json_type_object);
	const char *namespace = text(meta, "namespace", NAME_MAX_BYTES);
	const char *name = text(meta, "name", NAME_MAX_BYTES);
	const char *uid = text(meta, "uid", NAME_MAX_BYTES);
	int err;

	*ret = (struct pod){};
	if (!namespace || !name || !uid)
		return -EBADMSG;
	err = copy(&ret->namespace, namespace) ?: copy(&ret->name, name) ?: copy(&ret->uid, uid);
	if (!err)
		err = read_owner(ret, meta, labels);
	if (!err)
		err = read_labels(ret, labels);
	if (!err)
		err = read_annotations(ret, member(meta, "annotations", json_type_object));
	if (!err)
		err = read_containers(ret, member(o, "status", json_type_object));
	if (err)
		pod_release(ret);
	return err;
}

void pod_release(struct pod *p)
{
	for (size_t i = 0; i < p->nlabels; i++)
		free(p->labels[i]);
	for (size_t i = 0; i < p->ncontainers; i++) {
		free(p->containers[i].id);
		free(p->containers[i].name);
	}
	free(p->labels);
	free(p->containers);
	free(p->namespace);
	free(p->name);
	free(p->uid);
	free(p->static_uid);
	free(p->owner_kind);
	free(p->owner);
	free(p->service);
	free(p->prefix);
	*p = (struct pod){};
}

static const struct pod_container *container_of(const struct pod *p, const struct workload *w)
{
	for (size_t i = 0; w->container && i < p->ncontainers; i++)
		if (!strcmp(p->containers[i].id, w->container))
			return &p->containers[i];
	return NULL;
}

static bool is(const char *s, const char *other)
{
	return s && other && !strcmp(s, other);
}

bool pod_has(const struct pod *p, const struct workload *w)
{
	if (w->uid)
		return is(p->uid, w->uid) || is(p->static_uid, w->uid);
	return container_of(p, w) != NULL;
}

static int set(char **field, const char *s)
{
	free(*field);
	return copy(field, s);
}

static int set_labels(const struct pod *p, struct workload *w)
{
	if (w->nlabels)
		return 0;
	w->labels = p->nlabels ? calloc(p->nlabels, sizeof(*w->labels)) : NULL;
	for (; w->labels && w->nlabels < p->nlabels; w->nlabels++)
		if (copy(&w->labels[w->nlabels], p->labels[w->nlabels]))
			break;
	return w->nlabels < p->nlabels ? -ENOMEM : 0;
}

int pod_fill(const struct pod *p, struct workload *w)
{
	const struct pod_container *c = container_of(p, w);
	int err = set(&w->namespace, p->namespace) ?: set(&w->pod, p->name);

	if (!err && !w->uid)
		err = set(&w->uid, p->uid);
	if (!err && c)
		err = set(&w->name, c->name);
	if (!err)
		err = set(&w->owner_kind, p->owner_kind) ?: set(&w->owner, p->owner);
	if (!err)
		err = set(&w->prefix, p->prefix);
	if (!err && !w->service)
		err = set(&w->service, p->service ?: p->owner ?: p->name);
	w->trace_off = p->trace_off;
	return err ?: set_labels(p, w);
}
