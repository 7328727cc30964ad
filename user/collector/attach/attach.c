/* SPDX-License-Identifier: MIT */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attach/attach.h"
#include "base/clock.h"
#include "attach/features.h"
#include "attach/links.h"
#include "attach/returns.h"
#include "flowtrace.skel.h"
#include "ft_maps.h"

#define BINARIES_MAX FT_HOOKED

/* Until flowtrace_agent has noticed a listener, and told it all names: it looks every 40 ms. */
#define GREETING_MS 60

/* A file with hooks: an interpreter, or the extension in it. */
struct file {
	const char *open_path; /* borrowed from the target: /proc/self/fd/N ... */
	int fd;		       /* ... of this descriptor, likewise borrowed */
	dev_t dev;
	ino_t inode;
};

/* A file that is hooked for every process (follow), or a process of its own. */
struct hooked {
	dev_t dev;
	ino_t inode;
	pid_t pid; /* -1 = all that map it */
};

struct attach {
	struct flowtrace *skel;
	bool follow;
	bool (*stopped)(void *arg);
	void *arg;
	int handler; /* libbpf's: asks before each program; < 0: none */
	enum { RETURNS_UNTRIED, RETURNS_SAFE, RETURNS_DEADLY } returns;
	struct hooked hooked[BINARIES_MAX];
	struct links links[BINARIES_MAX]; /* of hooked */
	int nhooked;
	struct bpf_link *proc_links[3];
};

static void (*debug_text)(const char *text);

static int on_libbpf(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char *text;

	/* The verifier's log is long. */
	if (!debug_text || vasprintf(&text, fmt, ap) < 0)
		return 0;
	debug_text(text);
	free(text);
	return 0;
}

/* ---- settings --------------------------------------------------------------------- */

static void redact_key(const char *name, struct redact_key *ret_key)
{
	memset(ret_key, 0, sizeof(*ret_key));
	for (size_t i = 0; name[i] && i < sizeof(ret_key->text); i++)
		ret_key->text[i] = name[i] == '-' ? '_' : tolower((unsigned char)name[i]);
}

static uint32_t redact_lengths(const struct attach_options *o)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < o->nredact; i++) {
		size_t n = strlen(o->redact[i]);

		if (n && n <= FT_MAX_REDACT_LEN)
			bits |= 1U << (n - 1);
	}
	return bits;
}

static int fill_redact(struct attach *a, const struct attach_options *o)
{
	int fd = bpf_map__fd(a->skel->maps.ft_redact);
	uint32_t one = 1;

	for (size_t i = 0; i < o->nredact; i++) {
		struct redact_key key;

		redact_key(o->redact[i], &key);
		if (bpf_map_update_elem(fd, &key, &one, BPF_ANY))
			return -errno;
	}
	return 0;
}

static int add_rule(int fd, const char *prefix, uint32_t verdict)
{
	struct rule_key key = {.bits = strlen(prefix) * 8};

	if (key.bits > sizeof(key.text) * 8)
		return -E2BIG;
	memcpy(key.text, prefix, key.bits / 8);
	return bpf_map_update_elem(fd, &key, &verdict, BPF_ANY) ? -errno : 0;
}

static bool under_any(const char *text, const char *const *prefix, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strncmp(text, prefix[i], strlen(prefix[i])))
			return true;
	return false;
}

/* The longest rule wins in BPF, and exclusion must win over all: a prefix that lies under
 * an excluded one is left out. */
static int fill_rules(struct attach *a, const struct attach_options *o)
{
	int fd = bpf_map__fd(a->skel->maps.ft_rules);
	int err = 0;

	for (size_t i = 0; !err && i < o->nexclude; i++)
		err = add_rule(fd, o->exclude[i], CODE_REJECT);
	for (size_t i = 0; !err && i < o->nprefix; i++)
		if (!under_any(o->prefix[i], o->exclude, o->nexclude))
			err = add_rule(fd, o->prefix[i], CODE_ACCEPT);
	return err;
}

static struct bpf_program *program_of(struct attach *a, enum hook_role role)
{
	switch (role) {
#define X(role, program, text)                                                                     \
	case HOOK_##role:                                                                          \
		return a->skel->progs.program;
		HOOK_ROLES(X)
#undef X
	case HOOK_NONE:
	case HOOK_END:
		break;
	}
	return NULL;
}

/* ---- loading ------------------------------------------------------------------------ */

static int attach_proc_probes(struct attach *a, struct why *w)
{
	struct bpf_program *const progs[] = {
		a->skel->progs.ft_fork,
		a->skel->progs.ft_exec,
		a->skel->progs.ft_exit,
	};

	for (int i = 0; i < 3; i++) {
		a->proc_links[i] = bpf_program__attach(progs[i]);
		if (!a->proc_links[i])
			return features_explain_tracepoint(-errno, bpf_program__name(progs[i]), w);
	}
	return 0;
}

/* The verifier's time is most of what attaching takes: programs that no hook needs are left out. */
static void choose_programs(struct attach *a, unsigned roles)
{
	for (int role = HOOK_NONE + 1; roles && role < HOOK_END; role++)
		bpf_program__set_autoload(program_of(a, role), roles >> role & 1);
}

static void prepare_programs(struct attach *a)
{
	for (int role = HOOK_NONE + 1; role < HOOK_END; role++)
		links_prepare(program_of(a, role));
}

/* The inode of our PID namespace; 0 where it is the initial one (PROC_PID_INIT_INO). */
static uint32_t nested_pidns(void)
{
	struct stat st;

	if (stat("/proc/self/ns/pid", &st) || st.st_ino == 0xEFFFFFFC)
		return 0;
	return st.st_ino;
}

static int check_stopped(const struct attach *a, struct why *w)
{
	if (!a->stopped || !a->stopped(a->arg))
		return 0;
	return why_exit(w, EXIT_NO_PROCESS, -EINTR, "interrupted while it was attached to");
}

static int before_program(struct bpf_program *prog, struct bpf_prog_load_opts *opts, long attach)
{
	return check_stopped((const struct attach *)attach, NULL);
}

/* Most of what attaching takes is the verifier's time: the user need not wait for all of it. */
static int open_skeleton(struct attach *a, struct why *w)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, o, .cookie = (long)a,
		    .prog_prepare_load_fn = before_program);

	a->handler = libbpf_register_prog_handler("uprobe", BPF_PROG_TYPE_KPROBE, 0, &o);
	a->skel = flowtrace__open();
	return a->skel ? 0 : why(w, -errno, "cannot open the BPF object");
}

static int load(struct attach *a, const struct attach_options *o, struct why *w)
{
	int err;

	choose_programs(a, o->roles);
	if (links_are_multi())
		prepare_programs(a);
	a->skel->rodata->ft_settings = o->settings;
	a->skel->rodata->ft_settings.redact_lengths = redact_lengths(o);
	a->skel->rodata->ft_settings.pidns = nested_pidns();
	err = bpf_map__set_max_entries(a->skel->maps.ft_ring, o->buffer_bytes);
	if (err)
		return why(w, err, "cannot size the ring buffer to %llu bytes: %s",
			   (unsigned long long)o->buffer_bytes, strerror(-err));
	if (!o->settings.stack)
		bpf_map__set_max_entries(a->skel->maps.ft_told, 1);
	err = flowtrace__load(a->skel);
	if (err)
		return check_stopped(a, w) ?: features_explain(err, w);
	err = fill_redact(a, o);
	if (!err)
		err = fill_rules(a, o);
	if (err)
		return why(w, err, "cannot fill the filter maps: %s", strerror(-err));
	return attach_proc_probes(a, w);
}

int attach_new(const struct attach_options *o, struct attach **ret_attach, struct why *w)
{
	struct attach *a;
	int err;

	err = features_check(w);
	if (err)
		return err;
	debug_text = o->debug;
	libbpf_set_print(on_libbpf);
	a = calloc(1, sizeof(*a));
	if (!a)
		return why(w, -ENOMEM, "out of memory");
	a->follow = o->follow;
	a->stopped = o->stopped;
	a->arg = o->arg;
	err = open_skeleton(a, w);
	if (!err)
		err = load(a, o, w);
	if (err) {
		attach_free(a);
		return err;
	}
	*ret_attach = a;
	return 0;
}

void attach_detach(struct attach *a)
{
	/* Not one after the other: what has lost the hooks of its ends shows wrong ones. */
	for (int i = 0; i < a->nhooked; i++)
		a->skel->bss->ft_live[i] = 0;
	links_close(a->links, a->nhooked);
	a->nhooked = 0;
	for (int i = 0; i < 3; i++) {
		bpf_link__destroy(a->proc_links[i]);
		a->proc_links[i] = NULL;
	}
}

void attach_free(struct attach *a)
{
	if (!a)
		return;
	attach_detach(a);
	flowtrace__destroy(a->skel);
	libbpf_unregister_prog_handler(a->handler);
	free(a);
}

/* ---- processes ------------------------------------------------------------------------ */

static struct file file_of(const struct target *t, const struct hooks *hooks)
{
	if (hooks->in_agent)
		return (struct file){t->agent.open_path, t->agent.fd, t->agent.dev, t->agent.inode};
	return (struct file){t->open_path, t->fd, t->dev, t->inode};
}

/* Its index; nhooked: there is none yet. */
static int find_hooked(const struct attach *a, const struct file *f, pid_t pid)
{
	for (int i = 0; i < a->nhooked; i++) {
		const struct hooked *h = &a->hooked[i];

		if (h->dev == f->dev && h->inode == f->inode && (h->pid == -1 || h->pid == pid))
			return i;
	}
	return a->nhooked;
}

/* May this kernel kill a target for it? */
static bool is_deadly(struct attach *a, const struct hook *hook)
{
	if (!hook_is_return(hook->role))
		return false;
	if (a->returns == RETURNS_UNTRIED)
		a->returns =
			returns_are_safe(program_of(a, hook->role)) ? RETURNS_SAFE : RETURNS_DEADLY;
	return a->returns == RETURNS_DEADLY;
}

bool attach_blind_to_contexts(const struct attach *a)
{
	return a->returns == RETURNS_DEADLY;
}

/*
 * The file is the one that was read, since it is the same descriptor; but its owner may have
 * written to it since, and a breakpoint in the middle of an instruction would be his way to harm
 * others who run it.
 */
static int check_code(const struct file *f, const struct hook *hook, struct why *w)
{
	uint8_t code[HOOK_CODE_MAX];

	if (pread(f->fd, code, hook->ncode, hook->file_offset) == hook->ncode &&
	    !memcmp(code, hook->code, hook->ncode))
		return 0;
	return why_exit(w, EXIT_PYTHON, -ESTALE,
			"the file with the hook %s was written to while it was attached to",
			hook->name);
}

static int put_places(struct attach *a, const struct target *t, const struct file *f,
		      const struct places *places, struct why *w)
{
	const struct links_file file = {f->open_path, a->hooked[a->nhooked].pid};
	const struct hook *hook = places->hook[0];
	struct bpf_program *prog = program_of(a, hook->role);
	int err;

	if (bpf_program__fd(prog) < 0)
		return why(w, -ENOTSUP,
			   "it became a Python of another kind, whose hook %s was not prepared: "
			   "attach again, or use --follow from the start",
			   hook->name);
	if (is_deadly(a, hook))
		return 0;
	err = links_put(&a->links[a->nhooked], prog, &file, places);
	if (err)
		return features_explain_uprobe(err, t->pid, hook->name, w);
	/* Its calls may be on their way already, to others: we must know the names first. */
	if (hook->role == HOOK_AGENT_LISTENER)
		usleep(GREETING_MS * 1000);
	return 0;
}

/* The hooks of a role go in together, where the first of them stands in the list. */
static int put_role(struct attach *a, const struct target *t, const struct file *f,
		    const struct hooks *hooks, int first, struct why *w)
{
	struct places places = {.count = 0};

	for (int i = 0; i < hooks->count; i++)
		if (hooks->site[i].role == hooks->site[first].role)
			places.hook[places.count++] = &hooks->site[i];
	if (places.hook[0] != &hooks->site[first])
		return 0;
	return check_stopped(a, w) ?: put_places(a, t, f, &places, w);
}

static int put_hooks(struct attach *a, const struct target *t, const struct file *f,
		     const struct hooks *hooks, struct why *w)
{
	int err = 0;

	for (int i = 0; !err && i < hooks->count; i++)
		err = check_code(f, &hooks->site[i], w);
	if (err)
		return err;
	if (a->nhooked == BINARIES_MAX)
		return why(w, -E2BIG, "more than %d different interpreters at once", BINARIES_MAX);
	a->hooked[a->nhooked] =
		(struct hooked){.dev = f->dev, .inode = f->inode, .pid = a->follow ? -1 : t->pid};
	for (int i = 0; !err && i < hooks->count; i++)
		err = put_role(a, t, f, hooks, i, w);
	if (!err) {
		a->skel->bss->ft_live[a->nhooked++] = 1;
		return 0;
	}
	links_close(&a->links[a->nhooked], 1);
	return err;
}

static int put_proc(struct attach *a, pid_t pid, const struct ft_proc *p, uint64_t how,
		    struct why *w)
{
	uint32_t key = pid;

	if (!bpf_map_update_elem(bpf_map__fd(a->skel->maps.ft_procs), &key, p, how) ||
	    errno == EEXIST)
		return 0;
	if (errno == ENOENT)
		return why_exit(w, EXIT_NO_PROCESS, -ESRCH,
				"process %d exited while it was attached to", pid);
	return why(w, -errno, "cannot trace pid %d: %s", pid,
		   errno == E2BIG ? "too many processes at once" : strerror(errno));
}

static void drop_proc(struct attach *a, pid_t pid)
{
	uint32_t key = pid;

	bpf_map_delete_elem(bpf_map__fd(a->skel->maps.ft_procs), &key);
}

/* Takes out what is about this process. All three maps are keyed by an address and a process. */
static void forget_all(int fd, uint32_t pid)
{
	struct code_key key, next, *previous = NULL;

	_Static_assert(sizeof(struct type_key) == sizeof(key) &&
			       offsetof(struct type_key, tgid) == offsetof(struct code_key, tgid),
		       "one kind of key");
	_Static_assert(sizeof(struct frame_key) == sizeof(key) &&
			       offsetof(struct frame_key, tgid) == offsetof(struct code_key, tgid),
		       "one kind of key");
	while (!bpf_map_get_next_key(fd, previous, &next)) {
		if (previous && key.tgid == pid)
			bpf_map_delete_elem(fd, &key);
		key = next;
		previous = &key;
	}
	if (previous && key.tgid == pid)
		bpf_map_delete_elem(fd, &key);
}

/*
 * A process that is known already runs another program: what it had at its addresses is gone.
 * Without address space randomization, the same may lie there again.
 */
static void forget_program(struct attach *a, pid_t pid)
{
	uint32_t key = pid;
	struct ft_proc p;

	if (bpf_map_lookup_elem(bpf_map__fd(a->skel->maps.ft_procs), &key, &p))
		return;
	forget_all(bpf_map__fd(a->skel->maps.ft_codes), pid);
	forget_all(bpf_map__fd(a->skel->maps.ft_types), pid);
	forget_all(bpf_map__fd(a->skel->maps.ft_suspended), pid);
}

int attach_process(struct attach *a, const struct target *t, const struct ft_layout *layout,
		   const struct hooks *hooks, struct why *w)
{
	struct ft_proc p = {.layout = *layout,
			    .born = clock_ns(CLOCK_MONOTONIC),
			    .flags = a->follow ? FT_PROC_FOLLOW : 0};
	struct file f = file_of(t, hooks);
	int err;

	if (t->jit_built && t->jit_asked)
		p.flags |= FT_PROC_JIT;
	if (hooks->in_agent)
		p.flags |= FT_PROC_AGENT;
	if (t->greenlets)
		p.flags |= FT_PROC_GREENLETS;

	/* Up to 3.10 a thrown-into generator even breaks the chain of frames that inference
	 * would walk (genobject.c, _gen_throw, sets tstate->frame by hand). */
	for (int i = 0; i < hooks->count; i++)
		if (hooks->site[i].role == HOOK_FRAME_EXIT ||
		    hooks->site[i].role == HOOK_FRAME_CLEAR)
			p.layout.exits_exact = 1;
	p.layout.exit_register = hooks->exit_register;
	p.hooks = find_hooked(a, &f, t->pid);
	forget_program(a, t->pid);
	err = put_proc(a, t->pid, &p, BPF_EXIST, w); /* the kernel side drops who ends */
	if (!err && (int)p.hooks == a->nhooked)
		err = put_hooks(a, t, &f, hooks, w);
	if (err)
		drop_proc(a, t->pid);
	return err;
}

static struct ft_proc not_hooked(bool follow)
{
	return (struct ft_proc){.flags = FT_PROC_DORMANT | (follow ? FT_PROC_FOLLOW : 0)};
}

bool attach_is_dormant(const struct attach *a, pid_t pid)
{
	uint32_t key = pid;
	struct ft_proc p;

	return !bpf_map_lookup_elem(bpf_map__fd(a->skel->maps.ft_procs), &key, &p) &&
	       p.flags & FT_PROC_DORMANT;
}

void attach_withdraw(struct attach *a, pid_t pid, bool follow)
{
	struct ft_proc p = not_hooked(true);

	if (!follow || put_proc(a, pid, &p, BPF_EXIST, NULL))
		drop_proc(a, pid);
}

void attach_greenlets(struct attach *a, pid_t pid)
{
	int fd = bpf_map__fd(a->skel->maps.ft_procs);
	struct ft_proc p;
	uint32_t key = pid;

	if (bpf_map_lookup_elem(fd, &key, &p) || p.flags & FT_PROC_GREENLETS)
		return;
	p.flags |= FT_PROC_GREENLETS;
	(void)bpf_map_update_elem(fd, &key, &p, BPF_EXIST);
}

int attach_add(struct attach *a, pid_t pid, bool follow, struct why *w)
{
	struct ft_proc p = not_hooked(follow);

	return put_proc(a, pid, &p, BPF_NOEXIST, w);
}

int attach_reject_code(struct attach *a, uint32_t pid, uint64_t code, uint64_t described_ns)
{
	struct code_key key = {.code = code, .tgid = pid};
	int fd = bpf_map__fd(a->skel->maps.ft_codes);
	struct code_entry e;

	if (bpf_map_lookup_elem(fd, &key, &e))
		return -errno;
	if (e.described != (uint32_t)described_ns)
		return -ESTALE; /* another code object has come there */
	e.verdict = e.role ? CODE_WATCH : e.varied ? CODE_VARIED : CODE_DROPPED;
	return bpf_map_update_elem(fd, &key, &e, BPF_EXIST) ? -errno : 0;
}

/* ---- reading --------------------------------------------------------------------------- */

int attach_ring_fd(const struct attach *a)
{
	return bpf_map__fd(a->skel->maps.ft_ring);
}

int attach_counters(const struct attach *a, uint64_t ret_counts[FT_COUNTER_COUNT])
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t *per_cpu;
	int err = 0;

	if (cpus < 0)
		return cpus;
	per_cpu = calloc(cpus, sizeof(*per_cpu));
	if (!per_cpu)
		return -ENOMEM;
	for (uint32_t i = 0; i < FT_COUNTER_COUNT; i++) {
		ret_counts[i] = 0;
		if (bpf_map_lookup_elem(bpf_map__fd(a->skel->maps.ft_counters), &i, per_cpu))
			err = -errno;
		for (int c = 0; !err && c < cpus; c++)
			ret_counts[i] += per_cpu[c];
	}
	free(per_cpu);
	return err;
}

static void loss_record(uint32_t tid, const struct thread *t, struct ft_rec_lost *r)
{
	*r = (struct ft_rec_lost){
		.hdr = {.size = sizeof(*r),
			.type = FT_REC_LOST,
			.pid = t->pid,
			.tid = tid,
			.ts_ns = t->lost_last_ns},
		.first_ns = t->lost_first_ns,
		.last_ns = t->lost_last_ns,
		.count = t->lost_count,
		.reason = t->lost_reason,
	};
}

int attach_each_loss(const struct attach *a, int (*fn)(void *arg, const struct ft_rec_lost *lost),
		     void *arg)
{
	int fd = bpf_map__fd(a->skel->maps.ft_threads);
	struct thread *t = malloc(sizeof(*t));
	uint32_t tid, *previous = NULL;
	struct ft_rec_lost r;
	int err = 0;

	if (!t)
		return -ENOMEM;
	while (!err && !bpf_map_get_next_key(fd, previous, &tid)) {
		previous = &tid;
		if (bpf_map_lookup_elem(fd, &tid, t) || !t->lost_count)
			continue;
		loss_record(tid, t, &r);
		err = fn(arg, &r);
	}
	free(t);
	return err;
}
