/* SPDX-License-Identifier: MIT */
/* Records: what they tell of exceptions, functions, classes, threads, requests; and what is none.
 */
#include <stdio.h>

#include "decoded.h"
#include "ft_left_out.h"
#include "ft_state.h"

TestSuite(decode, .init = setup, .fini = teardown);

/* ---- exceptions that were raised ---------------------------------------------- */

static void raise_of(unsigned long long type)
{
	begin_raise(&b, PID, PID, 4500, CODE, 4000, type);
}

static void expect_raise(const char *type, const char *message, bool cut)
{
	struct event e = {0};

	t_end(&b);
	cr_assert_eq(feed(&e), 0);
	cr_assert_eq(e.type, EVENT_RAISE);
	expect_text(&e.exc_type, type);
	expect_text(&e.exc_message, message);
	cr_assert_eq(e.exc_message.cut, cut);
}

Test(decode, messages)
{
	raise_of(VALUE_ERROR);
	expect_raise("ValueError", "", false);
	raise_of(VALUE_ERROR);
	t_str(&b, "Invalid input");
	expect_raise("ValueError", "Invalid input", false);
	raise_of(VALUE_ERROR);
	t_int(&b, 3);
	expect_raise("ValueError", "3", false);
	raise_of(VALUE_ERROR);
	t_str(&b, "a");
	t_int(&b, 1);
	expect_raise("ValueError", "('a', 1)", false);
	raise_of(KEY_ERROR);
	t_str(&b, "k");
	expect_raise("KeyError", "'k'", false);
	raise_of(OS_ERROR);
	t_int(&b, 2);
	t_str(&b, "No such file or directory");
	expect_raise("FileNotFoundError", "[Errno 2] No such file or directory", false);
	raise_of(OS_ERROR);
	t_int(&b, 2);
	t_str(&b, "No such file");
	t_str(&b, "/x");
	expect_raise("FileNotFoundError", "[Errno 2] No such file: '/x'", false);
	raise_of(APP_ERROR);
	t_cut_text(&b, FT_T_STR, "long", 5000);
	expect_raise("AppError", "long...", true);
	raise_of(0x9999);
	expect_raise("<unknown>", "", false);
	set_max(6);
	raise_of(VALUE_ERROR);
	t_str(&b, "Invalid input");
	expect_raise("ValueError", "Inv...", true);
}

Test(decode, full_message)
{
	struct event e = {0};

	decoder_set_options(d, &(struct decoder_options){8, true, true, 12});
	raise_of(VALUE_ERROR);
	t_str(&b, "Invalid input");
	t_end(&b);
	cr_assert_eq(feed(&e), 0);
	expect_text(&e.exc_message, "Inval...");
	expect_full(&e.exc_message, "Invalid i...");
	cr_assert_eq(e.exc_message.original_len, 13);
	raise_of(VALUE_ERROR);
	t_str(&b, "Invalid");
	t_end(&b);
	cr_assert_eq(feed(&e), 0);
	expect_text(&e.exc_message, "Invalid");
	cr_assert(!e.exc_message.full && !e.exc_message.cut);
}

/* ---- policies ------------------------------------------------------------------ */

static int policy(unsigned number, unsigned max_arg_length, unsigned capture)
{
	struct ft_rec_policy *r = build_begin(&b, FT_REC_POLICY, sizeof(*r), 0, 0, 1);
	struct event e;

	r->number = number;
	r->max_arg_length = max_arg_length;
	r->capture = capture;
	t_open(&b, FT_T_LIST, 3);
	t_str(&b, "one");
	t_str(&b, "two");
	t_str(&b, "three");
	t_end(&b);
	t_open(&b, FT_T_LIST, 0);
	t_end(&b);
	return feed(&e);
}

/* The function, as accepted by that policy. */
static int function_by(unsigned number, const struct function **ret)
{
	struct event e = {0};
	int err;

	build_code(&b, PID, CODE, 0, "m", "f", "a");
	build_rec(&b)->flags = number;
	err = feed(&e);
	*ret = e.function;
	return err;
}

Test(decode, a_function_has_its_policy)
{
	const struct function *one, *same, *other;

	cr_assert_eq(function_by(3, &one), -EBADMSG); /* it was not told of */
	cr_assert_eq(policy(3, 8, FT_CAPTURE_ARGS), 0);
	cr_assert_eq(policy(3, 9, 0), -EBADMSG); /* it never changes */
	cr_assert_eq(function_by(3, &one), 0);
	cr_assert_eq(one->policy->nprefix, 3);
	cr_assert_str_eq(one->policy->prefix[2], "three");
	begin_args();
	t_str(&b, "a long text");
	expect("{}", true);
	begin();
	t_int(&b, 5);
	expect("null", true);
	cr_assert_eq(function_by(3, &same), 0);
	cr_assert_eq(same, one);
	cr_assert_eq(function_by(0, &other), 0);
	cr_assert(other != one && !other->policy);
	begin();
	t_int(&b, 5);
	expect("5", false);
}

Test(decode, a_replay_lowers_policies)
{
	const struct function *f;

	decoder_lower(d, &(struct capture){500, true, false});
	cr_assert_eq(policy(1, 800, FT_CAPTURE_ARGS | FT_CAPTURE_RESULT), 0);
	cr_assert_eq(policy(2, 100, FT_CAPTURE_RESULT), 0);
	cr_assert_eq(function_by(1, &f), 0);
	cr_assert(f->policy->capture.max_arg_length == 500 && f->policy->capture.args &&
		  !f->policy->capture.result);
	cr_assert_eq(function_by(2, &f), 0);
	cr_assert(f->policy->capture.max_arg_length == 100 && !f->policy->capture.args);
}

/* ---- functions and threads ---------------------------------------------------- */

static const struct function *function(const char *module, const char *qualname)
{
	struct event e = {0};

	build_code(&b, PID, CODE, 0, module, qualname, "");
	cr_assert_eq(feed(&e), 0);
	return e.function;
}

Test(decode, class_names)
{
	cr_assert_str_eq(function("m", "f")->class_name, "m");
	cr_assert_str_eq(function("m", "C.f")->class_name, "m.C");
	cr_assert_str_eq(function("m", "C.D.f")->class_name, "m.C.D");
	cr_assert_str_eq(function("m", "g.<locals>.f")->class_name, "m");
	cr_assert_str_eq(function("m", "g.<locals>.C.f")->class_name, "m.g.<locals>.C");
	cr_assert_str_eq(function("m", "C.f")->json_head, "\"module\": \"m\", \"function\": \"f\"");
	cr_assert_str_eq(function("m", "C.f")->json_tail,
			 "\"class\": \"m.C\", \"method\": \"f\", \"file\": \"/srv/app.py\", "
			 "\"line\": 10");
}

Test(decode, class_of_owner)
{
	struct ft_rec_code *r = build_begin(&b, FT_REC_CODE, sizeof(*r), PID, PID, 1000);
	struct event e;

	r->code = CODE;
	r->owner_type = APP_ERROR;
	t_str(&b, "/srv/app.py");
	t_str(&b, "f");
	t_mark(&b, FT_T_NONE);
	t_str(&b, "m");
	t_open(&b, FT_T_TUPLE, 0);
	t_end(&b);
	cr_assert_eq(feed(&e), 0);
	cr_assert_str_eq(e.function->class_name, "m.Outer.AppError");
}

Test(decode, a_description_again)
{
	const struct function *f = function("m", "f");

	cr_assert_eq(function("m", "f"), f);
	cr_assert_neq(function("m", "g"), f);
	cr_assert_str_eq(f->name, "f"); /* still there for the spans that point to it */
}

/* A program that compiles one text again and again, and another where the first was. */
Test(decode, a_description_at_another_address)
{
	const struct function *f = function("m", "f"), *g;
	struct event e;

	build_code(&b, PID, CODE + 64, 0, "m", "f", "");
	cr_assert_eq(feed(&e), 0);
	cr_assert_eq(e.function, f);
	cr_assert_eq(f->code, CODE + 64);
	g = function("m", "g");
	cr_assert_neq(g, f);
	build_code(&b, PID + 1, CODE, 0, "m", "f", "");
	cr_assert_eq(feed(&e), 0);
	cr_assert_neq(e.function, f); /* of another process */
}

Test(decode, nul_in_names)
{
	struct ft_rec_code *r = build_begin(&b, FT_REC_CODE, sizeof(*r), PID, PID, 1000);
	struct event e;

	r->code = CODE;
	t_str(&b, "/srv/app.py");
	tok(&b, FT_T_STR, 1, 0, "f\0n", 3);
	t_name(&b, NULL);
	tok(&b, FT_T_STR, 1, 0, "m\0", 2);
	t_open(&b, FT_T_TUPLE, 1);
	tok(&b, FT_T_STR, 1, 0, "\0p", 2);
	t_end(&b);
	cr_assert_eq(feed(&e), 0);
	cr_assert_str_eq(e.function->json_head,
			 "\"module\": \"m\\u0000\", \"function\": \"f\\u0000n\"");
	cr_assert_str_eq(e.function->params[0], "\xc0\x80p");
}

/* Somebody set thread._name. */
Test(decode, thread_name_that_is_no_text)
{
	struct event e;

	build_begin(&b, FT_REC_THREAD, sizeof(struct ft_rec), PID, 80, 1000);
	t_int(&b, 5);
	cr_assert_eq(feed(&e), 0);
	cr_assert_str_eq(decoder_thread_name(d, PID, 80), "Thread-80");
}

Test(decode, thread_names)
{
	struct event e;

	cr_assert_str_eq(decoder_thread_name(d, PID, PID), "MainThread");
	cr_assert_str_eq(decoder_thread_name(d, PID, 80), "Thread-80");
	build_thread(&b, PID, 80, "worker");
	cr_assert_eq(feed(&e), 0);
	cr_assert_str_eq(decoder_thread_name(d, PID, 80), "worker");
	build_proc(&b, FT_REC_PROC_FORK, PID, 80, 2000, 99);
	cr_assert_eq(feed(&e), 0);
	cr_assert_str_eq(decoder_thread_name(d, 99, 99), "worker");
	build_begin(&b, FT_REC_THREAD_EXIT, sizeof(struct ft_rec), PID, 80, 3000);
	cr_assert_eq(feed(&e), 0);
	cr_assert_str_eq(decoder_thread_name(d, PID, 80), "Thread-80");
}

/* ---- containers ------------------------------------------------------------------------- */

static const char *const pod[] = {"c1", "u1", "ns", "p", "web", "n1"};

static void expect_workload(uint32_t pid, const char *json)
{
	const struct workload *w = decoder_workload(d, pid);

	if (!json) {
		cr_assert_null(w);
		return;
	}
	cr_assert_not_null(w);
	cr_assert_str_eq(w->json, json);
	cr_assert_eq(w->json_len, strlen(json));
}

#define POD                                                                                        \
	"\"container\": \"c1\", \"k8s\": {\"namespace\": \"ns\", \"pod\": \"p\", \"uid\": "        \
	"\"u1\", "                                                                                 \
	"\"container\": \"web\", \"node\": \"n1\"}"

Test(decode, workloads)
{
	struct event e;

	expect_workload(PID, NULL);
	build_workload(&b, PID, pod);
	cr_assert_eq(feed(&e), 0);
	cr_assert_eq(e.type, EVENT_NONE);
	expect_workload(PID, POD);
	expect_workload(99, NULL);
	build_workload(&b, PID, (const char *const[]){NULL, "u", NULL, NULL, NULL, "n"});
	cr_assert_eq(feed(&e), 0);
	expect_workload(PID, "\"k8s\": {\"uid\": \"u\", \"node\": \"n\"}");
	build_workload(&b, PID, (const char *const[]){"c", NULL, NULL, NULL, NULL, "n"});
	cr_assert_eq(feed(&e), 0);
	expect_workload(PID, "\"container\": \"c\"");
	build_workload(&b, PID, (const char *const[]){NULL, NULL, NULL, NULL, NULL, "n"});
	cr_assert_eq(feed(&e), 0);
	expect_workload(PID, NULL);
}

Test(decode, workloads_with_owner_and_service)
{
	struct event e;

	build_whole_workload(&b, PID,
			     (const char *const[]){"c", "u", "ns", "p", NULL, "n", "Deployment",
						   "shop", "till", "pending"});
	cr_assert_eq(feed(&e), 0);
	expect_workload(PID,
			"\"container\": \"c\", \"k8s\": {\"namespace\": \"ns\", \"pod\": \"p\", "
			"\"uid\": \"u\", \"node\": \"n\", \"owner_kind\": \"Deployment\", "
			"\"owner\": \"shop\"}, \"service\": \"till\", \"metadata\": \"pending\"");
	cr_expect(decoder_workload(d, PID)->pending);
	build_whole_workload(&b, PID,
			     (const char *const[]){NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
						   "till", NULL});
	cr_assert_eq(feed(&e), 0);
	expect_workload(PID, "\"service\": \"till\"");
}

Test(decode, workloads_of_children)
{
	struct event e;

	build_workload(&b, PID, pod);
	cr_assert_eq(feed(&e), 0);
	build_proc(&b, FT_REC_PROC_FORK, PID, PID, 2000, 99);
	cr_assert_eq(feed(&e), 0);
	build_proc(&b, FT_REC_PROC_EXEC, 99, 99, 2500, 0);
	cr_assert_eq(feed(&e), 0);
	expect_workload(99, POD);
	build_proc(&b, FT_REC_PROC_EXIT, PID, PID, 3000, 0);
	cr_assert_eq(feed(&e), 0);
	expect_workload(PID, POD);
	build_proc(&b, FT_REC_PROC_FORK, 7, 7, 4000, 99);
	cr_assert_eq(feed(&e), 0);
	expect_workload(PID, NULL);
	expect_workload(99, NULL);
}

/* A name with a quote, one that is not UTF-8, and a record that has none. */
Test(decode, workloads_of_strangers)
{
	struct event e;

	build_workload(&b, PID, (const char *const[]){"\"", "\xff", NULL, NULL, NULL, NULL});
	cr_assert_eq(feed(&e), 0);
	expect_workload(PID, "\"container\": \"\\\"\", \"k8s\": {\"uid\": \"\uFFFD\"}");
	build_begin(&b, FT_REC_WORKLOAD, sizeof(struct ft_rec), PID, PID, 1000);
	t_str(&b, "c");
	cr_assert_eq(feed(&e), -EBADMSG);
	expect_workload(PID, "\"container\": \"\\\"\", \"k8s\": {\"uid\": \"\uFFFD\"}");
}

/* ---- foreign input ------------------------------------------------------------ */

static void sample(void)
{
	begin();
	t_open(&b, FT_T_DICT, 2);
	t_open(&b, FT_T_TUPLE, 1);
	t_str(&b, "k");
	t_end(&b);
	t_open(&b, FT_T_LIST, 2);
	t_float(&b, 1.5);
	t_pair(&b, FT_T_EXC, VALUE_ERROR, 1);
	t_bytes(&b, "abc", 3);
	t_end(&b);
	t_pair(&b, FT_T_OBJECT, MODEL, 1);
	t_cut_text(&b, FT_T_STR, "abc", 9);
	t_end(&b);
	t_end(&b);
}

Test(decode, truncated_records)
{
	size_t whole;

	sample();
	whole = build_end(&b)->size;
	buf_clear(&b.bytes);
	for (size_t size = 0; size < whole; size++) {
		struct ft_rec *copy = malloc(size + 1);
		struct event e;
		int err;

		sample();
		build_end(&b)->size = size;
		memcpy(copy, b.bytes.s, size);
		err = decoder_event(d, copy, size, &e, NULL);
		/* A result that is not there at all was not captured. */
		if (size < sizeof(struct ft_rec_exit) || size >= sizeof(struct ft_rec_exit) + 8)
			cr_assert_eq(err, -EBADMSG, "%zu of %zu", size, whole);
		free(copy);
		buf_clear(&b.bytes);
	}
}

Test(decode, runtime_events)
{
	struct event e;

	build_runtime(&b, PID, PID + 1, 9000, FT_RUNTIME_GC, 4000, 3000, 2, ~0ull);
	cr_assert_eq(feed(&e), 0);
	cr_assert_eq(e.type, EVENT_RUNTIME);
	cr_assert_eq(e.kind, FT_RUNTIME_GC);
	cr_assert_eq(e.ts_ns, 9000);
	cr_assert_eq(e.first_ns, 4000);
	cr_assert_eq(e.parent.start_ns, 3000);
	cr_assert_eq(e.parent.tid, PID + 1);
	cr_assert_eq(e.number[0], 2);
	cr_assert_eq(e.number[1], FT_RUNTIME_UNKNOWN);
	/* More than a reader takes. */
	build_runtime(&b, PID, PID, 9000, FT_RUNTIME_GC, 4000, 0, 1ull << 63, INT64_MAX);
	cr_assert_eq(feed(&e), 0);
	cr_assert_eq(e.number[0], FT_RUNTIME_UNKNOWN);
	cr_assert_eq(e.number[1], INT64_MAX);
}

Test(decode, hostile_runtime_events)
{
	static const unsigned kinds[] = {FT_RUNTIME_NONE, FT_RUNTIME_COUNT, 0x7fffffff, 0xffffffff};
	struct event e;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		build_runtime(&b, PID, PID, 9000, kinds[i], 4000, 0, 0, 0);
		cr_assert_eq(feed(&e), -EBADMSG);
	}
	for (unsigned size = sizeof(struct ft_rec); size < sizeof(struct ft_rec_runtime);
	     size += 8) {
		build_runtime(&b, PID, PID, 9000, FT_RUNTIME_GC, 4000, 0, 0, 0);
		b.bytes.len = b.start + size;
		cr_assert_eq(feed(&e), -EBADMSG);
	}
}

Test(decode, corrupt_records)
{
	unsigned seed = 1;

	for (int i = 0; i < 20000; i++) {
		struct event e;
		struct ft_rec *rec;

		set_max(i % 3 ? 1000 : 5 + i % 60);
		if (i % 2) {
			sample();
		} else {
			begin_args();
			t_open(&b, FT_T_LIST, 1);
			t_mark(&b, FT_T_TRUE);
			t_end(&b);
			t_str(&b, "text");
		}
		rec = build_end(&b);
		for (int n = 0; n < 3; n++) {
			seed = seed * 1103515245 + 12345;
			((char *)rec)[48 + (seed >> 8) % (rec->size - 48)] = seed >> 24;
		}
		b.start = 0;
		int err = feed(&e);

		cr_assert(!err || err == -EBADMSG);
	}
}

Test(decode, nesting_is_bounded)
{
	struct event e;

	begin();
	for (int i = 0; i < 200; i++)
		t_open(&b, FT_T_LIST, 1);
	for (int i = 0; i < 200; i++)
		t_end(&b);
	cr_assert_eq(feed(&e), -EBADMSG);
	begin();
	t_open(&b, FT_T_DICT, 1);
	for (int i = 0; i < 200; i++)
		t_open(&b, FT_T_TUPLE, 1);
	for (int i = 0; i < 200; i++)
		t_end(&b);
	t_int(&b, 1);
	t_end(&b);
	cr_assert_eq(feed(&e), -EBADMSG);
}

Test(decode, unknown_records_are_skipped)
{
	struct event e = {.type = EVENT_ENTER};

	build_begin(&b, 999, sizeof(struct ft_rec), PID, PID, 1);
	cr_assert_eq(feed(&e), 0);
	cr_assert_eq(e.type, EVENT_NONE);
}

Test(decode, states_and_reasons_are_those_that_there_are)
{
	static const struct {
		unsigned state, reason;
		int err;
	} t[] = {
		{FT_STATE_attached, FT_REASON_NONE, 0},
		{FT_STATE_detached, FT_REASON_COUNT - 1, 0},
		{FT_STATE_NONE, FT_REASON_NONE, -EBADMSG},
		{FT_STATE_COUNT, FT_REASON_NONE, -EBADMSG},
		{FT_STATE_attached, FT_REASON_COUNT, -EBADMSG},
	};
	struct event e;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		build_state(&b, 1000, t[i].state, t[i].reason);
		cr_assert_eq(feed(&e), t[i].err);
		if (!t[i].err)
			cr_assert(e.type == EVENT_STATE && e.kind == t[i].state &&
				  e.reason == t[i].reason);
	}
	build_begin(&b, FT_REC_STATE, sizeof(struct ft_rec), 0, 0, 1000);
	cr_assert_eq(feed(&e), -EBADMSG);
}

Test(decode, what_is_left_out_has_a_rule)
{
	struct event e;

	for (unsigned rule = 0; rule <= FT_LEFT_OUT_COUNT; rule++) {
		bool is = rule != FT_LEFT_OUT_NONE && rule != FT_LEFT_OUT_COUNT;

		build_sampled(&b, 1000, 5000000000, rule);
		cr_assert_eq(feed(&e), is ? 0 : -EBADMSG);
		if (is)
			cr_assert(e.type == EVENT_SAMPLED && e.kind == rule &&
				  e.count == 5000000000);
	}
	build_begin(&b, FT_REC_SAMPLED, sizeof(struct ft_rec_state), 0, 0, 1000);
	cr_assert_eq(feed(&e), -EBADMSG);
}

Test(decode, a_forked_child_has_its_parents_classes)
{
	struct ft_rec_proc *r = build_begin(&b, FT_REC_PROC_FORK, sizeof(*r), PID, PID, 1);
	struct event e;

	r->other = PID + 1;
	cr_assert_eq(feed(&e), 0);
	build_type(&b, PID + 1, VALUE_ERROR, FT_KIND_EXC, "", NULL, NULL);
	cr_assert_eq(feed(&e), 0);
	build_code(&b, PID + 1, CODE, 0, "myapp", "f", "");
	cr_assert_eq(feed(&e), 0);
	begin_raise(&b, PID + 1, PID + 1, 5000, CODE, 4000, VALUE_ERROR);
	t_str(&b, "no");
	expect_raise("ValueError", "no", false);
}

/* ---- HTTP ----------------------------------------------------------------------- */

Test(decode, enter_for_a_request)
{
	struct event e;

	define_function("x");
	begin_enter(&b, PID, 1, 5000, CODE, 0);
	for_request(&b, 9);
	t_int(&b, 7);
	cr_assert_eq(feed(&e), 0);
	cr_assert_eq(e.request, 9);
	cr_assert(!memcmp(e.value.s, "{\"x\": 7}", e.value.len));
	begin_enter(&b, PID, 1, 5000, CODE, 0);
	build_rec(&b)->flags |= FT_ENTER_REQUEST;
	cr_assert_eq(feed(&e), -EBADMSG);
}
