/* SPDX-License-Identifier: MIT */
/*
 * The BPF sources that read values, over the memory of real interpreters: what they make of a value
 * is what tests/live/render.py says it is. Then over memory in which words are wrong.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "decode/decode.h"
#include "ft_counters.h"
#include "shim.h"
#include "subject.h"

#define CODE 0x1000
/* Opens what render.py leaves open. */
#define OPEN "\xee\x80"

/* ---- values -------------------------------------------------------------------------------- */

static struct decoder *begin_decoder(void)
{
	struct decoder *d;
	struct build b = {0};
	struct event e;

	decoder_new(&(struct decoder_options){1000, true, true, 0}, &d);
	build_code(&b, SHIM_PID, CODE, 0, "myapp", "f", "a");
	cr_assert_eq(decoder_event(d, build_rec(&b), build_rec(&b)->size, &e, NULL), 0);
	buf_release(&b.bytes);
	return d;
}

/* The record of the value, in *ret_exit, behind those of its classes. */
static int decode_value(struct decoder *d, uint64_t addr, struct event *ret_exit,
			struct ft_rec **ret_record)
{
	struct ft_rec *r;
	int err = walk_value(SHIM_PID, addr, CODE);

	*ret_record = NULL;
	while (!err && (r = shim_record())) {
		err = decoder_event(d, r, r->size, ret_exit, NULL);
		if (r->type == FT_REC_EXIT)
			*ret_record = r;
		else
			free(r);
	}
	return err;
}

static void must_render(struct decoder *d, const char *python, const struct said *v)
{
	struct event e = {0};
	struct ft_rec *record;

	cr_assert_eq(decode_value(d, v->addr, &e, &record), 0, "%s: %s", python, v->text);
	/* The field's own limit has a test of its own. */
	if (!strstr(v->text, OPEN) && strlen(v->text) < 900)
		cr_expect(e.value.len == strlen(v->text) &&
				  !memcmp(e.value.s, v->text, e.value.len),
			  "%s: got %.*s, want %s", python, (int)e.value.len, e.value.s, v->text);
	free(record);
}

static void begin_shim(const struct subject *s, const struct image *image)
{
	ft_settings = (struct ft_settings){.max_arg_length = 1000,
					   .max_depth = 6,
					   .max_items = 64,
					   .capture = FT_CAPTURE_ARGS | FT_CAPTURE_RESULT};
	shim_begin(image, &s->layout);
}

static void check_values(struct subject *s)
{
	struct decoder *d = begin_decoder();

	begin_shim(s, &s->image);
	for (int i = 0; i < s->count; i++)
		must_render(d, s->python, &s->said[i]);
	cr_expect_eq(shim_counted(FT_LOST_read_value), 0, "%s", s->python);
	shim_end();
	decoder_free(d);
	subject_free(s);
}

Test(bpf_values, are_what_they_are, .timeout = 120)
{
	subject_each(check_values, "values.py");
}

/* ---- wrong memory -------------------------------------------------------------------------- */

#define WRONG_ROUNDS 300
#define WRONG_WORDS 24
#define WRONG_REACH 512 /* bytes around the value, or what a word of it points to */

static uint64_t random_state = 88172645463325252ULL;

static uint64_t random_word(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* Where the word at an address lies in the image, or NULL. */
static uint64_t *place_in(const struct image *image, uint64_t addr)
{
	for (int i = 0; i < image->count; i++)
		if (addr >= image->parts[i].start && addr <= image->parts[i].end - 8)
			return (uint64_t *)(image->parts[i].bytes + (addr - image->parts[i].start));
	return NULL;
}

static uint64_t wrong_word(const struct subject *s, uint64_t was)
{
	switch (random_word() % 6) {
	case 0:
		return 0;
	case 1:
		return random_word();
	case 2:
		return was ^ 1ULL << random_word() % 64;
	case 3:
		return was + random_word() % 64 - 32;
	case 4:
		return random_word() % 4096;
	default: /* another value, so that containers hold themselves */
		return s->said[random_word() % s->count].addr;
	}
}

/* Makes words wrong near a value and near what it points to. */
static void make_wrong(const struct subject *s, uint64_t addr, uint64_t **place, uint64_t *was)
{
	for (int i = 0; i < WRONG_WORDS; i++) {
		uint64_t near = addr + random_word() % WRONG_REACH / 8 * 8, *inner;

		place[i] = place_in(&s->image, near & ~7ULL);
		inner = place[i] && i % 2 ? place_in(&s->image, *place[i] & ~7ULL) : NULL;
		place[i] = inner ?: place[i];
		if (!place[i])
			continue;
		was[i] = *place[i];
		*place[i] = wrong_word(s, was[i]);
	}
}

static void check_wrong(struct subject *s)
{
	struct decoder *d = begin_decoder();
	uint64_t *place[WRONG_WORDS], was[WRONG_WORDS];

	for (int round = 0; round < WRONG_ROUNDS; round++) {
		uint64_t addr = s->said[round % s->count].addr;
		struct event e = {0};
		struct ft_rec *record;

		make_wrong(s, addr, place, was);
		begin_shim(s, &s->image);
		cr_expect_eq(decode_value(d, addr, &e, &record), 0, "%s: round %d", s->python,
			     round);
		free(record);
		shim_end();
		for (int i = WRONG_WORDS; i--;)
			if (place[i])
				*place[i] = was[i];
	}
	decoder_free(d);
	subject_free(s);
}

/* Whatever lies there: what is written is within its buffers, and is a value. */
Test(bpf_values, wrong_memory, .timeout = 240)
{
	subject_each(check_wrong, "values.py");
}
