/* SPDX-License-Identifier: MIT */
/*
 * The BPF sources that read frames, code objects and thread names, over the memory of real
 * interpreters: what they find is what the script that waits there has said.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode/decode.h"
#include "ft_counters.h"
#include "shim.h"
#include "subject.h"
#include "wrong.h"

static void begin_shim(const struct subject *s, bool accept_unknown)
{
	shim_policy = (struct ft_policy){.max_arg_length = 1000,
					 .max_depth = 6,
					 .max_items = 64,
					 .accept_unknown = accept_unknown};
	shim_begin(&s->image, &s->layout);
}

/* The thread state of the thread that said so; 0: this interpreter has no ctypes. */
static uint64_t state_of(const struct subject *s, bool main)
{
	for (int i = 0; i < s->count; i++)
		if (!strcmp(s->said[i].what, "state") && main == !*s->said[i].text)
			return s->said[i].addr;
	return 0;
}

/* Decodes what is in the ring; the last function that was described. refused: a description may be:
 * its names may be anything where memory is wrong, and the pipeline counts that as a loss. */
static const struct function *decode_all(struct decoder *d, bool refused)
{
	const struct function *function = NULL;
	struct event e = {0};
	struct ft_rec *r;
	int err;

	while ((r = shim_record())) {
		err = decoder_event(d, r, r->size, &e, NULL);
		cr_expect(!err || (refused && err == -EBADMSG && r->type == FT_REC_CODE),
			  "type %d: %d", r->type, err);
		if (!err && e.type == EVENT_FUNCTION)
			function = e.function;
		free(r);
	}
	return function;
}

/* As frames.py says it. */
static char *text_of(const struct function *f)
{
	char params[256] = "", *text, *owner = f->class_name + strlen(f->module);

	for (int i = 0; i < f->nparams; i++) {
		strcat(params, i ? " " : "");
		strcat(params, f->params[i]);
	}
	cr_assert_gt(asprintf(&text, "%s|%s|%s|%u|%s|%s", f->module, f->name, f->filename, f->line,
			      params, *owner ? owner + 1 : ""),
		     0);
	return text;
}

static void check_function(const struct subject *s, struct decoder *d, uint64_t frame,
			   const char *want)
{
	const struct function *f;
	char *text;

	cr_assert_eq(decide_frame(SHIM_PID, frame), CODE_ACCEPT, "%s: %s", s->python, want);
	f = decode_all(d, false);
	cr_assert(f, "%s: %s", s->python, want);
	text = text_of(f);
	cr_expect_str_eq(text, want, "%s: got %s, want %s", s->python, text, want);
	free(text);
	/* It is known now. */
	decide_frame(SHIM_PID, frame);
	cr_expect_null(decode_all(d, false), "%s: %s", s->python, want);
}

/* A call in this frame is live, as long as its code runs there. */
static void check_live(const struct subject *s, uint64_t frame, uint64_t code, uint64_t from)
{
	cr_expect_eq(live_frame(SHIM_PID, frame, code, from), 1, "%s", s->python);
	cr_expect_eq(live_frame(SHIM_PID, frame, code + 8, from), 0, "%s", s->python);
	if (!s->layout.states_running)
		cr_expect_eq(live_frame(SHIM_PID, from, code, frame_below(frame)), 0, "%s",
			     s->python);
}

static void check_stack(const struct subject *s, struct decoder *d, uint64_t innermost)
{
	uint64_t frame = innermost;
	int found = 0;

	for (int i = 0; i < s->count; i++) {
		const struct said *said = &s->said[i];

		if (strcmp(said->what, "frame"))
			continue;
		frame = find_frame(frame, said->addr);
		cr_assert(frame, "%s: no frame of %s", s->python, said->text);
		check_function(s, d, frame, said->text);
		check_live(s, frame, said->addr, innermost);
		found++;
	}
	cr_expect_eq(found, 4, "%s", s->python);
}

/* Seen from its innermost frame, and from its outermost one of Python code when that began. */
static void check_name(const struct subject *s, struct decoder *d)
{
	uint64_t innermost = frame_of_state(state_of(s, false));
	uint64_t frame[] = {innermost, find_frame(innermost, s->said[1].addr)};

	for (int i = 0; i < 2; i++) {
		cr_assert_eq(name_frame(SHIM_PID, frame[i]), 1, "%s: %d", s->python, i);
		decode_all(d, false);
		cr_expect_str_eq(decoder_thread_name(d, SHIM_PID, SHIM_PID), s->said[0].text, "%s",
				 s->python);
	}
	cr_expect_eq(name_frame(SHIM_PID, frame_of_state(state_of(s, true))), 0, "%s", s->python);
}

static void check_frames(struct subject *s)
{
	struct decoder *d;

	if (state_of(s, true)) {
		decoder_new(&(struct decoder_options){1000, true, true, 0}, &d);
		begin_shim(s, true);
		check_stack(s, d, frame_of_state(state_of(s, true)));
		check_name(s, d);
		for (unsigned i = 0; i < FT_COUNTER_COUNT; i++)
			cr_expect_eq(shim_counted(i), 0, "%s: counter %u", s->python, i);
		shim_end();
		decoder_free(d);
	}
	subject_free(s);
}

Test(bpf_frames, are_what_they_are, .timeout = 120)
{
	subject_each(check_frames, "frames.py");
}

static void check_rules(struct subject *s)
{
	uint64_t state = state_of(s, true);

	for (int rule = 0; state && rule < 3; rule++) {
		static const char *const prefix[] = {"__main__", "__main_", "__main__x"};

		begin_shim(s, false);
		shim_rule(0, prefix[rule], CODE_ACCEPT);
		cr_expect_eq(decide_frame(SHIM_PID, frame_of_state(state)),
			     rule < 2 ? CODE_ACCEPT : CODE_REJECT, "%s", s->python);
		shim_end();
		/* The longest one holds. */
		begin_shim(s, true);
		shim_rule(0, "", CODE_ACCEPT);
		shim_rule(0, prefix[rule], CODE_REJECT);
		cr_expect_eq(decide_frame(SHIM_PID, frame_of_state(state)),
			     rule < 2 ? CODE_REJECT : CODE_ACCEPT, "%s", s->python);
		shim_end();
	}
	subject_free(s);
}

Test(bpf_frames, rules, .timeout = 120)
{
	subject_each(check_rules, "frames.py");
}

/* Those of another process's policy say nothing. */
static void check_sets(struct subject *s)
{
	uint64_t state = state_of(s, true);

	for (__u32 set = 0; state && set < 2; set++) {
		begin_shim(s, false);
		shim_rule(1, "__main__", CODE_ACCEPT);
		shim_policy.number = set;
		ft_policies[set] = shim_policy;
		shim_proc()->policy = set;
		cr_expect_eq(decide_frame(SHIM_PID, frame_of_state(state)),
			     set == 1 ? CODE_ACCEPT : CODE_REJECT, "%s", s->python);
		shim_end();
	}
	subject_free(s);
}

Test(bpf_frames, sets_of_rules, .timeout = 120)
{
	subject_each(check_sets, "frames.py");
}

/* ---- wrong memory -------------------------------------------------------------------------- */

#define WRONG_ROUNDS 300

/* Everything that is asked of a frame; innermost: of its thread. */
static void ask(const struct subject *s, struct decoder *d, uint64_t frame, uint64_t innermost)
{
	begin_shim(s, true);
	decide_frame(SHIM_PID, frame);
	decode_all(d, true);
	name_frame(SHIM_PID, innermost);
	decode_all(d, true);
	live_frame(SHIM_PID, frame, code_of_frame(frame), innermost);
	live_frame(SHIM_PID, frame ^ 8, code_of_frame(frame), innermost);
	shim_end();
}

static void check_wrong(struct subject *s)
{
	struct decoder *d;
	struct wrong wrong;

	decoder_new(&(struct decoder_options){1000, true, true, 0}, &d);
	for (int round = 0; state_of(s, true) && round < WRONG_ROUNDS; round++) {
		uint64_t innermost, frame;

		begin_shim(s, true);
		innermost = frame = frame_of_state(state_of(s, round & 1));
		for (int i = 0; i < round / 2 % 4; i++)
			frame = frame_below(frame) ?: frame;
		wrong_make(&wrong, s, round & 8 ? code_of_frame(frame) : frame);
		shim_end();
		ask(s, d, frame, innermost);
		wrong_undo(&wrong);
	}
	decoder_free(d);
	subject_free(s);
}

/* Whatever lies there: it ends, within its buffers, and what is written can be decoded. */
Test(bpf_frames, wrong_memory, .timeout = 240)
{
	subject_each(check_wrong, "frames.py");
}
