/* SPDX-License-Identifier: MIT */
/*
 * Writes the recordings of this folder: make-recordings DIRECTORY. What each of them must
 * give is in NAME.expected.jsonl beside it.
 */
#include <stdio.h>

#include "build.h"
#include "ft_counters.h"
#include "ft_left_out.h"
#include "ft_state.h"
#include "recording/recording.h"

#define PID 4321
#define MAIN 0x1000
#define CALLEE 0x1001
#define METHOD 0x1002
#define STDLIB 0x1003
#define GENERATOR 0x1004
#define ORDER 0x2000
#define VALUE_ERROR 0x2001

static struct build b;
static struct recorder *recorder;
static struct why w;

static void put(void)
{
	struct ft_rec *rec = build_end(&b);

	if (recorder_write(recorder, rec, rec->size, &w))
		abort();
	buf_clear(&b.bytes);
}

static unsigned long long at(unsigned us)
{
	return 1000000000ull + us * 1000ull;
}

static void enter(unsigned tid, unsigned us, unsigned long long code, unsigned parent_us)
{
	begin_enter(&b, PID, tid, at(us), code, parent_us ? at(parent_us) : 0);
}

static void leave(unsigned tid, unsigned us, unsigned long long code, unsigned start_us)
{
	begin_exit(&b, PID, tid, at(us), code, at(start_us), FT_EXIT_RETURN);
}

static void leave_by_exception(unsigned us, unsigned long long code, unsigned start_us)
{
	begin_exit(&b, PID, PID, at(us), code, at(start_us), FT_EXIT_EXCEPTION);
	put();
}

static void describe(void)
{
	build_code(&b, PID, MAIN, 0, "__main__", "main", "argv");
	put();
	build_code(&b, PID, CALLEE, 0, "shop.pricing", "total", "items rate options");
	put();
	build_code(&b, PID, METHOD, 0, "shop.orders", "OrderService.create", "self args kwargs");
	put();
	build_code(&b, PID, STDLIB, 0, "json.decoder", "JSONDecoder.decode", "self s");
	put();
	build_code(&b, PID, GENERATOR, 0x20, "shop.orders", "lines.<locals>.<genexpr>", ".0");
	put();
	build_type(&b, PID, ORDER, FT_KIND_OBJECT, "OrderService", "OrderService", "shop.orders");
	put();
	build_type(&b, PID, VALUE_ERROR, FT_KIND_EXC, "ValueError", NULL, NULL);
	put();
}

static void t_list_123(void)
{
	t_open(&b, FT_T_LIST, 3);
	t_int(&b, 1);
	t_int(&b, 2);
	t_int(&b, 3);
	t_end(&b);
}

/* Calls, values, a dropped call between two kept ones, a thread with a name. */
static void calls(void)
{
	describe();
	enter(PID, 100, MAIN, 0);
	t_open(&b, FT_T_LIST, 1);
	t_str(&b, "caf\xe9");
	t_end(&b);
	put();
	enter(PID, 200, STDLIB, 100);
	t_mark(&b, FT_T_NONE);
	t_str(&b, "{}");
	put();
	enter(PID, 300, CALLEE, 200);
	t_list_123();
	t_float(&b, 0.19);
	t_open(&b, FT_T_DICT, 2);
	t_str(&b, "token");
	t_mark(&b, FT_T_REDACTED);
	t_int(&b, 7);
	t_bytes(&b, "\0abc", 4);
	t_end(&b);
	put();
	leave(PID, 400, CALLEE, 300);
	t_float(&b, 7.14);
	put();
	leave(PID, 450, STDLIB, 200);
	t_open(&b, FT_T_DICT, 0);
	t_end(&b);
	put();
	build_thread(&b, PID, PID + 1, "worker_0");
	put();
	enter(PID + 1, 500, METHOD, 0);
	t_pair(&b, FT_T_OBJECT, ORDER, 0x7f0012345678);
	t_open(&b, FT_T_TUPLE, 0);
	t_end(&b);
	t_open(&b, FT_T_DICT, 1);
	t_str(&b, "note");
	t_cut_text(&b, FT_T_STR, "a long text", 100000);
	t_end(&b);
	put();
	leave(PID + 1, 2500, METHOD, 500);
	t_mark(&b, FT_T_NONE);
	put();
	leave(PID, 4100, MAIN, 100);
	t_int(&b, 0);
	put();
}

/* Left by exception, handled by the caller; a generator that outlives its caller. */
static void exceptions(void)
{
	describe();
	enter(PID, 100, MAIN, 0);
	t_open(&b, FT_T_LIST, 0);
	t_end(&b);
	put();
	enter(PID, 200, CALLEE, 100);
	t_mark(&b, FT_T_UNREADABLE);
	t_mark(&b, FT_T_STOP);
	put();
	enter(PID, 250, GENERATOR, 200);
	t_pair(&b, FT_T_OBJECT, 0x9999, 0x7f00);
	put();
	begin_raise(&b, PID, PID, at(300), CALLEE, at(200), VALUE_ERROR);
	t_str(&b, "Invalid input");
	t_end(&b);
	put();
	begin_raise(&b, PID, PID, at(310), MAIN, at(100), VALUE_ERROR);
	t_str(&b, "Invalid input");
	t_end(&b);
	put();
	leave_by_exception(320, CALLEE, 200);
	leave(PID, 400, GENERATOR, 250);
	t_mark(&b, FT_T_NONE);
	put();
	leave(PID, 500, MAIN, 100);
	t_mark(&b, FT_T_TRUE);
	put();
}

/* An exit without a call, events that were lost, calls that stay open. */
static void losses(void)
{
	describe();
	leave(PID, 90, MAIN, 50);
	t_mark(&b, FT_T_NONE);
	put();
	enter(PID, 100, MAIN, 0);
	t_list_123();
	put();
	enter(PID, 200, CALLEE, 100);
	t_int(&b, 1);
	t_int(&b, 2);
	t_int(&b, 3);
	put();
	build_lost(&b, PID, PID, at(300), 3, FT_LOST_ring_full);
	put();
	leave(PID, 400, MAIN, 100);
	t_list_123();
	put();
	enter(PID, 500, MAIN, 0);
	t_mark(&b, FT_T_NONE);
	put();
	build_proc(&b, FT_REC_PROC_EXIT, PID, PID, at(600), 0);
	put();
}

/* Calls of a request, also after its response; one that is another's; one that stays open. */
static void http(void)
{
	static const char *const first[] = {"a-1", "GET", "/caf\xe9/\"x\"", "127.0.0.1",
					    "curl/7.88.1"},
				 *const second[] = {"b-2", "POST", "/orders", NULL, NULL};

	describe();
	build_request(&b, PID, PID, at(50), 1, first);
	put();
	enter(PID, 100, MAIN, 0);
	for_request(&b, 1);
	t_list_123();
	put();
	build_thread(&b, PID, PID + 1, "worker_0");
	put();
	build_request(&b, PID, PID + 1, at(150), 2, second);
	put();
	enter(PID + 1, 200, MAIN, 0);
	for_request(&b, 2);
	t_mark(&b, FT_T_NONE);
	put();
	begin_raise(&b, PID, PID, at(300), MAIN, at(100), VALUE_ERROR);
	t_str(&b, "Invalid input");
	t_end(&b);
	put();
	leave_by_exception(310, MAIN, 100);
	build_response(&b, PID, PID, at(2350), 1, 500, true);
	put();
	enter(PID, 2400, CALLEE, 0);
	for_request(&b, 1);
	t_int(&b, 1);
	t_int(&b, 2);
	t_int(&b, 3);
	put();
	((struct ft_rec_http_request *)build_begin(
		 &b, FT_REC_HTTP_FORGET, sizeof(struct ft_rec_http_request), PID, PID, at(2450)))
		->request = 1;
	put();
	leave(PID, 2500, CALLEE, 2400);
	t_float(&b, 7.14);
	put();
	enter(PID, 2600, CALLEE, 0);
	for_request(&b, 1);
	t_int(&b, 1);
	t_int(&b, 2);
	t_int(&b, 3);
	put();
	leave(PID, 2700, CALLEE, 2600);
	t_mark(&b, FT_T_NONE);
	put();
	leave(PID + 1, 2800, MAIN, 200);
	t_int(&b, 0);
	put();
}

/* Collections: in a call, in one that is dropped, in none, in another thread's, for a request; one
 * of a generation that is not known. */
static void runtime(void)
{
	static const char *const request[] = {"a-1", "GET", "/", NULL, NULL};

	describe();
	build_runtime(&b, PID, PID, at(90), FT_RUNTIME_GC, at(50), 0, 0, 12);
	put();
	enter(PID, 100, MAIN, 0);
	t_list_123();
	put();
	enter(PID, 200, STDLIB, 100);
	t_mark(&b, FT_T_NONE);
	t_str(&b, "{}");
	put();
	build_runtime(&b, PID, PID, at(1750), FT_RUNTIME_GC, at(250), at(200), 2, 4711);
	put();
	leave(PID, 1800, STDLIB, 200);
	t_mark(&b, FT_T_NONE);
	put();
	build_request(&b, PID, PID + 1, at(1850), 1, request);
	put();
	enter(PID + 1, 1900, MAIN, 0);
	for_request(&b, 1);
	t_mark(&b, FT_T_NONE);
	put();
	build_runtime(&b, PID, PID + 1, at(1950), FT_RUNTIME_GC, at(1940), at(1900), ~0ull, 0);
	put();
	leave(PID + 1, 2000, MAIN, 1900);
	t_int(&b, 0);
	put();
	leave(PID, 2100, MAIN, 100);
	t_int(&b, 0);
	put();
}

/* A child that is in the container of its parent, until it is said to be in none; a process in a
 * container without a pod; one after the end of another, with the same pid. */
static void containers(void)
{
	static const char *const pod[] = {"3f4c0d2b8e5a", "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0",
					  "prod",	  "shop-7d4b9",
					  "w\"eb",	  "node-7"},
				 *const docker[] = {"9a8b7c6d5e4f", NULL, NULL, NULL, NULL, "n"},
				 *const unnamed[] = {NULL, "u-1", NULL, NULL, NULL, "n"},
				 *const none[] = {NULL, NULL, NULL, NULL, NULL, "n"},
				 *const request[] = {"a-1", "GET", "/", NULL, NULL};

	describe();
	build_workload(&b, PID, pod);
	put();
	build_request(&b, PID, PID, at(50), 1, request);
	put();
	enter(PID, 100, MAIN, 0);
	for_request(&b, 1);
	t_list_123();
	put();
	build_proc(&b, FT_REC_PROC_FORK, PID, PID, at(150), PID + 1);
	put();
	begin_raise(&b, PID, PID, at(300), MAIN, at(100), VALUE_ERROR);
	t_str(&b, "Invalid input");
	t_end(&b);
	put();
	leave_by_exception(310, MAIN, 100);
	build_runtime(&b, PID + 1, PID + 1, at(400), FT_RUNTIME_GC, at(350), 0, 0, 1);
	put();
	build_workload(&b, PID + 1, docker);
	put();
	build_runtime(&b, PID + 1, PID + 1, at(500), FT_RUNTIME_GC, at(450), 0, 0, 2);
	put();
	build_workload(&b, PID + 1, unnamed);
	put();
	build_runtime(&b, PID + 1, PID + 1, at(550), FT_RUNTIME_GC, at(540), 0, 0, 3);
	put();
	build_workload(&b, PID + 1, none);
	put();
	build_runtime(&b, PID + 1, PID + 1, at(600), FT_RUNTIME_GC, at(560), 0, 0, 4);
	put();
	build_response(&b, PID, PID, at(700), 1, 500, false);
	put();
	build_proc(&b, FT_REC_PROC_EXIT, PID, PID, at(800), 0);
	put();
	build_runtime(&b, PID, PID, at(900), FT_RUNTIME_GC, at(850), 0, 0, 5);
	put();
}

/* The trace of a node: a run that was killed within a call, then one that was asked to end. */
static void states(void)
{
	describe();
	build_state(&b, at(10), FT_STATE_attached, FT_REASON_NONE);
	put();
	enter(PID, 100, MAIN, 0);
	t_list_123();
	put();
	build_state(&b, at(5000), FT_STATE_attached, FT_REASON_NONE);
	put();
	enter(PID, 5100, MAIN, 0);
	t_list_123();
	put();
	leave(PID, 5200, MAIN, 5100);
	t_list_123();
	put();
	build_state(&b, at(6000), FT_STATE_detached, FT_REASON_signal);
	put();
}

/* Calls are left out before one, and until the end. */
static void sampled(void)
{
	describe();
	build_sampled(&b, at(90), 41, FT_LEFT_OUT_sample);
	put();
	enter(PID, 100, MAIN, 0);
	t_list_123();
	put();
	leave(PID, 200, MAIN, 100);
	t_int(&b, 0);
	put();
	build_sampled(&b, at(300), 5000000000, FT_LEFT_OUT_sample);
	put();
}

static void record(const char *directory, const char *name, void (*fill)(void))
{
	struct ft_rec_session session;
	char path[4096];

	memcpy(&session, build_session(&b), sizeof(session));
	buf_clear(&b.bytes);
	snprintf(path, sizeof(path), "%s/%s.ftrec", directory, name);
	if (recorder_new(path, &session, -1, -1, &recorder, &w))
		abort();
	fill();
	if (recorder_close(recorder, &w))
		abort();
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: make-recordings DIRECTORY\n");
		return 2;
	}
	record(argv[1], "calls", calls);
	record(argv[1], "exceptions", exceptions);
	record(argv[1], "losses", losses);
	record(argv[1], "http", http);
	record(argv[1], "runtime", runtime);
	record(argv[1], "containers", containers);
	record(argv[1], "states", states);
	record(argv[1], "sampled", sampled);
	buf_release(&b.bytes);
	return 0;
}
