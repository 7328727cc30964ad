/* SPDX-License-Identifier: MIT */
/*
 * flowctl slow: the slowest single calls.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "columns.h"
#include "describe.h"
#include "reading.h"
#include "analyze/slowest.h"

struct options {
	uint64_t limit;
	const char *where;
	bool follow;
};

static const struct command_option rows[] = {
	{.name = "limit",
	 .letter = 'n',
	 .kind = VALUE_NUMBER,
	 .at = OPTION_AT(struct options, limit),
	 .value = "N",
	 .initial = "10",
	 .help = "number of calls",
	 .min = 1,
	 .max = 10000},
	READING_WHERE(struct options, where),
	READING_FOLLOW(struct options, follow),
	{0},
};

static void put_buf(struct json_out *j, const char *key, const struct buf *b)
{
	if (b->len)
		json_bytes(j, key, b->s, b->len);
	else
		json_text(j, key, NULL);
}

static void put_call(struct json_out *j, const struct slow_call *call)
{
	json_begin(j, NULL, '{');
	json_u64(j, "durationMicros", call->duration_us);
	json_u64(j, "selfMicros", call->self_us);
	json_u64(j, "timestamp", call->start_us);
	describe_put_function(j, call->function);
	put_buf(j, "args", &call->args);
	put_buf(j, "exception", &call->exception);
	put_buf(j, "thread", &call->thread);
	json_u64(j, "pid", call->pid);
	json_u64(j, "tid", call->tid);
	json_u64(j, "span", call->span);
	put_buf(j, "request_id", &call->request_id);
	json_flag(j, "lost", call->lost);
	describe_put_chain(j, "callers", call->chain, call->chain_len);
	json_text(j, "trace", call->file);
	json_u64(j, "traceLine", call->line);
	json_u64(j, "waitMicros", call->wait_us);
	json_end(j, '}');
}

static int print_json(const struct slowest *s, const struct reading *r)
{
	struct json_out j = {0};

	json_begin(&j, NULL, '{');
	reading_put(&j, r);
	json_begin(&j, "calls", '[');
	for (size_t i = 0; i < s->longest.count; i++)
		put_call(&j, top_n_at(&s->longest, i));
	json_end(&j, ']');
	json_end(&j, '}');
	return json_print(&j);
}

static void print_call(const struct slow_call *call)
{
	char duration[DURATION_MAX], self[DURATION_MAX], wait[DURATION_MAX];

	duration_text(duration, (double)call->duration_us);
	duration_text(self, (double)call->self_us);
	duration_text(wait, (double)call->wait_us);
	printf("%s%s%s  ", style(stdout, STYLE_BOLD), duration, style(stdout, STYLE_PLAIN));
	describe_print_function(call->function);
	describe_print_field("args", call->args.s, call->args.len);
	describe_print_field("raised", call->exception.s, call->exception.len);
	printf("    self %s, ", self);
	if (call->wait_us)
		printf("wait %s, ", wait);
	printf("began ");
	describe_print_time(call->start_us);
	describe_print_thread(call->thread.s, call->thread.len, call->pid, call->tid);
	printf(", line %" PRIu64 " of the trace%s\n", call->line,
	       call->lost ? ", its end was lost" : "");
	describe_print_field("request", call->request_id.s, call->request_id.len);
	describe_print_chain(call->chain, call->chain_len);
}

static int print(void *slowest, const struct reading *r, const struct arguments *a)
{
	const struct slowest *s = slowest;

	if (a->json)
		return print_json(s, r);
	for (size_t i = 0; i < s->longest.count; i++)
		print_call(top_n_at(&s->longest, i));
	if (!s->longest.count)
		puts("no call ended in this trace");
	return 0;
}

static int add_to_slow(void *s, const struct trace_event *e, const struct reading *r)
{
	return slowest_add(s, e, trace_reader_file(r->reader), trace_reader_line(r->reader));
}

static int finish_slow(void *s)
{
	slowest_finish(s);
	return 0;
}

static int run_slow(const struct arguments *a)
{
	static const struct reading_steps steps = {add_to_slow, finish_slow, print};
	const struct options *o = a->options;
	struct why w = {0};
	struct slowest s;
	int err = slowest_init(&s, o->limit);

	if (err)
		return command_end(err, &w);
	err = reading_run(&steps, &s, a, o->follow, o->where, &w);
	slowest_release(&s);
	return command_end(err, &w);
}

const struct command command_slow = {
	.name = "slow",
	.group = COMMANDS_READ,
	.operands = "TRACE...",
	.min_operands = 1,
	.summary = "slowest individual calls, with arguments",
	.about = "The calls that took longest. Each is shown with its arguments, the time that it "
		 "ran itself (self) or was suspended (wait), when and in which thread it ran, its "
		 "callers, and the line of the trace that ends it.\n\n" READING_WHERE_COUNTS
		 "\n\n" READING_WHERE_ABOUT "\n\n" READING_ABOUT,
	.options = rows,
	.options_size = sizeof(struct options),
	.run = run_slow,
};
