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
#include "wrong.h"

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
	shim_policy = (struct ft_policy){.max_arg_length = 1000,
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

static void check_wrong(struct subject *s)
{
	struct decoder *d = begin_decoder();
	struct wrong wrong;

	for (int round = 0; round < WRONG_ROUNDS; round++) {
		uint64_t addr = s->said[round % s->count].addr;
		struct event e = {0};
		struct ft_rec *record;

		wrong_make(&wrong, s, addr);
		begin_shim(s, &s->image);
		cr_expect_eq(decode_value(d, addr, &e, &record), 0, "%s: round %d", s->python,
			     round);
		free(record);
		shim_end();
		wrong_undo(&wrong);
	}
	decoder_free(d);
	subject_free(s);
}

/* Whatever lies there: what is written is within its buffers, and is a value. */
Test(bpf_values, wrong_memory, .timeout = 240)
{
	subject_each(check_wrong, "values.py");
}
