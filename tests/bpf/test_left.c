/* SPDX-License-Identifier: MIT */
/*
 * The BPF sources that find which calls are over and by which exception they were left, over the
 * memory of real interpreters in which left.py waits: it handles an exception that left two calls.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode/decode.h"
#include "ft_counters.h"
#include "shim.h"
#include "subject.h"
#include "walk_left.h"
#include "wrong.h"

#define FIRST_START 1000 /* start_ns of the outermost call; each further one has one more */
#define OTHER_EXC 0x7000

enum { HERE, REPORT, OUTERMOST, MODULE, LIVE }; /* the frames that run, innermost first */

struct stack {
	const struct subject *s;
	uint64_t state, frame[LIVE], code[LIVE];
	struct decoder *d;
};

static void begin_shim(const struct subject *s)
{
	shim_policy = (struct ft_policy){
		.max_arg_length = 1000, .max_depth = 6, .max_items = 64, .accept_unknown = 1};
	ft_settings = (struct ft_settings){.stack = 1};
	shim_begin(&s->image, &s->layout);
}

/* Are calls that an exception leaves found dead, as of no hook that sees it? */
static bool infers(const struct subject *s)
{
	return s->layout.tstate_exc_traceback != FT_NO_FIELD;
}

static void open_stack(const struct subject *s, struct stack *ret)
{
	int n = 0;

	*ret = (struct stack){.s = s, .state = said_of(s, "state")};
	cr_assert_eq(decoder_new(&(struct decoder_options){1000, true, true, 0}, &ret->d), 0);
	begin_shim(s);
	for (int i = 0; i < s->count && n < LIVE; i++) {
		if (strcmp(s->said[i].what, "live"))
			continue;
		ret->code[n] = s->said[i].addr;
		ret->frame[n] = find_frame(frame_of_state(ret->state), ret->code[n]);
		cr_assert(ret->frame[n], "%s: no frame of %s", s->python, s->said[i].text);
		n++;
	}
	shim_end();
}

static uint64_t address(const struct stack *k, const char *name, const char *what)
{
	char text[32];

	snprintf(text, sizeof(text), "%s.%s", name, what);
	return said_of(k->s, text);
}

/* Those that run are open, then some that are gone from the stack of frames. */
static void push_live(const struct stack *k)
{
	struct call c = {.tstate = k->state, .start_tid = SHIM_PID, .start_ns = FIRST_START};

	shim_thread()->tstate = k->state;
	for (int i = LIVE; i--; c.start_ns++) {
		c.frame = k->frame[i];
		c.code = k->code[i];
		decide_frame(SHIM_PID, c.frame);
		push_call(SHIM_PID, &c);
	}
}

static void push_gone(const struct stack *k, const char *name, uint64_t exc, uint64_t object)
{
	const struct ft_layout *l = &k->s->layout;
	struct call c = {.code = address(k, name, "code"), .exc = exc, .object = object};

	/* The frame is an object, which the traceback keeps; or it was used again, and the object
	 * has a copy. */
	c.frame = address(k, name, "object");
	if (l->pyframe_frame == FT_NO_FIELD) {
		decide_frame(SHIM_PID, c.frame);
	} else {
		decide_frame(SHIM_PID, *image_word(&k->s->image, c.frame + l->pyframe_frame));
		c.frame = k->frame[HERE] + 8;
	}
	c.tstate = k->state;
	c.start_tid = SHIM_PID;
	c.start_ns = FIRST_START + shim_thread()->depth;
	push_call(SHIM_PID, &c);
}

static bool is_known(const struct event *raise)
{
	static const char failure[] = "Failure";

	return raise->exc_type.len == strlen(failure) &&
	       !memcmp(raise->exc_type.s, failure, strlen(failure));
}

/* What is in the ring, such as "raise 4 below, exit 5": the kind and which call. */
static const char *told(const struct stack *k, bool wrong)
{
	static char text[1024];
	struct event e = {0};
	struct ft_rec *r;
	int err;

	*text = 0;
	while ((r = shim_record())) {
		char *end = text + strlen(text);
		const char *comma = *text ? ", " : "";

		err = decoder_event(k->d, r, r->size, &e, NULL);
		cr_expect(!err || (wrong && err == -EBADMSG &&
				   (r->type == FT_REC_CODE || r->type == FT_REC_LINES)),
			  "%s: type %d: %d", k->s->python, r->type, err);
		if (strlen(text) > sizeof(text) - 64)
			;
		else if (e.type == EVENT_EXIT)
			sprintf(end, "%sexit %ld%s", comma, e.span.start_ns - FIRST_START,
				e.by_exception ? "" : "?");
		else if (e.type == EVENT_RAISE)
			sprintf(end, "%sraise %ld%s%s", comma, e.span.start_ns - FIRST_START,
				r->flags & FT_RAISE_BELOW ? " below" : "",
				is_known(&e) ? "" : " unknown");
		else if (e.type == EVENT_LOST)
			sprintf(end, "%slost %lu", comma, e.count);
		free(r);
	}
	return text;
}

#define TOLD(k, want)                                                                              \
	do {                                                                                       \
		const char *got = told(k, false);                                                  \
		cr_expect_str_eq(got, want, "%s: got %s, want %s", (k)->s->python, got, want);     \
	} while (0)

/* ---- calls that are gone ------------------------------------------------------------------- */

static void check_gone(const struct stack *k)
{
	/* From where the thread is: the two that are gone. */
	begin_shim(k->s);
	push_live(k);
	push_gone(k, "middle", 0, 0);
	push_gone(k, "inner", 0, 0);
	cr_expect_eq(reap_from(SHIM_PID, k->frame[HERE], 0, 0), LIVE, "%s", k->s->python);
	TOLD(k, "exit 5, exit 4");
	/* From further down: frames above are gone, unless they say that they run. */
	cr_expect_eq(reap_from(SHIM_PID, k->frame[OUTERMOST], 0, 0),
		     k->s->layout.states_running ? LIVE : 2, "%s", k->s->python);
	TOLD(k, k->s->layout.states_running ? "" : "exit 3, exit 2");
	shim_end();

	/* A new call began in the frame of the innermost. */
	begin_shim(k->s);
	push_live(k);
	cr_expect_eq(reap_from(SHIM_PID, k->frame[REPORT], k->frame[HERE], 0), LIVE - 1, "%s",
		     k->s->python);
	TOLD(k, "exit 3");
	shim_end();
}

/* The same frame, but other code runs in it. */
static void check_used_again(const struct stack *k)
{
	struct call c = {.frame = k->frame[HERE], .code = k->code[REPORT], .tstate = k->state};

	begin_shim(k->s);
	push_live(k);
	shim_thread()->depth--;
	push_call(SHIM_PID, &c);
	cr_expect_eq(reap_from(SHIM_PID, k->frame[HERE], 0, 0), LIVE - 1, "%s", k->s->python);
	shim_end();
}

/* At most so many at once; the next event does the rest. */
static void check_bound(const struct stack *k)
{
	begin_shim(k->s);
	push_live(k);
	for (int i = 0; i < 12; i++)
		push_gone(k, "inner", 0, 0);
	cr_expect_eq(reap_from(SHIM_PID, k->frame[HERE], 0, 0), LIVE + 4, "%s", k->s->python);
	cr_expect_eq(shim_counted(FT_LOST_unwind_bound), 1, "%s", k->s->python);
	cr_expect_eq(reap_from(SHIM_PID, k->frame[HERE], 0, 0), LIVE, "%s", k->s->python);
	shim_end();
}

/* A generator that waits is kept: no hook saw it suspended (up to 3.10). */
static void check_generator(const struct stack *k)
{
	struct call c = {.frame = said_of(k->s, "gen.frame"),
			 .code = said_of(k->s, "gen.code"),
			 .tstate = k->state,
			 .flags = CALL_GENERATOR};

	begin_shim(k->s);
	push_live(k);
	push_call(SHIM_PID, &c);
	cr_expect_eq(reap_from(SHIM_PID, k->frame[HERE], 0, 0), LIVE, "%s", k->s->python);
	TOLD(k, k->s->layout.states_running ? "" : "exit -1000");
	shim_end();
}

/* Where hooks see every exit nothing is closed. */
static void check_exact(struct subject *s, const struct stack *k)
{
	s->layout.exits_exact = 1;
	begin_shim(s);
	push_live(k);
	push_gone(k, "inner", 0, 0);
	cr_expect_eq(reap_from(SHIM_PID, k->frame[HERE], 0, 0), LIVE + 1, "%s", s->python);
	TOLD(k, "");
	shim_end();
	s->layout.exits_exact = 0;
}

static void check_reap(struct subject *s)
{
	struct stack k;

	if (said_of(s, "state")) {
		open_stack(s, &k);
		if (infers(s)) {
			check_gone(&k);
			check_used_again(&k);
			check_bound(&k);
			check_generator(&k);
		}
		check_exact(s, &k);
		decoder_free(k.d);
	}
	subject_free(s);
}

Test(bpf_left, calls_that_are_gone, .timeout = 120)
{
	subject_each(check_reap, "left.py");
}

/* ---- an exception under way ---------------------------------------------------------------- */

/* Words that a test changes, and puts right again. */
static uint64_t *changed[8], was[8];
static int nchanged;

static void change(const struct subject *s, uint64_t address, uint64_t value)
{
	uint64_t *word = image_word(&s->image, address);

	cr_assert(word && nchanged < 8);
	changed[nchanged] = word;
	was[nchanged++] = *word;
	*word = value;
}

static void change_back(void)
{
	while (nchanged--)
		*changed[nchanged] = was[nchanged];
	nchanged = 0;
}

/* The thread has it as its exception, and runs. */
static void set_exception(const struct stack *k, uint64_t type, uint64_t value, uint64_t traceback)
{
	const struct ft_layout *l = &k->s->layout;
	uint64_t scratch = said_of(k->s, "scratch");

	if (l->tstate_exc_type != FT_NO_FIELD)
		change(k->s, k->state + l->tstate_exc_type, type);
	change(k->s, k->state + l->tstate_exc_value, value);
	if (l->tstate_exc_traceback != FT_NO_FIELD)
		change(k->s, k->state + l->tstate_exc_traceback, traceback);
	if (l->tstate_how == FT_TSTATE_GLOBAL) {
		change(k->s, l->tstate_addr, k->state);
	} else {
		change(k->s, scratch, k->state);
		set_thread_pointer(scratch - l->tstate_addr);
	}
}

static void set_failure(const struct stack *k)
{
	uint64_t exc = said_of(k->s, "exc");

	set_exception(k, *image_word(&k->s->image, exc + k->s->layout.object_type), exc,
		      said_of(k->s, "traceback"));
}

static const char *raised_text(const struct event *e)
{
	static char text[512];

	snprintf(text, sizeof(text), "%.*s|%.*s", (int)e->exc_type.len, e->exc_type.s ?: "",
		 (int)e->exc_message.len, e->exc_message.s ?: "");
	return text;
}

/* The first RAISE record in the ring as an event; the record is to be freed after it. */
static struct ft_rec *first_raise(const struct stack *k, struct event *ret)
{
	struct ft_rec *r;

	while ((r = shim_record())) {
		cr_expect_eq(decoder_event(k->d, r, r->size, ret, NULL), 0);
		if (ret->type == EVENT_RAISE)
			break;
		free(r);
	}
	cr_assert(r, "%s", k->s->python);
	return r;
}

static void check_message(const struct stack *k, const struct said *said)
{
	uint64_t type = *image_word(&k->s->image, said->addr + k->s->layout.object_type);
	struct ft_rec *r;
	struct event e;

	begin_shim(k->s);
	push_live(k);
	raise_value(SHIM_PID, k->state, type, said->addr);
	r = first_raise(k, &e);
	cr_expect_str_eq(raised_text(&e), said->text, "%s: got %s, want %s", k->s->python,
			 raised_text(&e), said->text);
	free(r);
	shim_end();
}

/* The way that it came, as left.py has it from the traceback. */
static void check_way(const struct stack *k)
{
	const struct said *said = k->s->said;
	struct ft_rec *r;
	struct event e;

	while (strcmp(said->what, "traceback"))
		said++;
	begin_shim(k->s);
	push_live(k);
	set_failure(k);
	raise_value(SHIM_PID, k->state, 0, said_of(k->s, "exc"));
	r = first_raise(k, &e);
	cr_expect_str_eq(raised_text(&e), "Failure|('no', 1)", "%s", k->s->python);
	cr_expect(e.stack.len == strlen(said->text) && !memcmp(e.stack.s, said->text, e.stack.len),
		  "%s: got %.*s, want %s", k->s->python, (int)e.stack.len, e.stack.s, said->text);
	free(r);
	shim_end();
	change_back();
}

static void check_raise(struct subject *s)
{
	struct stack k;

	if (said_of(s, "state")) {
		open_stack(s, &k);
		for (int i = 0; i < s->count; i++)
			if (!strcmp(s->said[i].what, "raised"))
				check_message(&k, &s->said[i]);
		check_way(&k);
		decoder_free(k.d);
	}
	subject_free(s);
}

Test(bpf_left, exceptions, .timeout = 120)
{
	subject_each(check_raise, "left.py");
}

/* ---- PyTraceBack_Here ---------------------------------------------------------------------- */

/* It left two calls, and comes into the frame where the thread is. */
static void hit(const struct stack *k, uint64_t object)
{
	uint64_t exc = said_of(k->s, "exc");

	push_live(k);
	push_gone(k, "middle", exc, 0);
	push_gone(k, "inner", OTHER_EXC, object);
	traceback_here(said_of(k->s, "here.object"));
}

static void check_seen(const struct stack *k)
{
	const struct call *c;

	/* The innermost had seen another one last, but is in the traceback. */
	begin_shim(k->s);
	set_failure(k);
	hit(k, address(k, "inner", "object"));
	TOLD(k, "raise 5 below, exit 5, exit 4, raise 3");
	c = innermost_call(SHIM_PID);
	cr_expect_eq(c->exc, said_of(k->s, "exc"), "%s", k->s->python);
	cr_expect_eq(c->object, said_of(k->s, "here.object"), "%s", k->s->python);
	cr_expect_eq(shim_thread()->depth, LIVE, "%s", k->s->python);
	shim_end();

	/* It is not: what it had seen left it. */
	begin_shim(k->s);
	hit(k, said_of(k->s, "here.object"));
	TOLD(k, "exit 5, exit 4, raise 3");
	shim_end();
	change_back();
}

/* A traceback without an end: it is not known what left the call. */
static void check_circle(const struct stack *k)
{
	uint64_t entry = address(k, "inner", "entry");

	begin_shim(k->s);
	set_failure(k);
	change(k->s, entry + k->s->layout.traceback_next, address(k, "outer", "entry"));
	hit(k, said_of(k->s, "here.object"));
	TOLD(k, "lost 1, raise 5 unknown, exit 5, exit 4, raise 3");
	cr_expect_eq(shim_counted(FT_LOST_walk_bound), 1, "%s", k->s->python);
	shim_end();
	change_back();
}

static void check_hits(struct subject *s)
{
	struct stack k;

	if (said_of(s, "state") && infers(s)) {
		open_stack(s, &k);
		check_seen(&k);
		check_circle(&k);
		decoder_free(k.d);
	}
	subject_free(s);
}

Test(bpf_left, traceback_entries, .timeout = 120)
{
	subject_each(check_hits, "left.py");
}

/* ---- wrong memory -------------------------------------------------------------------------- */

#define WRONG_ROUNDS 400

/* Everything that is asked when an exception is under way. */
static void ask(const struct stack *k)
{
	begin_shim(k->s);
	if (infers(k->s))
		hit(k, address(k, "inner", "object"));
	else
		push_live(k);
	told(k, true);
	raise_value(SHIM_PID, k->state, 0, said_of(k->s, "exc"));
	raise_value(SHIM_PID, k->state, said_of(k->s, "raised"), k->frame[HERE]);
	told(k, true);
	if (infers(k->s))
		reap_from(SHIM_PID, k->frame[REPORT], 0, said_of(k->s, "exc"));
	told(k, true);
	shim_end();
}

static void check_wrong(struct subject *s)
{
	struct wrong wrong;
	struct stack k;

	if (!said_of(s, "state")) {
		subject_free(s);
		return;
	}
	open_stack(s, &k);
	for (int round = 0; round < WRONG_ROUNDS; round++) {
		int i = round % (s->count + LIVE);

		wrong_make(&wrong, s, i < LIVE ? k.frame[i] : s->said[i - LIVE].addr);
		set_failure(&k);
		ask(&k);
		change_back();
		wrong_undo(&wrong);
	}
	decoder_free(k.d);
	subject_free(s);
}

/* Whatever lies there: it ends, within its buffers, and what is written can be decoded. */
Test(bpf_left, wrong_memory, .timeout = 240)
{
	subject_each(check_wrong, "left.py");
}
