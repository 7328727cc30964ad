/* SPDX-License-Identifier: MIT */
/*
 * The BPF source that finds whose stack of calls a frame is on, over the memory of real
 * interpreters in which greenlets.py waits: the first greenlet and one are suspended, two runs.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ft_counters.h"
#include "shim.h"
#include "subject.h"
#include "walk_greenlet.h"
#include "walk_left.h"
#include "wrong.h"

#define MOST 8 /* frames of a greenlet */

/* The frames of a greenlet, innermost first. */
struct let {
	uint64_t frame[MOST];
	int count;
};

enum { FIRST, ONE, TWO, LETS };

static const char *const names[] = {"first", "one", "two"};

static void begin_shim(const struct subject *s)
{
	shim_policy = (struct ft_policy){.max_arg_length = 1000, .accept_unknown = 1};
	shim_begin(&s->image, &s->layout);
	shim_thread()->tstate = said_of(s, "state");
}

static struct let let_of(const struct subject *s, int which)
{
	const struct ft_layout *l = &s->layout;
	char what[16];
	struct let let = {.count = 0};

	snprintf(what, sizeof(what), "%s.object", names[which]);
	for (int i = 0; i < s->count; i++) {
		uint64_t object = s->said[i].addr;

		if (strcmp(s->said[i].what, what))
			continue;
		cr_assert_lt(let.count, MOST);
		let.frame[let.count++] =
			l->pyframe_frame == FT_NO_FIELD
				? object
				: *image_word(&s->image, object + l->pyframe_frame);
	}
	cr_assert_geq(let.count, 2, "%s: %s", s->python, what);
	return let;
}

static void push_frame(uint64_t frame)
{
	struct call c = {.frame = frame, .code = code_of_frame(frame), .start_tid = SHIM_PID};

	c.tstate = shim_thread()->tstate;
	push_call(SHIM_PID, &c);
}

/* The whole greenlet, from its bottom on. */
static void push_let(const struct let *let)
{
	for (int i = let->count; i--;)
		push_frame(let->frame[i]);
}

/* What is open is all of this greenlet. */
static void check_is(const struct subject *s, const struct let *let)
{
	const struct call *top = innermost_call(SHIM_PID);

	cr_assert_eq(shim_thread()->depth, let->count, "%s: %u", s->python, shim_thread()->depth);
	cr_expect_eq(top->frame, let->frame[0], "%s", s->python);
}

/* From the first one to two, to one, and back to each. */
static void check_switches(const struct subject *s, const struct let *let)
{
	begin_shim(s);
	push_let(&let[FIRST]);
	cr_expect_eq(come_to_frame(SHIM_PID, let[FIRST].frame[0], 0), 0, "%s", s->python);
	for (int i = TWO; i >= ONE; i--) {
		const struct let *to = &let[i];

		cr_expect_eq(come_to_frame(SHIM_PID, to->frame[0], 1), 1, "%s", s->python);
		cr_expect_eq(shim_thread()->depth, 0, "%s", s->python);
		cr_expect_eq(shim_thread()->bottom, to->frame[to->count - 1], "%s", s->python);
		push_let(to);
		cr_expect_eq(come_to_frame(SHIM_PID, to->frame[0], 0), 0, "%s", s->python);
		cr_expect_eq(come_to_frame(SHIM_PID, to->frame[1], 0), 0, "%s", s->python);
	}
	for (int round = 0; round < 2; round++)
		for (int i = FIRST; i < LETS; i++) {
			cr_expect_eq(come_to_frame(SHIM_PID, let[i].frame[round], 0), 1, "%s: %d",
				     s->python, i);
			check_is(s, &let[i]);
		}
	drop_stacks(SHIM_PID);
	cr_expect_eq(stacks_kept(), 0, "%s: %u", s->python, stacks_kept());
	cr_expect_eq(shim_thread()->parked, 0, "%s", s->python);
	cr_expect_eq(shim_counted(FT_LOST_walk_bound), 0, "%s", s->python);
	shim_end();
}

/* A call that begins in the frame above the innermost call is on the same stack, without a walk. */
static void check_entry(const struct subject *s, const struct let *two)
{
	begin_shim(s);
	for (int i = two->count; --i > 0;)
		push_frame(two->frame[i]);
	cr_expect_eq(come_to_frame(SHIM_PID, two->frame[0], 1), 0, "%s", s->python);
	cr_expect_eq(shim_thread()->first, 0, "%s", s->python);
	shim_end();
}

/* A greenlet without calls is not kept. */
static void check_empty(const struct subject *s, const struct let *let)
{
	begin_shim(s);
	push_let(&let[FIRST]);
	come_to_frame(SHIM_PID, let[TWO].frame[0], 0);
	come_to_frame(SHIM_PID, let[FIRST].frame[0], 0);
	check_is(s, &let[FIRST]);
	cr_expect_eq(shim_thread()->parked, 0, "%s", s->python);
	cr_expect_eq(stacks_kept(), 1, "%s", s->python);
	shim_end();
}

/* A stack without a bottom: nothing is switched, and that is counted. */
static void check_circle(const struct subject *s, const struct let *let)
{
	const struct let *two = &let[TWO];
	uint64_t *below =
		image_word(&s->image, two->frame[two->count - 1] + s->layout.frame_previous);
	uint64_t was = *below;

	begin_shim(s);
	push_let(&let[FIRST]);
	*below = two->frame[0];
	cr_expect_eq(come_to_frame(SHIM_PID, two->frame[0], 0), 0, "%s", s->python);
	cr_expect_eq(shim_counted(FT_LOST_walk_bound), 1, "%s", s->python);
	check_is(s, &let[FIRST]);
	*below = was;
	shim_end();
}

static void check_loaded(const struct subject *s)
{
	begin_shim(s);
	cr_expect_eq(make_capsule(said_of(s, "other")), 0, "%s", s->python);
	cr_expect_eq(make_capsule(8), 0, "%s", s->python);
	cr_expect_neq(make_capsule(said_of(s, "name")), 0, "%s", s->python);
	shim_end();
}

static void lets_of(const struct subject *s, struct let *ret)
{
	begin_shim(s);
	for (int i = FIRST; i < LETS; i++)
		ret[i] = let_of(s, i);
	shim_end();
}

static void check_stacks(struct subject *s)
{
	struct let let[LETS];

	if (said_of(s, "state")) {
		lets_of(s, let);
		check_switches(s, let);
		check_entry(s, &let[TWO]);
		check_empty(s, let);
		check_circle(s, let);
		check_loaded(s);
	}
	subject_free(s);
}

Test(bpf_greenlets, stacks, .timeout = 120)
{
	subject_each(check_stacks, "greenlets.py");
}

/* ---- wrong memory -------------------------------------------------------------------------- */

#define WRONG_ROUNDS 300

static void check_wrong(struct subject *s)
{
	struct let let[LETS];
	struct wrong wrong;

	for (int round = 0; said_of(s, "state") && round < WRONG_ROUNDS; round++) {
		const struct let *near = &let[round % LETS];

		lets_of(s, let);
		wrong_make(&wrong, s, near->frame[round / LETS % near->count]);
		begin_shim(s);
		push_let(&let[FIRST]);
		for (int i = 0; i < 12; i++)
			if (come_to_frame(SHIM_PID, let[i % LETS].frame[i & 1], i & 2))
				push_frame(let[i % LETS].frame[0]);
		drop_stacks(SHIM_PID);
		cr_expect_eq(stacks_kept(), 0, "%s: round %d", s->python, round);
		shim_end();
		wrong_undo(&wrong);
	}
	subject_free(s);
}

/* Whatever lies there: it ends, and every stack that was kept is found again. */
Test(bpf_greenlets, wrong_memory, .timeout = 240)
{
	subject_each(check_wrong, "greenlets.py");
}
