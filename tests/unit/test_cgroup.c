/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/cgroup.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb2"
#define UID "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0"
#define LOW "0b1c2d3e_4f50_6172_8394_a5b6c7d8e9f0"
#define OTHER "11111111-2222-3333-4444-555555555555"
#define STATIC "0123456789abcdef0123456789abcdef"

struct row {
	const char *what, *text, *container, *pod;
};

/* A cgroup in which a container or pod is found. */
static const struct row found[] = {
	{"v2, systemd, containerd",
	 "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" LOW
	 ".slice/cri-containerd-" A ".scope\n",
	 A, UID},
	{"v2, systemd, CRI-O, a cgroup below",
	 "0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" LOW ".slice/crio-" A
	 ".scope/container\n",
	 A, UID},
	{"guaranteed", "0::/kubepods.slice/kubepods-pod" LOW ".slice/cri-containerd-" A ".scope", A,
	 UID},
	{"v2, cgroupfs", "0::/kubepods/burstable/pod" UID "/" A "\n", A, UID},
	{"CRI-O, cgroupfs", "0::/kubepods/burstable/pod" UID "/crio-" A "\n", A, UID},
	{"GKE: no slices, besteffort", "0::/kubepods/besteffort/pod" UID "/" A, A, UID},
	{"no kubepods", "0::/fleet/pod" UID "/" A "\n", A, UID},
	{"systemd path on a cgroupfs driver",
	 "0::/system.slice/kubepods-besteffort-pod" LOW ".slice:cri-containerd:" A "\n", A, UID},
	{"kubelet with --cgroup-root",
	 "0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"
	 "kubelet-kubepods-burstable-pod" LOW ".slice/cri-containerd-" A ".scope",
	 A, UID},
	{"static pod", "0::/kubepods/burstable/pod" STATIC "/" A, A, STATIC},
	{"static pod, systemd",
	 "0::/kubepods.slice/kubepods-burstable-pod" STATIC ".slice/cri-containerd-" A ".scope", A,
	 STATIC},
	{"a pod's own cgroup", "0::/kubepods/burstable/pod" UID, "", UID},
	{"docker, cgroupfs", "0::/docker/" A "\n", A, ""},
	{"docker, systemd", "0::/system.slice/docker-" A ".scope\n", A, ""},
	{"docker with systemd inside",
	 "0::/system.slice/docker-" A ".scope/system.slice/ssh.service\n", A, ""},
	{"podman", "0::/machine.slice/libpod-" A ".scope/container\n", A, ""},
	{"podman of a user",
	 "0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" A ".scope/container",
	 A, ""},
	{"podman's pod, systemd",
	 "0::/machine.slice/machine-libpod_pod_" B ".slice/libpod-" A ".scope", A, ""},
	{"podman's pod, cgroupfs", "0::/libpod_parent/" B "/libpod-" A "\n", A, ""},
	{"nerdctl", "0::/default/" A, A, ""},
	{"ECS", "0::/ecs/" STATIC "/" A, A, ""},
	{"Fargate", "0::/ecs/" STATIC "/" STATIC "-1234567890\n", STATIC "-1234567890", ""},
	{"the collector is in a container too", "0::/../cri-containerd-" A ".scope\n", A, ""},
	{"and in another pod",
	 "0::/../../kubepods-burstable-pod" LOW ".slice/cri-containerd-" A ".scope\n", A, UID},
	{"the same, cgroupfs", "0::/../../pod" UID "/" A "\n", A, UID},
	{"v1",
	 "12:memory:/kubepods/burstable/pod" UID "/" A "\n"
	 "11:cpu,cpuacct:/kubepods/burstable/pod" UID "/" A "\n"
	 "1:name=systemd:/kubepods/burstable/pod" UID "/" A "\n",
	 A, UID},
	{"hybrid: version 2 has no names",
	 "9:name=systemd:/\n4:memory:/kubepods/pod" UID "/" A "\n0::/\n", A, UID},
	{"hybrid: version 2 is of the runtime",
	 "1:name=systemd:/docker/" A "\n0::/system.slice/containerd.service\n", A, ""},
	{"kind: the node is a container",
	 "0::/docker/" B "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" LOW
	 ".slice/cri-containerd-" A ".scope",
	 A, UID},
	{"kind, v1", "1:name=systemd:/docker/" B "/kubelet/kubepods/burstable/pod" UID "/" A "\n",
	 A, UID},
	{"a removed cgroup", "0::/kubepods/pod" UID "/" A " (deleted)\n", A, UID},
	{"no newline at the end", "0::/docker/" A, A, ""},
	{"a container that names a cgroup of its own after another",
	 "0::/kubepods/pod" UID "/" A "/pod" OTHER "/" B "\n", A, UID},
	{"the same without a pod", "0::/docker/" A "/docker/" B "\n", A, ""},
};

/* Nothing is found. */
static const struct row none[] = {
	{"no text", "", "", ""},
	{"the root", "0::/\n", "", ""},
	{"a service", "0::/system.slice/ssh.service\n", "", ""},
	{"a session", "0::/user.slice/user-0.slice/session-1.scope\n", "", ""},
	{"no path", "0::\n1\n:\n::\n:::\n\n", "", ""},
	{"a path that is not one", "0::docker/" A "\n", "", ""},
	{"a digit too few",
	 "0::/docker/"
	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
	 "", ""},
	{"a digit too many", "0::/docker/a" A "\n", "", ""},
	{"a digit that is none",
	 "0::/docker/g"
	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
	 "", ""},
	{"capitals",
	 "0::/docker/A"
	 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
	 "", ""},
	{"conmon of CRI-O", "0::/kubepods/crio-conmon-" A ".scope\n", "", ""},
	{"conmon of podman", "0::/machine.slice/libpod-conmon-" A ".scope\n", "", ""},
	{"a layer of docker", "0::/system.slice/docker-overlay2-" A "-merged.mount\n", "", ""},
	{"podman's pod alone", "0::/libpod_parent/" B "\n", "", ""},
	{"dashes mixed with underscores", "0::/kubepods/pod0b1c2d3e-4f50_6172-8394-a5b6c7d8e9f0\n",
	 "", ""},
	{"a uid that is short", "0::/kubepods/pod0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f\n", "", ""},
	{"a uid that is not hex", "0::/kubepods/podzb1c2d3e-4f50-6172-8394-a5b6c7d8e9f0\n", "", ""},
	{"a word that ends in pod", "0::/tripod" UID "\n", "", ""},
	{"an id in the place of the controllers", "1:" A ":/\n", "", ""},
	{"a task with letters", "0::/ecs/" STATIC "-12ab\n", "", ""},
	{"a task without a number", "0::/ecs/" STATIC "-\n", "", ""},
};

static void check(const struct row *r, size_t rows)
{
	for (const struct row *end = r + rows; r < end; r++) {
		/* Memory of its own, so that a read after the end shows. */
		size_t len = strlen(r->text);
		char *text = malloc(len ?: 1);
		struct cgroup c;

		memcpy(text, r->text, len);
		memset(&c, 'x', sizeof(c));
		cgroup_parse(text, len, &c);
		cr_expect_str_eq(c.container, r->container, "%s: container %s", r->what,
				 c.container);
		cr_expect_str_eq(c.pod, r->pod, "%s: pod %s", r->what, c.pod);
		free(text);
	}
}

#define ROWS(table) table, sizeof(table) / sizeof((table)[0])

Test(cgroup, is_found_in_every_form)
{
	check(ROWS(found));
}

Test(cgroup, is_not_found_where_there_is_none)
{
	check(ROWS(none));
}

/* The path that --cgroup is compared with. */
Test(cgroup, the_path_that_says_most)
{
	static const char *const rows[][2] = {
		{"0::/system.slice/ssh.service\n", "/system.slice/ssh.service"},
		{"9:cpu:/\n1:name=systemd:/a\n0::/b\n", "/b"},
		{"9:cpu:/c\n1:name=systemd:/a\n0::/\n", "/a"},
		{"9:cpu:/c\n1:name=systemd:/\n0::/\n", "/c"},
		{"9:cpu:/\n0::/\n", "/"},
		{"9:cpu:/docker/" A "\n0::/b\n", "/docker/" A},
		{"0::/a:b/c\n", "/a:b/c"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cgroup c;

		cgroup_parse(rows[i][0], strlen(rows[i][0]), &c);
		cr_expect_str_eq(c.path, rows[i][1], "%s", c.path);
	}
}

Test(cgroup, names_of_four_kilobytes)
{
	enum { LEN = 3 * CGROUP_PATH_MAX };
	static const char end[] = "/" A;
	char *text = malloc(LEN);
	struct cgroup c;

	memset(text, 'a', LEN);
	memcpy(text, "0::/", 4);
	cgroup_parse(text, LEN, &c);
	cr_expect_str_eq(c.container, "");
	cr_expect_eq(strlen(c.path), CGROUP_PATH_MAX - 1);
	memcpy(text + LEN - strlen(end), end, strlen(end));
	cgroup_parse(text, LEN, &c);
	cr_expect_str_eq(c.container, A, "after a long name");
	free(text);
}

Test(cgroup, a_nul_is_a_character)
{
	static const char text[] = "0::/docker\0/" A "\n1:cpu:/\0\n";
	struct cgroup c;

	cgroup_parse(text, sizeof(text) - 1, &c);
	cr_expect_str_eq(c.container, A);
	cr_expect_str_eq(c.path, "/docker");
}

Test(cgroup, of_a_process)
{
	struct cgroup c;

	cr_expect_eq(cgroup_of(getpid(), &c), 0);
	cr_expect_eq(c.path[0], '/');
	cr_expect_eq(cgroup_of(0x7fffffff, &c), -ENOENT);
}
