/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "assemble/assemble.h"
#include "attach/attach.h"
#include "attach/launch.h"
#include "cpython/cpython.h"
#include "decode/decode.h"
#include "discover/discover.h"
#include "filter/filter.h"
#include "pipeline.h"
#include "ring/live.h"
#include "ring/recording.h"
#include "sink/sink.h"

/* Between two looks at the ring, which wakes nobody for events: a millisecond for each of
 * these bytes of it, since a faster target than that is not to be expected. */
#define DRAIN_BYTES 65536
#define DRAIN_MAX_MS 10
#define BUSY 10000 /* records in one look that mean: look again at once */
#define RETRY_MS 1 /* between two looks for a libpython that is being mapped */
#define RETRY_LIMIT_MS 2000
#define FLUSH_NS 100000000ULL
#define SECOND_NS 1000000000ULL
#define PROCS_MAX 1024
#define NESTING_BITS 32 /* span numbers: random high bits over this many counted ones */

/* A target that was looked at and not yet touched. */
struct prepared {
	struct target target;
	struct ft_layout layout;
	struct hooks hooks;
};

/* A process that is traced or followed. */
struct proc {
	pid_t pid;
	bool python;
	uint64_t hooked_ns;	 /* when it was last looked at: an exec before that is known */
	uint64_t retry_until_ns; /* its libpython is awaited; 0 = not */
};

struct pipeline {
	const struct config *config;
	const struct pipeline_ui *ui;
	struct why *why;

	struct filter *filter;
	struct sink *sink;
	struct decoder *decoder;
	struct assembler *assembler;
	struct recorder *recorder;
	struct attach *attach;
	struct ring *ring;
	struct launch *launch;

	struct proc procs[PROCS_MAX];
	int nprocs;
	bool any_python;
	bool running; /* the command was let go: it is not ours to end any more */
	int signal_fd;

	bool stop;
	bool ended; /* the target, or the command, is gone */
	uint64_t start_ns, flushed_ns, status_ns, told_ns;
	uint64_t lines;
	struct pipeline_result *result;
};

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * SECOND_NS + t.tv_nsec;
}

static void note(struct pipeline *p, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (!p->ui->note)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	p->ui->note(p->ui->arg, text);
}

/* ---- lines: the end of the pipe ----------------------------------------------------- */

static int on_line(void *arg, const struct line *line)
{
	struct pipeline *p = arg;
	int err;

	if (p->config->events && p->lines >= p->config->events)
		return 0; /* asked for so many; the rest is on its way out */
	err = p->sink->ops->line(p->sink, line, p->why);
	p->lines++;
	if (p->config->events && p->lines >= p->config->events)
		p->stop = true;
	return err;
}

static bool on_keep(void *arg, struct function *f)
{
	struct pipeline *p = arg;

	return filter_keep(p->filter, f);
}

static const char *on_thread_name(void *arg, uint32_t pid, uint32_t tid)
{
	struct pipeline *p = arg;

	return decoder_thread_name(p->decoder, pid, tid);
}

/* ---- processes ------------------------------------------------------------------------ */

static struct proc *proc_find(struct pipeline *p, pid_t pid)
{
	for (int i = 0; i < p->nprocs; i++)
		if (p->procs[i].pid == pid)
			return &p->procs[i];
	return NULL;
}

static struct proc *proc_add(struct pipeline *p, pid_t pid)
{
	struct proc *known = proc_find(p, pid);

	if (known)
		return known;
	if (p->nprocs == PROCS_MAX)
		return NULL;
	p->procs[p->nprocs] = (struct proc){.pid = pid};
	return &p->procs[p->nprocs++];
}

static void proc_drop(struct pipeline *p, pid_t pid)
{
	struct proc *gone = proc_find(p, pid);

	if (gone)
		*gone = p->procs[--p->nprocs];
	if (!p->nprocs && !p->launch) /* a command's end is told by wait(2) */
		p->ended = true;
}

static enum backend backend_of(const struct config *c)
{
	if (!strcmp(c->backend, "usdt"))
		return BACKEND_USDT;
	if (!strcmp(c->backend, "uprobe"))
		return BACKEND_UPROBE;
	return BACKEND_AUTO;
}

/* Everything that can be told without touching the process. */
static int prepare(struct pipeline *p, pid_t pid, struct prepared *ret, struct why *w)
{
	int err = discover_target(pid, &ret->target, w);

	if (!err)
		err = cpython_layout(&ret->target, &ret->layout, w);
	if (!err)
		err = cpython_hooks(&ret->target, backend_of(p->config), &ret->hooks, w);
	return err;
}

static int hook(struct pipeline *p, const struct prepared *r, struct why *w)
{
	const struct target *t = &r->target;
	int err = attach_process(p->attach, t, &r->layout, &r->hooks, w);

	if (err)
		return err;
	p->any_python = true;
	if (p->config->verbose)
		note(p, "pid %d: CPython %d.%d, %s, %d sites in %s", t->pid, t->major, t->minor,
		     r->hooks.backend, r->hooks.count, t->binary);
	return 0;
}

static int hook_pid(struct pipeline *p, pid_t pid, struct why *w)
{
	struct proc *proc = proc_find(p, pid);
	struct prepared r = {};
	int err;

	if (proc)
		proc->hooked_ns = now_ns(CLOCK_MONOTONIC);
	err = prepare(p, pid, &r, w);

	if (!err)
		err = hook(p, &r, w);
	target_release(&r.target);
	return err;
}

/* A process that came to us by fork or exec: it may be anything. */
static void hook_if_python(struct pipeline *p, pid_t pid)
{
	struct proc *proc = proc_add(p, pid);
	struct why w = {};
	int err;

	if (!proc)
		return;
	err = hook_pid(p, pid, &w);
	proc->python = !err;
	if (err == -EAGAIN && !proc->retry_until_ns)
		proc->retry_until_ns = now_ns(CLOCK_MONOTONIC) + RETRY_LIMIT_MS * 1000000ULL;
	else if (err != -EAGAIN)
		proc->retry_until_ns = 0;
	if (err && w.exit_status != EXIT_NO_PROCESS)
		note(p, "pid %d is not traced: %s", pid, w.text);
}

static bool exec_known(struct pipeline *p, const struct event *e)
{
	const struct proc *proc = proc_find(p, e->pid);

	return proc && proc->hooked_ns >= e->ts_ns;
}

static bool retry_procs(struct pipeline *p)
{
	uint64_t now = now_ns(CLOCK_MONOTONIC);
	bool waiting = false;

	for (int i = 0; i < p->nprocs; i++) {
		if (!p->procs[i].retry_until_ns)
			continue;
		if (now > p->procs[i].retry_until_ns)
			p->procs[i].retry_until_ns = 0;
		else
			hook_if_python(p, p->procs[i].pid);
		waiting |= p->procs[i].retry_until_ns != 0;
	}
	return waiting;
}

/* ---- records: the beginning ------------------------------------------------------------ */

static void on_session(struct pipeline *p, const struct ft_rec_session *s)
{
	struct decoder_options o = {
		.max_arg_length = p->config->max_arg_length,
		.args = p->config->args && s->capture & FT_CAPTURE_ARGS,
		.result = p->config->result && s->capture & FT_CAPTURE_RESULT,
	};

	if (s->max_arg_length && s->max_arg_length < o.max_arg_length)
		o.max_arg_length = s->max_arg_length;
	decoder_set_options(p->decoder, &o);
	assembler_set_limits(p->assembler, o.max_arg_length, o.args, o.result);
	assembler_set_anchor(p->assembler, s->hdr.ts_ns, s->realtime_ns);
}

static int on_event(struct pipeline *p, const struct ft_rec *rec, const struct event *e)
{
	switch (e->type) {
	case EVENT_SESSION:
		on_session(p, (const struct ft_rec_session *)rec);
		return 0;
	case EVENT_FUNCTION:
		if (p->attach && e->function && !filter_keep(p->filter, e->function))
			attach_reject_code(p->attach, e->pid, e->function->code);
		return 0;
	case EVENT_PROC_FORK:
		if (p->attach && proc_add(p, e->other_pid))
			proc_find(p, e->other_pid)->python = true;
		break;
	case EVENT_PROC_EXEC:
		if (p->attach && !launch_holds(p->launch, e->pid) && !exec_known(p, e))
			hook_if_python(p, e->pid);
		break;
	case EVENT_PROC_EXIT:
		if (p->attach)
			proc_drop(p, e->pid);
		break;
	default:
		break;
	}
	return assembler_event(p->assembler, e);
}

/* Live, one bad record must not end the trace: it is a loss like another. */
static int lose_record(struct pipeline *p, const struct ft_rec *rec)
{
	struct event e = {
		.type = EVENT_LOST,
		.pid = rec->pid,
		.tid = rec->tid,
		.ts_ns = rec->ts_ns,
		.first_ns = rec->ts_ns,
		.last_ns = rec->ts_ns,
		.count = 1,
		.reason = FT_LOST_bad_record,
	};

	*p->why = (struct why){};
	return assembler_event(p->assembler, &e);
}

static int on_record(void *arg, const struct ft_rec *rec, size_t size)
{
	struct pipeline *p = arg;
	struct event e;
	int err;

	if (p->recorder) {
		err = recorder_write(p->recorder, rec, size, p->why);
		if (err)
			return err;
	}
	err = decoder_event(p->decoder, rec, size, &e, p->why);
	if (err == -EBADMSG && p->attach)
		return lose_record(p, rec);
	return err ? err : on_event(p, rec, &e);
}

static int on_loss(void *arg, const struct ft_rec_lost *lost)
{
	return on_record(arg, &lost->hdr, sizeof(*lost));
}

/* ---- opening and closing ------------------------------------------------------------------ */

/* Under sudo the output belongs to the user who called. */
static long sudo_id(const char *name)
{
	const char *text = geteuid() == 0 ? getenv(name) : NULL;
	char *end;
	long id;

	if (!text || !*text)
		return -1;
	id = strtol(text, &end, 10);
	return *end || id < 0 ? -1 : id;
}

static struct ft_rec_session session_of(const struct config *c)
{
	struct ft_rec_session s = {
		.hdr = {.size = sizeof(s),
			.type = FT_REC_SESSION,
			.pid = getpid(),
			.ts_ns = now_ns(CLOCK_MONOTONIC)},
		.abi_version = FT_ABI_VERSION,
		.max_arg_length = c->max_arg_length,
		.max_depth = c->max_depth,
		.max_items = c->max_items,
		.realtime_ns = now_ns(CLOCK_REALTIME),
		.capture = (c->args ? FT_CAPTURE_ARGS : 0) | (c->result ? FT_CAPTURE_RESULT : 0),
	};

	return s;
}

/* Random bits above the counted ones, so that appended runs do not collide. */
static uint64_t random_span_base(void)
{
	uint64_t bits = 0;

	if (getrandom(&bits, sizeof(bits), 0) != sizeof(bits))
		bits = now_ns(CLOCK_REALTIME);
	return (bits & ((1ULL << (53 - NESTING_BITS)) - 1)) << NESTING_BITS;
}

static int open_stages(struct pipeline *p)
{
	const struct config *c = p->config;
	struct ft_rec_session session = session_of(c);
	struct decoder_options decode = {c->max_arg_length, c->args, c->result};
	struct assembler_options assemble = {
		.anchor_mono_ns = session.hdr.ts_ns,
		.anchor_real_ns = session.realtime_ns,
		.span_base = random_span_base(),
		.max_arg_length = c->max_arg_length,
		.args = c->args,
		.result = c->result,
		.thread_name = on_thread_name,
		.keep = on_keep,
		.line = on_line,
		.arg = p,
	};
	long uid = sudo_id("SUDO_UID"), gid = sudo_id("SUDO_GID");
	int err;

	err = filter_new((const char *const *)c->prefix.at, c->prefix.count,
			 (const char *const *)c->exclude.at, c->exclude.count, &p->filter);
	if (!err)
		err = decoder_new(&decode, &p->decoder);
	if (!err)
		err = assembler_new(&assemble, &p->assembler);
	if (err)
		return why(p->why, err, "cannot set up: %s", strerror(-err));
	err = sink_jsonl_new(c->output, c->to_stdout, uid, gid, &p->sink, p->why);
	if (!err && c->record)
		err = recorder_new(c->record, &session, uid, gid, &p->recorder, p->why);
	return err;
}

static int flush(struct pipeline *p)
{
	p->flushed_ns = now_ns(CLOCK_MONOTONIC);
	return p->sink->ops->flush(p->sink, p->why);
}

static void close_stages(struct pipeline *p)
{
	ring_free(p->ring);
	attach_free(p->attach);
	if (p->sink)
		p->sink->ops->free(p->sink);
	assembler_free(p->assembler);
	decoder_free(p->decoder);
	filter_free(p->filter);
	if (p->signal_fd >= 0)
		close(p->signal_fd);
}

static void fill_status(struct pipeline *p, struct pipeline_status *s)
{
	struct assembler_stats a;

	assembler_stats(p->assembler, &a);
	*s = (struct pipeline_status){
		.events = p->lines,
		.lost = a.lost,
		.functions = a.functions,
		.unfinished = a.unfinished,
		.seconds = (now_ns(CLOCK_MONOTONIC) - p->start_ns) / 1e9,
	};
}

/* ---- a live run ------------------------------------------------------------------------------ */

/* Which hooks the targets need; any, when others may join them. */
static unsigned roles_of(const struct pipeline *p, const struct prepared *r)
{
	unsigned roles = 0;

	for (size_t i = 0; p->config->follow != 1 && i < p->config->npids; i++)
		for (int k = 0; k < r[i].hooks.count; k++)
			roles |= 1U << r[i].hooks.site[k].role;
	return roles;
}

static int load(struct pipeline *p, const struct prepared *r)
{
	const struct config *c = p->config;
	struct attach_options o = {
		.settings =
			{
				.max_arg_length = c->max_arg_length,
				.max_depth = c->max_depth,
				.max_items = c->max_items,
				.capture = session_of(c).capture,
				.accept_unknown = c->prefix.count == 0,
			},
		.prefix = (const char *const *)c->prefix.at,
		.nprefix = c->prefix.count,
		.exclude = (const char *const *)c->exclude.at,
		.nexclude = c->exclude.count,
		.redact = (const char *const *)c->redact.at,
		.nredact = c->redact.count,
		.buffer_bytes = c->buffer_bytes,
		.roles = roles_of(p, r),
		.follow = c->follow == 1,
		.debug = p->ui->debug,
	};
	int err = attach_new(&o, &p->attach, p->why);

	return err ? err : ring_new(attach_ring_fd(p->attach), on_record, p, &p->ring, p->why);
}

/* Looks at every pid before any file is opened or process touched. */
static int prepare_pids(struct pipeline *p, struct prepared *r)
{
	int err = 0;

	for (size_t i = 0; !err && i < p->config->npids; i++)
		err = prepare(p, p->config->pids[i], &r[i], p->why);
	return err;
}

static int attach_pid(struct pipeline *p, const struct prepared *r)
{
	pid_t pid = r->target.pid;
	struct proc *proc;
	int err = hook(p, r, p->why);

	if (err)
		return err;
	if (kill(pid, 0) && errno == ESRCH)
		return why_exit(p->why, EXIT_NO_PROCESS, -ESRCH,
				"process %d exited while it was attached to", pid);
	proc = proc_add(p, pid);
	if (!proc)
		return why(p->why, -E2BIG, "more than %d processes at once", PROCS_MAX);
	proc->python = true;
	return 0;
}

/* Children that were there before us: the kernel reports only those that come now. */
static void attach_children(struct pipeline *p)
{
	pid_t child[256];

	if (p->config->follow != 1)
		return;
	for (size_t i = 0; i < p->config->npids; i++) {
		int n = discover_python_children(p->config->pids[i], child, 256);

		for (int k = 0; k < n; k++)
			hook_if_python(p, child[k]);
	}
}

static int start_command(struct pipeline *p)
{
	int err = launch_new(p->config->command, &p->launch, p->why);

	if (err)
		return err;
	err = attach_follow(p->attach, launch_pid(p->launch), p->why);
	if (!err && !proc_add(p, launch_pid(p->launch)))
		err = -E2BIG;
	if (!err)
		err = launch_go(p->launch, p->why);
	return err;
}

/* A launched process is held at its exec. */
static int on_held(struct pipeline *p, pid_t pid)
{
	struct proc *proc = proc_add(p, pid);
	struct why w = {};
	int err = hook_pid(p, pid, &w);

	if (err == -ENOENT) { /* sh, env, ...: what it becomes next is looked at again */
		p->running = true;
		launch_hold_on(p->launch, pid);
		return 0;
	}
	if (proc)
		proc->python = !err;
	if (proc && err == -EAGAIN)
		proc->retry_until_ns = now_ns(CLOCK_MONOTONIC) + RETRY_LIMIT_MS * 1000000ULL;
	if (err && err != -EAGAIN && pid == launch_pid(p->launch))
		return why_exit(p->why, w.exit_status, err, "%s", w.text);
	if (err && err != -EAGAIN)
		note(p, "pid %d is not traced: %s", pid, w.text);
	p->running = true;
	launch_release(p->launch, pid);
	return 0;
}

static int on_children(struct pipeline *p)
{
	enum launch_event what;
	int status = 0, err = 0;
	pid_t pid;

	while (!err && p->launch &&
	       (what = launch_next(p->launch, &pid, &status)) != LAUNCH_NOTHING) {
		if (what == LAUNCH_EXEC) {
			err = on_held(p, pid);
		} else {
			p->result->command_status = status;
			p->ended = true;
		}
	}
	return err;
}

static void reopen(struct pipeline *p)
{
	struct why w = {};

	if (p->sink->ops->reopen(p->sink, &w))
		note(p, "still writing to the old file: %s", w.text);
}

static int on_signal(struct pipeline *p)
{
	struct signalfd_siginfo si;

	while (read(p->signal_fd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGHUP)
			reopen(p);
		else if (si.ssi_signo != SIGCHLD)
			p->stop = true;
	}
	return on_children(p);
}

static int open_signals(struct pipeline *p)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN); /* a closed standard output is a write error, not our end */
	p->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return p->signal_fd < 0 ? why(p->why, -errno, "signalfd: %s", strerror(errno)) : 0;
}

/*
 * Losses that no thread could keep for itself: told once a second, from the counters. The
 * number of events that each stands for: an ENTER that is lost takes its EXIT with it.
 */
static const unsigned events_lost[FT_COUNTER_COUNT] = {
	[FT_LOST_threads_full] = 2, [FT_LOST_read_thread] = 1, [FT_LOST_read_frame] = 1,
	[FT_LOST_read_code] = 2,    [FT_LOST_proc_event] = 1,
};

static int tell_counters(struct pipeline *p)
{
	uint64_t count[FT_COUNTER_COUNT], now = now_ns(CLOCK_MONOTONIC);
	int err = attach_counters(p->attach, count);

	for (int i = 0; !err && i < FT_COUNTER_COUNT; i++) {
		struct ft_rec_lost r = {
			.hdr = {.size = sizeof(r), .type = FT_REC_LOST, .ts_ns = now},
			.first_ns = p->told_ns,
			.last_ns = now,
			.count = (count[i] - p->result->counters[i]) * events_lost[i],
			.reason = i,
		};

		p->result->counters[i] = count[i];
		if (r.count)
			err = on_record(p, &r.hdr, sizeof(r));
	}
	p->told_ns = now;
	return err;
}

/* An end whose record was lost must not leave us waiting for ever. */
static void drop_the_dead(struct pipeline *p)
{
	for (int i = p->nprocs - 1; i >= 0; i--)
		if (kill(p->procs[i].pid, 0) && errno == ESRCH)
			proc_drop(p, p->procs[i].pid);
}

static int each_second(struct pipeline *p)
{
	struct pipeline_status s;
	int err = tell_counters(p);

	drop_the_dead(p);
	if (p->ui->status) {
		fill_status(p, &s);
		p->ui->status(p->ui->arg, &s);
	}
	return err;
}

static int tick(struct pipeline *p)
{
	uint64_t now = now_ns(CLOCK_MONOTONIC);
	int err = 0;

	if (now - p->flushed_ns >= FLUSH_NS)
		err = flush(p);
	if (!err && now - p->status_ns >= SECOND_NS) {
		p->status_ns = now;
		err = each_second(p);
	}
	if (p->config->duration_s > 0 && (now - p->start_ns) / 1e9 >= p->config->duration_s)
		p->stop = true;
	return err;
}

static int drain_ms(const struct config *c)
{
	uint64_t ms = c->buffer_bytes / DRAIN_BYTES;

	return ms < 1 ? 1 : ms > DRAIN_MAX_MS ? DRAIN_MAX_MS : ms;
}

static int loop(struct pipeline *p)
{
	struct pollfd fds[2] = {
		{.fd = p->signal_fd, .events = POLLIN},
		{.fd = ring_fd(p->ring), .events = POLLIN},
	};
	int n = 0, err = 0;

	while (!err && !p->stop && !p->ended) {
		bool waiting = retry_procs(p);

		/* Never wait when the last look found a lot: more is there by now. */
		poll(fds, 2, n > BUSY ? 0 : waiting ? RETRY_MS : drain_ms(p->config));
		err = on_signal(p);
		if (!err)
			err = n = ring_drain(p->ring);
		if (err >= 0)
			err = tick(p);
	}
	return err;
}

/* After the hooks are off: what is still in the ring, then what no record told of. */
static int drain(struct pipeline *p)
{
	int n, err;

	attach_detach(p->attach);
	do
		n = ring_drain(p->ring);
	while (n > 0);
	err = n < 0 ? n : attach_each_loss(p->attach, on_loss, p);
	return err ? err : tell_counters(p);
}

static void explain_silence(struct pipeline *p)
{
	pid_t child[64];
	char text[384] = "";

	if (p->lines || p->config->replay)
		return;
	for (size_t i = 0; i < p->config->npids && p->config->follow != 1; i++) {
		int n = discover_python_children(p->config->pids[i], child, 64);

		for (int k = 0; k < n; k++)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), " %d", child[k]);
	}
	if (text[0])
		note(p,
		     "no matching call was seen, but the target has Python children:%s; trace "
		     "them with --pid, or all with --follow",
		     text);
	else if (p->config->prefix.count)
		note(p,
		     "no call matched the prefix '%s': is it the module's dotted name "
		     "(__main__ for a script)?",
		     p->config->prefix.at[0]);
	else
		note(p, "no call was seen that is not the standard library's or a package's");
}

/* The order matters: what can fail without a trace of us comes first. */
static int start(struct pipeline *p, struct prepared *r)
{
	int err = prepare_pids(p, r);

	if (!err)
		err = load(p, r);
	if (!err)
		err = open_stages(p);
	if (!err)
		err = open_signals(p);
	if (!err && p->config->command)
		err = start_command(p);
	for (size_t i = 0; !err && i < p->config->npids; i++)
		err = attach_pid(p, &r[i]);
	if (err)
		return err;
	attach_children(p);
	p->result->attach_seconds = (now_ns(CLOCK_MONOTONIC) - p->start_ns) / 1e9;
	if (p->config->verbose)
		note(p, "ready after %.0f ms", p->result->attach_seconds * 1e3);
	return 0;
}

static int run_live(struct pipeline *p)
{
	struct prepared *r = calloc(p->config->npids + 1, sizeof(*r));
	int err = r ? start(p, r) : why(p->why, -ENOMEM, "out of memory");

	for (size_t i = 0; r && i < p->config->npids; i++)
		target_release(&r[i].target);
	free(r);
	if (!err)
		err = loop(p);
	if (!err)
		err = drain(p);
	if (!err && p->launch && !p->any_python && p->ended && !p->result->command_status)
		err = why_exit(p->why, EXIT_NO_PROCESS, -ENOENT, "'%s' ran no Python",
			       p->config->command[0]);
	launch_free(p->launch, !p->running);
	return err;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int finish(struct pipeline *p, int err)
{
	int end, closed;

	if (!p->assembler || !p->sink)
		return err;
	end = assembler_finish(p->assembler);
	if (!end)
		end = flush(p);
	fill_status(p, &p->result->status);
	closed = recorder_close(p->recorder, p->why);
	if (err)
		return err;
	return end ? end : closed;
}

int pipeline_run(const struct config *c, const struct pipeline_ui *ui,
		 struct pipeline_result *ret_result, struct why *w)
{
	struct pipeline *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return why(w, -ENOMEM, "out of memory");
	*ret_result = (struct pipeline_result){};
	p->config = c;
	p->ui = ui;
	p->why = w;
	p->result = ret_result;
	p->signal_fd = -1;
	p->start_ns = p->flushed_ns = p->status_ns = p->told_ns = now_ns(CLOCK_MONOTONIC);
	if (c->replay) {
		err = open_stages(p);
		if (!err)
			err = recording_read(c->replay, on_record, p, w);
	} else {
		err = run_live(p);
	}
	err = finish(p, err);
	if (!err)
		explain_silence(p);
	close_stages(p);
	free(p);
	return err;
}
