/* SPDX-License-Identifier: MIT */
/*
 * Runtimes name a cgroup after the id of its container, the kubelet one after the uid of a pod:
 *
 *     /kubepods/burstable/podUID/ID                                           (cgroupfs)
 *     /kubepods.slice/kubepods-burstable-podUID.slice/cri-containerd-ID.scope   (systemd)
 *     /system.slice/kubepods-besteffort-podUID.slice:cri-containerd:ID   (a mix of the two)
 *     /docker/ID, /system.slice/docker-ID.scope, /machine.slice/libpod-ID.scope/container
 *
 * Both are told by their form alone, wherever they are.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/cgroup.h"

#define ID_LEN 64
#define UID_LEN 36
#define STATIC_LEN 32 /* the uid of a static pod is a hash of its file */
#define TASK_MAX 43   /* of Fargate: 32 hex digits, a dash, a number */

#define DELETED " (deleted)"
#define LITERAL(text) text, sizeof(text) - 1

/* A part of the text. */
struct part {
	const char *s;
	size_t len;
};

static bool ends_with(struct part p, const char *end, size_t len)
{
	return p.len >= len && !memcmp(p.s + p.len - len, end, len);
}

static bool is(struct part p, const char *text, size_t len)
{
	return p.len == len && !memcmp(p.s, text, len);
}

static struct part without(struct part p, const char *end, size_t len)
{
	if (ends_with(p, end, len))
		p.len -= len;
	return p;
}

static size_t hex_digits(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && ((s[n] >= '0' && s[n] <= '9') || (s[n] >= 'a' && s[n] <= 'f')))
		n++;
	return n;
}

/* ---- a pod ----------------------------------------------------------------------------- */

static bool is_uid(const char *s, char dash)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	for (size_t i = 0; i < UID_LEN; i++)
		if (form[i] == '-' ? s[i] != dash : !hex_digits(s + i, 1))
			return false;
	return true;
}

/* Does p end in "pod" and len more characters, with nothing or a dash before? */
static const char *after_pod(struct part p, size_t len)
{
	const char *pod = p.len >= len + 3 ? p.s + p.len - len - 3 : NULL;

	if (!pod || memcmp(pod, "pod", 3) || (pod > p.s && pod[-1] != '-'))
		return NULL;
	return pod + 3;
}

static bool take_pod(struct part p, struct cgroup *ret)
{
	const char *uid;

	p = without(p, LITERAL(".slice"));
	uid = after_pod(p, UID_LEN);
	if (uid && (is_uid(uid, '-') || is_uid(uid, '_'))) {
		for (size_t i = 0; i < UID_LEN; i++)
			ret->pod[i] = uid[i] == '_' ? '-' : uid[i];
		ret->pod[UID_LEN] = '\0';
		return true;
	}
	uid = after_pod(p, STATIC_LEN);
	if (!uid || hex_digits(uid, STATIC_LEN) != STATIC_LEN)
		return false;
	memcpy(ret->pod, uid, STATIC_LEN);
	ret->pod[STATIC_LEN] = '\0';
	return true;
}

/* ---- a container --------------------------------------------------------------------------- */

static bool is_task(struct part p)
{
	size_t digits = 0;

	if (p.len < STATIC_LEN + 2 || p.len > TASK_MAX || hex_digits(p.s, p.len) != STATIC_LEN ||
	    p.s[STATIC_LEN] != '-')
		return false;
	for (size_t i = STATIC_LEN + 1; i < p.len; i++)
		digits += p.s[i] >= '0' && p.s[i] <= '9';
	return digits == p.len - STATIC_LEN - 1;
}

static bool take_container(struct part p, struct part before, struct cgroup *ret)
{
	struct part id = without(p, LITERAL(".scope")), prefix = id;

	if (is_task(id)) {
		memcpy(ret->container, id.s, id.len);
		ret->container[id.len] = '\0';
		return true;
	}
	if (id.len < ID_LEN || hex_digits(id.s + id.len - ID_LEN, ID_LEN) != ID_LEN)
		return false;
	prefix.len -= ID_LEN;
	if (prefix.len && !ends_with(prefix, LITERAL("-")))
		return false;
	if (ends_with(prefix, LITERAL("conmon-"))) /* the watcher of a container, outside of it */
		return false;
	if (!prefix.len && is(before, LITERAL("libpod_parent"))) /* a pod of podman */
		return false;
	memcpy(ret->container, id.s + id.len - ID_LEN, ID_LEN);
	ret->container[ID_LEN] = '\0';
	return true;
}

/* ---- a path ------------------------------------------------------------------------------- */

static void take_part(struct part p, struct part before, struct cgroup *ret)
{
	if (!ret->pod[0] && take_pod(p, ret))
		ret->container[0] = '\0'; /* that was the node: one that is a container itself */
	else if (!ret->container[0])
		(void)take_container(p, before, ret);
}

static void parse_path(struct part path, struct cgroup *ret)
{
	size_t copied = path.len < sizeof(ret->path) ? path.len : sizeof(ret->path) - 1;
	struct part p = {path.s, 0}, before = {path.s, 0};

	*ret = (struct cgroup){};
	memcpy(ret->path, path.s, copied);
	path = without(path, LITERAL(DELETED));
	for (size_t at = 0; at <= path.len; at++) {
		if (at < path.len && path.s[at] != '/' && path.s[at] != ':') {
			p.len++;
			continue;
		}
		take_part(p, before, ret);
		before = p;
		p = (struct part){path.s + at + 1, 0};
	}
}

/* Of the paths of a process the one that says most counts; of two that say the same, that of
 * version 2, then that of systemd, then the first. */
static int worth(const struct cgroup *c, struct part controllers)
{
	return (c->container[0] ? 16 : 0) + (c->pod[0] ? 8 : 0) +
	       (c->path[0] && c->path[1] ? 4 : 0) + (!controllers.len ? 2 : 0) +
	       (is(controllers, LITERAL("name=systemd")) ? 1 : 0);
}

static int parse_line(struct part line, struct cgroup *ret)
{
	const char *end = line.s + line.len;
	const char *first = memchr(line.s, ':', line.len);
	const char *second = first ? memchr(first + 1, ':', end - first - 1) : NULL;

	if (!second || second + 1 == end || second[1] != '/')
		return -1;
	parse_path((struct part){second + 1, end - second - 1}, ret);
	return worth(ret, (struct part){first + 1, second - first - 1});
}

void cgroup_parse(const char *text, size_t len, struct cgroup *ret)
{
	const char *end = text + len;
	int best = -1, got;

	*ret = (struct cgroup){};
	for (const char *at = text; at < end;) {
		const char *next = memchr(at, '\n', end - at) ?: end;
		struct cgroup c;

		got = parse_line((struct part){at, next - at}, &c);
		if (got > best) {
			best = got;
			*ret = c;
		}
		at = next + 1;
	}
}

int cgroup_of(pid_t pid, struct cgroup *ret)
{
	char path[32], *text = malloc(CGROUP_TEXT_MAX);
	size_t len = 0;
	ssize_t n = 0;
	int fd, err;

	if (!text)
		return -ENOMEM;
	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && len < CGROUP_TEXT_MAX &&
	       (n = read(fd, text + len, CGROUP_TEXT_MAX - len)) > 0)
		len += n;
	err = fd < 0 || n < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	if (!err)
		cgroup_parse(text, len, ret);
	free(text);
	return err;
}
