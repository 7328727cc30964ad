/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "discover/version.h"

bool version_from_name(const char *name, struct version *ret)
{
	const char *base = strrchr(name, '/'), *at;
	int major, minor;

	at = strstr(base ? base : name, "python");
	if (!at || sscanf(at, "python%1d.%2d", &major, &minor) != 2)
		return false;
	*ret = (struct version){major, minor, -1};
	return true;
}

/* PY_VERSION_HEX as a constant (Python/getversion.c, 3.11): 0x030b02f0. */
static bool version_from_symbol(struct elf *e, struct version *ret)
{
	const uint8_t *p;
	Elf64_Sym s;

	if (elf_symbol(e, "Py_Version", &s))
		return false;
	p = elf_at(e, s.st_value, 4);
	if (!p)
		return false;
	*ret = (struct version){p[3], p[2], p[1]};
	return true;
}

/* The micro version in a text "3.9.2" or "3.9.0rc1" that ends a string; else -1. */
static int micro_at(const char *text, const char *end)
{
	int micro = 0, digits = 0;

	for (; text < end && isdigit((unsigned char)*text) && digits < 3; digits++)
		micro = micro * 10 + *text++ - '0';
	while (text < end && (isalnum((unsigned char)*text) || *text == '+'))
		text++;
	return digits && text < end && !*text ? micro : -1;
}

#define CONTEXT 128 /* overlap of windows: more than a version and the text around it */

struct micro {
	char want[16]; /* "3.9." */
	int found;     /* -1 = none, -2 = two that differ */
};

/*
 * Linkers merge "3.8.18" into the tail of ".../versions/3.8.18", so it may be part of another
 * string; if two matches differ, the version is not known. A match at the very start of a window
 * was seen in the previous one, with the text before it.
 */
static bool find_micros(void *ctx, const uint8_t *data, size_t size, uint64_t offset)
{
	const char *text = (const char *)data, *end = text + size;
	struct micro *m = ctx;
	size_t len = strlen(m->want);

	for (const char *at = text; (at = memmem(at, end - at, m->want, len)); at += len) {
		int micro;

		if (at == text || isdigit((unsigned char)at[-1]) || at[-1] == '.')
			continue;
		micro = micro_at(at + len, end);
		if (micro >= 0 && m->found >= 0 && micro != m->found)
			m->found = -2;
		else if (micro >= 0)
			m->found = micro;
		if (m->found == -2)
			return true;
	}
	return false;
}

static int find_micro(struct elf *e, const struct version *v)
{
	struct micro m = {.found = -1};

	snprintf(m.want, sizeof(m.want), "%d.%d.", v->major, v->minor);
	elf_scan_constants(e, CONTEXT, find_micros, &m);
	return m.found < 0 ? -1 : m.found;
}

int version_of(struct elf *e, const char *const *names, struct version *ret)
{
	struct version v;

	if (version_from_symbol(e, ret))
		return 0;
	for (; *names; names++) {
		if (!version_from_name(*names, &v))
			continue;
		v.micro = find_micro(e, &v);
		*ret = v;
		return 0;
	}
	return -ENOENT;
}
