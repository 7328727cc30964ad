/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/service.h"

#define NAME "OTEL_SERVICE_NAME="
#define ATTRIBUTES "OTEL_RESOURCE_ATTRIBUTES="
#define KEY "service.name="

/* A part of the text. */
struct part {
	const char *s;
	size_t len;
};

static bool begins(struct part p, const char *with, struct part *ret_rest)
{
	size_t len = strlen(with);

	if (p.len < len || memcmp(p.s, with, len))
		return false;
	*ret_rest = (struct part){p.s + len, p.len - len};
	return true;
}

/* Up to the first such character; the rest after it stays in p. */
static struct part take(struct part *p, char end)
{
	const char *at = memchr(p->s, end, p->len);
	struct part first = {p->s, at ? (size_t)(at - p->s) : p->len};

	p->s = at ? at + 1 : p->s + p->len;
	p->len = at ? p->len - first.len - 1 : 0;
	return first;
}

static struct part without_blanks(struct part p)
{
	while (p.len && (p.s[0] == ' ' || p.s[0] == '\t'))
		p.s++, p.len--;
	while (p.len && (p.s[p.len - 1] == ' ' || p.s[p.len - 1] == '\t'))
		p.len--;
	return p;
}

static int hex(char c)
{
	const char *digits = "0123456789abcdef0123456789ABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (at - digits) % 16 : -1;
}

static char *copy(struct part p)
{
	return p.len && p.len <= SERVICE_MAX ? strndup(p.s, p.len) : NULL;
}

/* %41 is A. What would end the text stays as it is written. */
static char *decoded(struct part p)
{
	char *text = copy(without_blanks(p)), *to = text;

	for (const char *s = text; s && *s; s++) {
		int high = s[0] == '%' ? hex(s[1]) : -1, low = high >= 0 ? hex(s[2]) : -1;
		bool is_code = low >= 0 && high + low;

		*to++ = is_code ? (char)(high * 16 + low) : *s;
		s += is_code ? 2 : 0;
	}
	if (to)
		*to = '\0';
	return text;
}

/* "service.name=shop,service.version=2" */
static char *of_attributes(struct part p)
{
	struct part value;

	while (p.len)
		if (begins(without_blanks(take(&p, ',')), KEY, &value))
			return decoded(value);
	return NULL;
}

char *service_in(const char *environ, size_t len)
{
	struct part p = {environ, len}, name = {}, attributes = {};

	while (p.len) {
		struct part one = take(&p, '\0');

		/* The first counts, as for getenv(3). */
		if (!name.s)
			(void)begins(one, NAME, &name);
		if (!attributes.s)
			(void)begins(one, ATTRIBUTES, &attributes);
	}
	return copy(without_blanks(name)) ?: of_attributes(attributes);
}

char *service_of(pid_t pid)
{
	char path[32], *text = malloc(SERVICE_ENVIRON), *name = NULL;
	size_t len = 0;
	ssize_t n = 0;
	bool whole;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	fd = text ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	while (fd >= 0 && len < SERVICE_ENVIRON &&
	       (n = read(fd, text + len, SERVICE_ENVIRON - len)) > 0)
		len += n;
	if (fd >= 0)
		close(fd);
	whole = len < SERVICE_ENVIRON;
	while (!whole && len && text[len - 1]) /* the rest of this variable was not read */
		len--;
	if (len)
		name = service_in(text, len);
	free(text);
	return name;
}
