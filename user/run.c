/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "attach/attach.h"
#include "base/clock.h"
#include "named.h"
#include "pipeline.h"
#include "ring/live.h"
#include "run.h"
#include "targets.h"

/* Between two looks at the ring, which wakes nobody for events: a millisecond for each of
 * these bytes of it, since a faster target than that is not to be expected. */
#define DRAIN_BYTES 65536
#define DRAIN_MAX_MS 10
#define BUSY 10000 /* records in one look that mean: look again at once */
#define RETRY_MS 1 /* between two looks for a libpython that is being mapped */
#define FLUSH_NS (100 * NS_PER_MS)

struct run {
	const struct config *config;
	const struct ui *ui;
	struct why *why;
	struct run_result *result;
	struct targets *targets;
	struct attach *attach;
	struct ring *ring;
	struct pipeline *pipeline;
	int signal_fd;
	bool stop;
	uint64_t start_ns, flushed_ns, second_ns;
};

static void fill_status(struct run *r, struct run_status *s)
{
	pipeline_status(r->pipeline, s);
	s->seconds = (clock_ns(CLOCK_MONOTONIC) - r->start_ns) / 1e9;
}

/* ---- what the pipeline tells ----------------------------------------------------------- */

static void on_dropped(void *arg, const struct function *f)
{
	struct run *r = arg;

	/* It may be gone from the cache by then; it will be asked about again. */
	(void)attach_reject_code(r->attach, f->pid, f->code);
}

static void on_process(void *arg, const struct event *e)
{
	struct run *r = arg;

	targets_process(r->targets, e);
}

/* ---- signals ---------------------------------------------------------------------------- */

static void reopen(struct run *r)
{
	struct why w = {};

	if (pipeline_reopen(r->pipeline, &w))
		ui_note(r->ui, "still writing to the old file: %s", w.text);
}

static int on_signal(struct run *r)
{
	struct signalfd_siginfo si;

	while (read(r->signal_fd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGHUP)
			reopen(r);
		else if (si.ssi_signo != SIGCHLD)
			r->stop = true;
	}
	return targets_children(r->targets);
}

static int open_signals(struct run *r)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN); /* a closed standard output is a write error, not our end */
	r->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return r->signal_fd < 0 ? why(r->why, -errno, "signalfd: %s", strerror(errno)) : 0;
}

/* ---- once in a while --------------------------------------------------------------------- */

/*
 * Losses that no thread could keep for itself: told once a second, from the counters. The
 * number of events that each stands for: an ENTER that is lost takes its EXIT with it.
 */
static const unsigned events_lost[FT_COUNTER_COUNT] = {
	[FT_LOST_threads_full] = 2, [FT_LOST_read_thread] = 1, [FT_LOST_read_frame] = 1,
	[FT_LOST_read_code] = 2,    [FT_LOST_proc_event] = 1,  [FT_LOST_read_module] = 2,
};

static int tell_counters(struct run *r)
{
	uint64_t count[FT_COUNTER_COUNT], now = clock_ns(CLOCK_MONOTONIC);
	int err = attach_counters(r->attach, count);

	for (int i = 0; !err && i < FT_COUNTER_COUNT; i++) {
		struct ft_rec_lost lost = {
			.hdr = {.size = sizeof(lost), .type = FT_REC_LOST, .ts_ns = now},
			.first_ns = r->second_ns,
			.last_ns = now,
			.count = (count[i] - r->result->counters[i]) * events_lost[i],
			.reason = i,
		};

		r->result->counters[i] = count[i];
		if (lost.count)
			err = pipeline_record(r->pipeline, &lost.hdr, sizeof(lost));
	}
	return err;
}

static int each_second(struct run *r)
{
	struct run_status s;
	int err = tell_counters(r);

	r->second_ns = clock_ns(CLOCK_MONOTONIC);
	targets_drop_dead(r->targets);
	if (r->ui->status) {
		fill_status(r, &s);
		r->ui->status(r->ui->arg, &s);
	}
	return err;
}

static int tick(struct run *r)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	int err = 0;

	if (now - r->flushed_ns >= FLUSH_NS) {
		r->flushed_ns = now;
		err = pipeline_flush(r->pipeline);
	}
	if (!err && now - r->second_ns >= NS_PER_SECOND)
		err = each_second(r);
	if (r->config->duration_s > 0 && (now - r->start_ns) / 1e9 >= r->config->duration_s)
		r->stop = true;
	return err;
}

static int drain_ms(const struct config *c)
{
	uint64_t ms = c->buffer_bytes / DRAIN_BYTES;

	return ms < 1 ? 1 : ms > DRAIN_MAX_MS ? DRAIN_MAX_MS : ms;
}

static int loop(struct run *r)
{
	struct pollfd fds[2] = {
		{.fd = r->signal_fd, .events = POLLIN},
		{.fd = ring_fd(r->ring), .events = POLLIN},
	};
	int n = 0, err = 0;

	while (!err && !r->stop && !pipeline_full(r->pipeline) && !targets_ended(r->targets)) {
		bool waiting = targets_retry(r->targets);

		/* Never wait when the last look found a lot: more is there by now. */
		poll(fds, 2, n > BUSY ? 0 : waiting ? RETRY_MS : drain_ms(r->config));
		err = on_signal(r);
		if (!err)
			err = n = ring_drain(r->ring);
		if (err >= 0)
			err = tick(r);
	}
	return err;
}

/* ---- begin and end ------------------------------------------------------------------------- */

static int load(struct run *r)
{
	const struct config *c = r->config;
	struct attach_options o = {
		.settings =
			{
				.max_arg_length = c->max_arg_length,
				.max_depth = c->max_depth,
				.max_items = c->max_items,
				.capture = pipeline_capture(c),
				.accept_unknown = c->prefix.count == 0,
				.http = c->http,
			},
		.prefix = (const char *const *)c->prefix.at,
		.nprefix = c->prefix.count,
		.exclude = (const char *const *)c->exclude.at,
		.nexclude = c->exclude.count,
		.redact = (const char *const *)c->redact.at,
		.nredact = c->redact.count,
		.buffer_bytes = c->buffer_bytes,
		.roles = targets_roles(r->targets),
		.follow = c->follow == 1,
		.debug = r->ui->debug,
	};

	return attach_new(&o, &r->attach, r->why);
}

static int on_record(void *run, const struct ft_rec *rec, size_t size)
{
	struct run *r = run;
	struct named n;

	rec = named(&n, rec);
	return pipeline_record(r->pipeline, rec, rec->size);
}

/* The order matters: what can fail without a trace of us comes first. */
static int begin(struct run *r, const struct pipeline_live *live)
{
	int err = targets_new(r->config, r->ui, &r->targets, r->why);

	if (!err)
		err = load(r);
	if (!err)
		err = pipeline_new(r->config, live, &r->pipeline, r->why);
	if (!err)
		err = ring_new(attach_ring_fd(r->attach), on_record, r, &r->ring, r->why);
	if (!err)
		err = open_signals(r);
	if (!err)
		err = targets_attach(r->targets, r->attach);
	if (!err && r->config->verbose)
		ui_note(r->ui, "ready after %.0f ms",
			(clock_ns(CLOCK_MONOTONIC) - r->start_ns) / 1e6);
	return err;
}

static int on_loss(void *arg, const struct ft_rec_lost *lost)
{
	struct run *r = arg;

	return pipeline_record(r->pipeline, &lost->hdr, sizeof(*lost));
}

/* After the hooks are off: what is still in the ring, then what no record told of. */
static int drain(struct run *r)
{
	int n, err;

	attach_detach(r->attach);
	do
		n = ring_drain(r->ring);
	while (n > 0);
	err = n < 0 ? n : attach_each_loss(r->attach, on_loss, r);
	return err ? err : tell_counters(r);
}

static void explain_silence(struct run *r)
{
	char children[384];

	if (r->result->status.events)
		return;
	targets_untraced_children(r->targets, children, sizeof(children));
	if (children[0])
		ui_note(r->ui,
			"no matching call was seen, but the target has Python children: %s; "
			"trace them with --pid, or all with --follow",
			children);
	else if (r->config->prefix.count)
		ui_note(r->ui,
			"no call matched the prefix '%s': is it the module's dotted name "
			"(__main__ for a script)?",
			r->config->prefix.at[0]);
	else
		ui_note(r->ui,
			"no call was seen that is not the standard library's or a package's");
}

static int run_live(struct run *r)
{
	struct pipeline_live live = {on_dropped, on_process, r};
	int err = begin(r, &live), end = 0;

	if (!err)
		err = loop(r);
	if (!err)
		err = drain(r);
	if (r->pipeline) {
		end = pipeline_finish(r->pipeline);
		fill_status(r, &r->result->status);
	}
	if (err || end)
		return err ? err : end;
	r->result->command_status = targets_command_status(r->targets);
	err = targets_untraced(r->targets, r->why);
	if (err)
		return err;
	explain_silence(r);
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
		.signal_fd = -1,
		.start_ns = clock_ns(CLOCK_MONOTONIC),
	};
	int err;

	*ret_result = (struct run_result){};
	r.flushed_ns = r.second_ns = r.start_ns;
	err = c->replay ? run_replay(&r) : run_live(&r);
	ring_free(r.ring);
	attach_free(r.attach);
	targets_free(r.targets);
	pipeline_free(r.pipeline);
	if (r.signal_fd >= 0)
		close(r.signal_fd);
	return err;
}
