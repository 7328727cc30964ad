/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "node/api/answers.h"

/* The parser takes 40 times the bytes of what it reads, at worst. */
#define DEPTH_MAX 64
#define GONE 410 /* the code of a Status: the resourceVersion is too old */

/* Owned by the caller; NULL: it is not JSON, or there is no memory. */
static struct json_object *parse(const char *s, size_t len)
{
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
	struct json_object *o;

	if (!tokener)
		return NULL;
	o = json_tokener_parse_ex(tokener, s, (int)len);
	json_tokener_free(tokener);
	return o;
}

static struct json_object *member(struct json_object *o, const char *key)
{
	struct json_object *value = NULL;

	if (json_object_is_type(o, json_type_object))
		json_object_object_get_ex(o, key, &value);
	return value;
}

static const char *text(struct json_object *o, const char *key)
{
	struct json_object *value = member(o, key);

	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

/* False where it is missing or does not fit; ret is "" then. */
static bool take(struct json_object *meta, const char *key, char *ret, size_t max)
{
	const char *s = text(meta, key);

	ret[0] = '\0';
	if (!s || !s[0] || strlen(s) > max)
		return false;
	strcpy(ret, s);
	return true;
}

/* ---- pods ---------------------------------------------------------------------------------- */

static int put(struct answers *a, struct json_object *o)
{
	struct pod pod;
	int err = pod_read(o, &pod);

	if (!err)
		err = pods_put(a->pods, &pod);
	a->unread += err == -EBADMSG;
	a->too_many += err == -E2BIG;
	return err == -ENOMEM ? err : 0;
}

static int drop(struct answers *a, struct json_object *o)
{
	const char *uid = text(member(o, "metadata"), "uid");

	if (uid)
		pods_gone(a->pods, uid);
	else
		a->unread++;
	return 0;
}

int answers_item(void *arg, const char *s, size_t len)
{
	struct answers *a = arg;
	struct json_object *o = parse(s, len);
	int err = put(a, o);

	json_object_put(o);
	return err;
}

/* ---- a watch ------------------------------------------------------------------------------- */

static int on_error(struct json_object *status)
{
	return json_object_get_int(member(status, "code")) == GONE ? -ESTALE : -EIO;
}

static int on_event(struct answers *a, const char *type, struct json_object *o)
{
	char version[VERSION_MAX + 1];
	int err = 0;

	if (!strcmp(type, "ERROR"))
		return on_error(o);
	if (!strcmp(type, "ADDED") || !strcmp(type, "MODIFIED"))
		err = put(a, o);
	else if (!strcmp(type, "DELETED"))
		err = drop(a, o);
	/* A BOOKMARK has nothing else. */
	if (take(member(o, "metadata"), "resourceVersion", version, VERSION_MAX))
		strcpy(a->version, version);
	return err;
}

int answers_event(void *arg, const char *s, size_t len)
{
	struct answers *a = arg;
	struct json_object *o = parse(s, len);
	const char *type = text(o, "type");
	int err = 0;

	a->events++;
	if (type)
		err = on_event(a, type, member(o, "object"));
	else
		a->unread++;
	json_object_put(o);
	return err;
}

/* ---- a list -------------------------------------------------------------------------------- */

int answers_list(struct answers *a, const char *s, size_t len)
{
	struct json_object *o = parse(s, len), *meta = member(o, "metadata");
	bool whole = json_object_is_type(member(o, "items"), json_type_array) ||
		     json_object_is_type(member(o, "items"), json_type_null);

	whole &= take(meta, "resourceVersion", a->version, VERSION_MAX);
	a->next[0] = '\0';
	if (whole && text(meta, "continue") && *text(meta, "continue"))
		whole = take(meta, "continue", a->next, CONTINUE_MAX);
	json_object_put(o);
	return whole ? 0 : -EBADMSG;
}
