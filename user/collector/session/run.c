/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "arrivals.h"
#include "attach/attach.h"
#include "base/clock.h"
#include "counted.h"
#include "endpoint/endpoint.h"
#include "node/selection.h"
#include "output.h"
#include "pipeline.h"
#include "ring/live.h"
#include "rulebook.h"
#include "run.h"
#include "signals.h"
#include "silence.h"
#include "states.h"
#include "targets.h"

/* Interval between two drains of the ring, whose event records do not wake us: 1 ms per DRAIN_BYTES
 * of its size. So a target would have to write more than 64 MiB/s to fill it. */
#define DRAIN_BYTES 65536
#define DRAIN_MAX_MS 10
#define BUSY 10000 /* more records than this in one drain: drain again at once */
#define RETRY_MS 1 /* between two looks at a process whose libpython is being mapped */
#define FLUSH_NS (100 * NS_PER_MS)
#define JOINING_NS (2 * NS_PER_SECOND) /* for an existing child to be hooked, at the start */
#define WAIT_MS 20		       /* at the end, for output between two checks of signals */
#define NOTE_NS (500 * NS_PER_MS)      /* a longer wait is reported */
#define STALL_NS NS_PER_SECOND /* if nothing was read for this long, the output is given up */

struct run {
	const struct config *config;
	const struct ui *ui;
	struct why *why;
	struct run_result *result;
	struct targets *targets;
	struct attach *attach;
	struct ring *ring;
	struct pipeline *pipeline;
	struct endpoint *endpoint; /* NULL: there is none */
	struct arrivals *arrivals;
	struct signals signals;
	bool stop;	  /* the run ends by itself: --duration */
	bool stuck;	  /* a thread does not end, so what it uses is not freed */
	pthread_t thread; /* the one that takes signals */
	bool joining;	  /* existing children are being hooked; then all are reported together */
	uint64_t start_ns, ready_ns; /* ready: the hooks are in, or the command is started */
	uint64_t end_ns;	     /* the hooks are out; 0 = not yet */
	struct states states;
	uint64_t flushed_ns, second_ns;
	bool hooked; /* a Python process is hooked */
};

static double attached_seconds(const struct run *r)
{
	uint64_t from = r->ready_ns ? r->ready_ns : r->start_ns;

	return ((r->end_ns ? r->end_ns : clock_ns(CLOCK_MONOTONIC)) - from) / 1e9;
}

static void fill_status(const struct run *r, struct run_status *s)
{
	pipeline_status(r->pipeline, s);
	s->seconds = attached_seconds(r);
}

/* ---- what the endpoint shows ------------------------------------------------------------ */

static const char *waits_for(const struct run *r)
{
	if (r->stop || r->signals.stop)
		return "detaching";
	if (!r->ready_ns)
		return "attaching";
	if (r->config->all)
		return targets_joining(r->targets) ? "hooking what runs already" : NULL;
	return r->hooked ? NULL : "waiting for Python";
}

/* Once a second, and when it changes. */
static void publish(const struct run *r, bool looping)
{
	struct endpoint_state s = {.looping = looping, .waits_for = waits_for(r)};

	if (!r->endpoint || !r->pipeline)
		return;
	fill_status(r, &s.status);
	pipeline_lost_by(r->pipeline, s.lost_by);
	s.processes = targets_count(r->targets);
	endpoint_turned(r->endpoint, clock_ns(CLOCK_MONOTONIC));
	endpoint_tell(r->endpoint, &s);
}

/* ---- what the pipeline tells ----------------------------------------------------------- */

static void on_dropped(void *arg, const struct function *f)
{
	struct run *r = arg;

	/* On failure the code object has left the cache: BPF will ask again. */
	(void)attach_reject_code(r->attach, f->pid, f->code, f->described_ns, f->left_out);
}

/* ---- signals ---------------------------------------------------------------------------- */

static void reopen(struct run *r)
{
	struct why w = {};

	r->signals.reopen = false;
	if (pipeline_reopen(r->pipeline, &w))
		ui_note(r->ui, "still writing to the old file: %s", w.text);
	targets_reread(r->targets);
}

static int on_signal(struct run *r)
{
	signals_take(&r->signals);
	if (r->signals.reopen)
		reopen(r);
	return targets_children(r->targets);
}

/* ---- once in a while --------------------------------------------------------------------- */

static int tell_counters(struct run *r)
{
	return counted_tell(r->attach, r->pipeline, r->second_ns, r->result);
}

static void tell_rules(struct run *r)
{
	char text[1024];

	if (rulebook_note(targets_rulebook(r->targets), text, sizeof(text)))
		ui_note(r->ui, "%s", text);
}

static int each_second(struct run *r)
{
	struct run_status s;
	int err = tell_counters(r);

	r->second_ns = clock_ns(CLOCK_MONOTONIC);
	targets_drop_dead(r->targets);
	targets_tell_notes(r->targets);
	tell_rules(r);
	signals_tick(&r->signals);
	if (r->ui->status) {
		fill_status(r, &s);
		r->ui->status(r->ui->arg, &s);
	}
	publish(r, true);
	return err;
}

/* Reports that tracing has begun; for a command that is not Python yet, when it becomes one. */
static void tell_attached(struct run *r)
{
	r->ready_ns = clock_ns(CLOCK_MONOTONIC);
	if (r->hooked || !r->config->command)
		ui_note(r->ui, "%s after %.0f ms", r->hooked ? "attached" : "waiting for Python",
			(r->ready_ns - r->start_ns) / 1e6);
	publish(r, true);
}

static void tell_hooked(struct run *r, uint64_t now)
{
	bool hooked = targets_any_python(r->targets);

	if (r->joining && targets_joining(r->targets) &&
	    now - targets_joined_ns(r->targets) < JOINING_NS)
		return;
	if (!r->joining && (r->hooked || !hooked))
		return;
	r->joining = false;
	r->hooked = hooked;
	tell_attached(r);
}

static int tick(struct run *r)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	int err = 0;

	endpoint_turned(r->endpoint, now);
	if (now - r->flushed_ns >= FLUSH_NS) {
		r->flushed_ns = now;
		err = pipeline_flush(r->pipeline);
	}
	if (!err && now - r->second_ns >= NS_PER_SECOND)
		err = each_second(r);
	tell_hooked(r, now);
	if (!err && r->config->all && !waits_for(r))
		err = states_attached(&r->states);
	if (r->config->duration_s > 0 && attached_seconds(r) >= r->config->duration_s)
		r->stop = true;
	return err;
}

static int drain_ms(const struct config *c)
{
	uint64_t ms = c->buffer_bytes / DRAIN_BYTES;

	return ms < 1 ? 1 : ms > DRAIN_MAX_MS ? DRAIN_MAX_MS : ms;
}

/* Waits until there is something to do, or the ring may be filling up. */
static void wait_for_more(struct run *r, bool busy)
{
	bool waiting = targets_retry(r->targets);
	struct pollfd fds[] = {
		{.fd = r->signals.fd, .events = POLLIN},
		{.fd = ring_fd(r->ring), .events = POLLIN},
		{.fd = targets_loads_fd(r->targets), .events = POLLIN},
		{.fd = targets_looks_fd(r->targets), .events = POLLIN},
	};

	poll(fds, sizeof(fds) / sizeof(fds[0]),
	     busy      ? 0
	     : waiting ? RETRY_MS
		       : drain_ms(r->config));
}

static int loop(struct run *r)
{
	int n = 0, err = 0;

	while (!err && !r->stop && !r->signals.stop && !pipeline_full(r->pipeline) &&
	       !targets_ended(r->targets)) {
		/* If the last drain found a lot, there is more by now: do not wait. */
		wait_for_more(r, n > BUSY);
		err = on_signal(r);
		if (!err)
			err = targets_looked(r->targets);
		if (!err)
			err = n = ring_drain(r->ring);
		if (err >= 0)
			err = arrivals_tick(r->arrivals);
		if (err >= 0)
			err = tick(r);
	}
	return err;
}

/* ---- begin and end ------------------------------------------------------------------------- */

/* Called by the thread that looks at newcomers too. */
static bool is_stopped(void *arg)
{
	struct run *r = arg;

	if (pthread_equal(r->thread, pthread_self()))
		signals_take(&r->signals);
	return __atomic_load_n(&r->signals.stop, __ATOMIC_RELAXED) ||
	       __atomic_load_n(&r->stop, __ATOMIC_RELAXED);
}

static int load(struct run *r)
{
	const struct config *c = r->config;
	struct attach_options o = {
		.settings = {.http = c->http, .stack = c->stack},
		.policy = rulebook_own(targets_rulebook(r->targets)),
		.redact = (const char *const *)c->redact.at,
		.nredact = c->redact.count,
		.buffer_bytes = c->buffer_bytes,
		.max_threads = c->max_threads,
		.max_processes = c->max_processes,
		.roles = targets_roles(r->targets),
		.follow = c->follow == 1,
		.all = c->all,
		.ask = selection_asked(c) || rulebook_asks(c),
		.debug = r->ui->debug,
		.stopped = is_stopped,
		.arg = r,
	};

	return attach_new(&o, &r->attach, r->why);
}

/* Each hook is a descriptor. A command inherits the original limit, so this comes after its
 * start. */
static void allow_many_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		return;
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files);
}

/* The order matters: steps that can fail without a trace of us come first. */
static int begin(struct run *r, const struct pipeline_live *live)
{
	int err = signals_open(&r->signals, r->why);

	if (!err && r->config->metrics)
		err = endpoint_new(r->config->metrics, &r->endpoint, r->why);
	if (!r->config->command)
		allow_many_files();
	if (!err)
		err = targets_new(r->config, r->ui, &r->targets, r->why);
	if (!err)
		err = load(r);
	if (!err)
		err = pipeline_new(r->config, live, &r->pipeline, r->why);
	r->states.pipeline = r->pipeline;
	if (!err)
		err = arrivals_new(r->targets, r->pipeline, true, &r->arrivals, r->why);
	if (!err)
		err = ring_new(attach_ring_fd(r->attach), arrivals_record, r->arrivals, &r->ring,
			       r->why);
	if (!err)
		err = targets_attach(r->targets, r->attach);
	if (err)
		return err;
	allow_many_files();
	signals_ready(&r->signals);
	r->joining = targets_joining(r->targets);
	if (r->joining)
		return 0;
	r->hooked = targets_any_python(r->targets);
	tell_attached(r);
	return 0;
}

static int on_loss(void *arg, const struct ft_rec_lost *lost)
{
	struct run *r = arg;

	return pipeline_record(r->pipeline, &lost->hdr, sizeof(*lost));
}

static enum ft_state_reason ended_by(const struct run *r, int err)
{
	if (err)
		return FT_REASON_error;
	if (r->signals.stop)
		return FT_REASON_signal;
	return pipeline_full(r->pipeline) ? FT_REASON_events : FT_REASON_duration;
}

static void detach(struct run *r)
{
	states_ending(&r->states);
	if (r->signals.stop)
		signals_end_at_once();
	__atomic_store_n(&r->stop, true, __ATOMIC_RELAXED); /* stops hooking that is under way */
	publish(r, false);
	r->stuck = r->targets && !targets_stop(r->targets);
	attach_detach(r->attach);
	r->end_ns = clock_ns(CLOCK_MONOTONIC);
}

/* After the hooks are off: reads the rest of the ring, then the losses that no record reported. */
static int drain(struct run *r)
{
	int n, err;

	do
		n = ring_drain(r->ring);
	while (n > 0);
	err = n < 0 ? n : arrivals_finish(r->arrivals);
	if (!err)
		err = attach_each_loss(r->attach, on_loss, r);
	return err ? err : tell_counters(r);
}

/* Reports once why the end takes a while. */
static void note_waiting(struct run *r, uint64_t since_ns, bool *told)
{
	if (*told || clock_ns(CLOCK_MONOTONIC) - since_ns < NOTE_NS)
		return;
	*told = true;
	ui_note(r->ui, "detached; the output is still to be read: %s",
		r->signals.stop ? "interrupt again to end at once"
				: "interrupt to end without the rest");
}

/*
 * Waits for the output. The hooks are out, so the reader may take its time, as a pager does. A
 * signal still counts: after it, a reader that reads nothing has one second.
 */
static int let_out(struct run *r, bool failed)
{
	uint64_t since_ns = clock_ns(CLOCK_MONOTONIC);
	bool told = false, stopped = r->signals.stop;
	int err;

	while ((err = pipeline_settle(r->pipeline, WAIT_MS)) == -EAGAIN) {
		if (!r->signals.stop) /* after the first, signals_end_at_once() takes them */
			signals_take(&r->signals);
		if ((r->signals.stop || failed) && pipeline_stalled_ns(r->pipeline) > STALL_NS)
			return pipeline_give_up(r->pipeline);
		if (r->signals.stop && !stopped)
			signals_end_at_once();
		stopped = r->signals.stop;
		note_waiting(r, since_ns, &told);
	}
	return err;
}

/* Always: takes the hooks out, and writes what is left. */
static int finish(struct run *r, int err)
{
	int told, end;

	if (r->attach)
		detach(r);
	if (!err)
		err = drain(r);
	if (!r->pipeline)
		return err;
	told = states_detached(&r->states, ended_by(r, err));
	end = pipeline_finish(r->pipeline);
	if (!end)
		end = let_out(r, err != 0);
	fill_status(r, &r->result->status);
	return err ?: told ?: end;
}

/* The user asked to stop before anything was attached. */
static int end_early(struct run *r)
{
	(void)finish(r, -EINTR);
	*r->why = (struct why){};
	ui_note(r->ui, "interrupted before it was attached");
	return 0;
}

static int run_live(struct run *r)
{
	struct pipeline_live live = {on_dropped, r};
	int err = begin(r, &live);

	if (err == -EINTR)
		return end_early(r);
	if (!err)
		err = loop(r);
	err = finish(r, err);
	if (err)
		return err;
	r->result->command_status = targets_command_status(r->targets);
	err = targets_untraced(r->targets, r->why);
	if (err)
		return err;
	if (!r->result->status.events)
		silence_explain(r->config, r->targets, r->ui);
	return 0;
}

static int run_replay(struct run *r)
{
	int err = pipeline_new(r->config, NULL, &r->pipeline, r->why), end;

	if (err)
		return err;
	err = pipeline_replay(r->pipeline);
	end = pipeline_finish(r->pipeline);
	fill_status(r, &r->result->status);
	return err ? err : end;
}

int run(const struct config *c, const struct ui *ui, struct run_result *ret_result, struct why *w)
{
	struct run r = {
		.config = c,
		.ui = ui,
		.why = w,
		.result = ret_result,
		.thread = pthread_self(),
		.signals = {.fd = -1, .terminal = -1},
		.start_ns = clock_ns(CLOCK_MONOTONIC),
	};
	int err;

	*ret_result = (struct run_result){};
	r.flushed_ns = r.second_ns = r.start_ns;
	err = output_check(c, w);
	if (!err)
		err = c->replay ? run_replay(&r) : run_live(&r);
	endpoint_free(r.endpoint);
	ring_free(r.ring);
	arrivals_free(r.arrivals);
	if (!r.stuck)
		attach_free(r.attach);
	targets_free(r.targets);
	pipeline_free(r.pipeline);
	signals_close(&r.signals);
	return err;
}
