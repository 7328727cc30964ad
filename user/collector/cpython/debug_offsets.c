/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpython/debug_offsets.h"
#include "cpython/memory.h"

#define COOKIE "xdebugpy"
#define VERSION_AT 8
#define FREE_THREADED_AT 16
#define MAX_SIZE 4096 /* of an object or a structure that is read; the largest known has 1 KiB */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum trust { FIXED, TOLD };

struct word {
	const char *name;
	uint16_t place, size_place; /* members of struct debug_places */
	uint16_t field;		    /* member of struct ft_layout, uint16_t */
	uint16_t align;
	enum trust trust;
};

#define PLACE(member) offsetof(struct debug_places, member)
#define X(group, member, field, align, trust)                                                      \
	{#group "." #member,                                                                       \
	 PLACE(group##_##member),                                                                  \
	 PLACE(group##_size),                                                                      \
	 offsetof(struct ft_layout, field),                                                        \
	 align,                                                                                    \
	 trust},
static const struct word offsets[] = {DEBUG_OFFSETS(X)};
static const struct word sizes[] = {DEBUG_SIZES(X)};
#undef X

/* The structure and what it is compared with. */
struct reader {
	const uint8_t *bytes;
	const struct target *t;
	const struct debug_places *places;
	struct ft_layout *layout;
	struct why *why;
};

static uint64_t word_at(const struct reader *r, uint16_t at)
{
	uint64_t word;

	memcpy(&word, r->bytes + at, sizeof(word));
	return word;
}

/* The offset of a word in this release's structure; 0 = it has no such word. */
static uint16_t place_of(const struct reader *r, uint16_t member)
{
	uint16_t place;

	memcpy(&place, (const char *)r->places + member, sizeof(place));
	return place;
}

static int refuse(const struct reader *r, const char *name, uint64_t found, const char *wanted)
{
	return why_exit(r->why, EXIT_PYTHON, -ENOEXEC,
			"%s is an unusual build of Python %d.%d: its _Py_DebugOffsets says %s = "
			"%#llx, looked for %s",
			r->t->binary, r->t->major, r->t->minor, name, (unsigned long long)found,
			wanted);
}

static int refuse_value(const struct reader *r, const char *name, uint64_t found, unsigned wanted)
{
	char text[16];

	snprintf(text, sizeof(text), "%#x", wanted);
	return refuse(r, name, found, text);
}

static int check_head(const struct reader *r)
{
	uint64_t version = word_at(r, VERSION_AT), free_threaded = word_at(r, FREE_THREADED_AT);

	if (memcmp(r->bytes, COOKIE, strlen(COOKIE)))
		return why_exit(r->why, EXIT_PYTHON, -ENOEXEC,
				"%s: _PyRuntime of Python %d.%d does not start with "
				"_Py_DebugOffsets (looked for \"" COOKIE "\"): an unusual build",
				r->t->binary, r->t->major, r->t->minor);
	/* PY_VERSION_HEX: major, minor, micro, level and serial, one byte each. */
	if (version >> 32 || version >> 24 != (uint64_t)r->t->major ||
	    (version >> 16 & 0xff) != (uint64_t)r->t->minor ||
	    (r->t->micro >= 0 && (version >> 8 & 0xff) != (uint64_t)r->t->micro))
		return why_exit(r->why, EXIT_PYTHON, -ENOEXEC,
				"%s: _Py_DebugOffsets is of version %#llx, looked for that of "
				"Python %d.%d",
				r->t->binary, (unsigned long long)version, r->t->major,
				r->t->minor);
	if (free_threaded == 1)
		return why_exit(r->why, EXIT_PYTHON, -ENOEXEC,
				"process %d runs the free-threaded build of Python %d.%d (%s), "
				"which cannot be traced yet: only builds with the GIL can",
				r->t->pid, r->t->major, r->t->minor, r->t->binary);
	return free_threaded ? refuse(r, "free_threaded", free_threaded, "0 or 1") : 0;
}

/* The size of the object to which a word belongs. */
static int read_size(const struct reader *r, const char *name, uint16_t member, uint64_t *ret)
{
	uint64_t size = word_at(r, place_of(r, member));

	if (!size || size > MAX_SIZE)
		return refuse(r, name, size, "a plausible size of that object");
	*ret = size;
	return 0;
}

/* room: bytes that the object must have after the offset. */
static int read_word(const struct reader *r, const struct word *known, unsigned room)
{
	uint16_t place = place_of(r, known->place), *field;
	uint64_t size = 0, value;
	int err;

	if (!place)
		return 0; /* the release's row gives it */
	err = read_size(r, known->name, known->size_place, &size);
	if (err)
		return err;
	value = word_at(r, place);
	field = (uint16_t *)((char *)r->layout + known->field);
	if (value > MAX_SIZE || value + room > size)
		return refuse(r, known->name, value, "an offset inside that object");
	if (value % known->align)
		return refuse(r, known->name, value, "an aligned offset");
	if (known->trust == FIXED && value != *field)
		return refuse_value(r, known->name, value, *field);
	*field = value;
	return 0;
}

int debug_offsets_parse(const void *bytes, size_t size, const struct target *t,
			const struct debug_places *places, struct ft_layout *l, struct why *w)
{
	struct ft_layout layout = *l;
	struct reader r = {bytes, t, places, &layout, w};
	int err;

	if (size < places->structure_size)
		return why_exit(w, EXIT_PYTHON, -ENOEXEC,
				"%s: _PyRuntime is too short for the _Py_DebugOffsets of "
				"Python %d.%d (%zu bytes, looked for %u)",
				t->binary, t->major, t->minor, size, places->structure_size);
	err = check_head(&r);
	for (size_t i = 0; !err && i < COUNT(offsets); i++)
		err = read_word(&r, &offsets[i], offsets[i].align);
	/* The size of a head may equal that of its object (unicode_object.size is larger). */
	for (size_t i = 0; !err && i < COUNT(sizes); i++)
		err = read_word(&r, &sizes[i], 0);
	if (!err)
		*l = layout;
	return err;
}

int debug_offsets_compare(const struct target *t, uint64_t vaddr, const void *bytes, size_t size,
			  struct why *w)
{
	uint8_t seen[MAX_SIZE];

	if (size > sizeof(seen) || memory_read(t->pid, t->bias + vaddr, seen, size) ||
	    !memcmp(seen, bytes, size))
		return 0;
	return why_exit(w, EXIT_PYTHON, -ENOEXEC,
			"process %d: the _Py_DebugOffsets in its memory is not the one in the file "
			"%s",
			t->pid, t->binary);
}

int debug_offsets_read(struct elf *e, const struct target *t, const struct debug_places *places,
		       struct binary_layout *ret, struct why *w)
{
	size_t size = places->structure_size;
	const void *bytes;
	Elf64_Sym s;
	int err;

	if (elf_symbol(e, "_PyRuntime", &s))
		return why_exit(w, EXIT_PYTHON, -ENOEXEC, "%s has no _PyRuntime symbol", t->binary);
	bytes = elf_at(e, s.st_value, size);
	if (!bytes || s.st_size < size)
		return why_exit(w, EXIT_PYTHON, -ENOEXEC,
				"%s: _PyRuntime (%llu bytes) does not hold the _Py_DebugOffsets of "
				"Python %d.%d (%zu bytes): an unusual build",
				t->binary, (unsigned long long)s.st_size, t->major, t->minor, size);
	err = debug_offsets_parse(bytes, size, t, places, &ret->layout, w);
	if (err)
		return err;
	ret->debug = malloc(size);
	if (!ret->debug)
		return why(w, -ENOMEM, "out of memory");
	memcpy(ret->debug, bytes, size);
	ret->debug_at = s.st_value;
	ret->debug_bytes = size;
	return 0;
}
