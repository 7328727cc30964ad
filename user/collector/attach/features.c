/* SPDX-License-Identifier: MIT */
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "attach/attach.h"
#include "attach/features.h"
#include "attach/links.h"

#define UPROBE_TYPE "/sys/bus/event_source/devices/uprobe/type"
#define BTF "/sys/kernel/btf/vmlinux"

/* Descriptors needed for programs, maps, hooks of one interpreter and outputs: 60 today, with
 * --follow. */
#define FILES 72

/* Is the capability in this process's effective set? */
static bool has_capability(int cap)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {};

	if (syscall(SYS_capget, &head, data))
		return false;
	return data[cap / 32].effective >> (cap % 32) & 1;
}

static int lockdown_why(struct why *w)
{
	char text[128] = "";
	FILE *f = fopen("/sys/kernel/security/lockdown", "re");

	if (!f)
		return 0;
	if (!fgets(text, sizeof(text), f))
		text[0] = '\0';
	fclose(f);
	if (!strstr(text, "[confidentiality]"))
		return 0;
	return why_exit(w, EXIT_NOT_PERMITTED, -EPERM,
			"kernel lockdown is in confidentiality mode, which forbids tracing: boot "
			"with lockdown=integrity or none");
}

bool features_kernel_from(unsigned major, unsigned minor)
{
	struct utsname u = {};
	unsigned has[2] = {};

	uname(&u);
	return sscanf(u.release, "%u.%u", &has[0], &has[1]) == 2 &&
	       (has[0] > major || (has[0] == major && has[1] >= minor));
}

static bool probe_map(enum bpf_map_type type)
{
	return libbpf_probe_bpf_map_type(type, NULL) == 1;
}

int attach_features(struct attach_feature ret[ATTACH_FEATURES_MAX])
{
	const struct attach_feature all[] = {
		{"BTF", "types of this kernel (CONFIG_DEBUG_INFO_BTF)", !access(BTF, R_OK), false},
		{"uprobes", "probes in programs (CONFIG_UPROBE_EVENTS)", !access(UPROBE_TYPE, R_OK),
		 false},
		{"BPF uprobe programs", "BPF programs on uprobes",
		 libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_KPROBE, NULL) == 1, false},
		{"BPF ring buffer", "events to the collector (Linux 5.8)",
		 probe_map(BPF_MAP_TYPE_RINGBUF), false},
		{"BPF prefix tree", "prefix tree for --prefix (Linux 4.11)",
		 probe_map(BPF_MAP_TYPE_LPM_TRIE), false},
		{"uprobe_multi links", "fast detach, no CAP_SYS_ADMIN needed (Linux 6.6)",
		 links_are_multi(), false},
		{"no confidentiality lockdown", "read a program's memory", !lockdown_why(NULL),
		 false},
		{"CAP_SYS_ADMIN", "attach uprobes without uprobe_multi links",
		 has_capability(CAP_SYS_ADMIN), true},
		{"CAP_BPF", "load BPF programs; CAP_SYS_ADMIN includes it", has_capability(CAP_BPF),
		 true},
		{"CAP_PERFMON", "read memory in BPF programs; CAP_SYS_ADMIN includes it",
		 has_capability(CAP_PERFMON), true},
		{"CAP_SYS_PTRACE", "read /proc of other users' processes",
		 has_capability(CAP_SYS_PTRACE), true},
	};

	memcpy(ret, all, sizeof(all));
	return sizeof(all) / sizeof(all[0]);
}

static int explain_limit(int err, struct why *w)
{
	if (err == -EMFILE || err == -ENFILE)
		return why(
			w, err,
			"too many open files: each program, map and hook is one; raise the limit "
			"(ulimit -n, ulimit -Hn, LimitNOFILE=)");
	return why(w, err,
		   "out of memory: the BPF maps and programs need some (ulimit -v, the "
		   "cgroup's memory.max, or a smaller --buffer)");
}

/*
 * When libbpf has no descriptor left to probe a feature, it takes the feature as missing, and the
 * message would say so. So the limit is tested first.
 */
static int check_files(struct why *w)
{
	int fd[FILES], n = 0, err = 0;

	while (!err && n < FILES) {
		fd[n] = eventfd(0, EFD_CLOEXEC);
		err = fd[n] < 0 ? -errno : 0;
		n += !err;
	}
	while (n)
		close(fd[--n]);
	return err ? explain_limit(err, w) : 0;
}

/*
 * CAP_SYS_ADMIN includes the two others. Perf-based uprobes need it since the fix of
 * CVE-2025-38466; uprobe_multi links do not.
 */
static int check_capabilities(struct why *w)
{
	bool bpf = has_capability(CAP_BPF), perfmon = has_capability(CAP_PERFMON);
	struct utsname u = {};

	if (has_capability(CAP_SYS_ADMIN))
		return 0;
	if (!bpf || !perfmon)
		return why_exit(w, EXIT_NOT_PERMITTED, -EPERM,
				"not permitted: tracing needs CAP_BPF and CAP_PERFMON, of which %s "
				"missing; run it as root (sudo flowtrace-bpf ...)",
				bpf	  ? "CAP_PERFMON is"
				: perfmon ? "CAP_BPF is"
					  : "both are");
	if (links_are_multi())
		return 0;
	uname(&u);
	return why_exit(w, EXIT_NOT_PERMITTED, -EPERM,
			"not permitted: this kernel (%s) has no uprobe_multi links (6.6), so "
			"tracing needs CAP_SYS_ADMIN too; run it as root (sudo flowtrace-bpf ...)",
			u.release);
}

int features_check(struct why *w)
{
	struct utsname u = {};
	int err = check_capabilities(w);

	if (err)
		return err;
	uname(&u);
	if (access(BTF, R_OK))
		return why_exit(w, EXIT_KERNEL, -EOPNOTSUPP,
				"this kernel (%s) has no BTF (%s): use one built with "
				"CONFIG_DEBUG_INFO_BTF, as distributions do since 5.10",
				u.release, BTF);
	if (access(UPROBE_TYPE, R_OK))
		return why_exit(w, EXIT_KERNEL, -EOPNOTSUPP,
				"this kernel (%s) has no uprobes (%s): use one built with "
				"CONFIG_UPROBE_EVENTS",
				u.release, UPROBE_TYPE);
	return lockdown_why(w) ?: check_files(w);
}

static bool is_limit(int err)
{
	/* -ESRCH is libbpf's error when it has no memory to read BTF; that BTF exists was checked
	 * before. */
	return err == -EMFILE || err == -ENFILE || err == -ENOMEM || err == -ESRCH;
}

int features_explain(int err, struct why *w)
{
	struct utsname u = {};

	if (is_limit(err))
		return explain_limit(err, w);
	uname(&u);
	if (err == -EPERM)
		return why_exit(
			w, EXIT_NOT_PERMITTED, err,
			"the kernel refused BPF (EPERM): needs CAP_BPF, CAP_PERFMON and, below "
			"5.11, CAP_SYS_RESOURCE; in a container also a seccomp profile that "
			"allows bpf(2)");
	if (err == -EINVAL)
		return why_exit(
			w, EXIT_KERNEL, err,
			"the kernel (%s) refused the BPF maps or programs (EINVAL): needs the "
			"BPF ring buffer of 5.8 and later; try a larger --buffer, or -v for its "
			"words",
			u.release);
	return why_exit(w, EXIT_KERNEL, err,
			"the kernel (%s) refused the BPF programs: %s (-vv shows its words)",
			u.release, strerror(-err));
}

int features_explain_tracepoint(int err, const char *program, struct why *w)
{
	if (is_limit(err))
		return explain_limit(err, w);
	return why_exit(w, EXIT_KERNEL, err, "cannot attach to the kernel's tracepoint for %s: %s",
			program, strerror(-err));
}

int features_explain_uprobe(int err, pid_t pid, const char *site, struct why *w)
{
	if (is_limit(err) && err != -ESRCH)
		return explain_limit(err, w);
	if (err == -EPERM || err == -EACCES)
		return why_exit(w, EXIT_NOT_PERMITTED, err,
				"the kernel refused a uprobe on pid %d: needs CAP_SYS_ADMIN, or "
				"kernel.perf_event_paranoid below 3",
				pid);
	if (err == -ESRCH || err == -ENOENT)
		return why_exit(w, EXIT_NO_PROCESS, err,
				"process %d exited while it was attached to", pid);
	return why(w, err, "cannot hook %s in pid %d: %s", site, pid, strerror(-err));
}
