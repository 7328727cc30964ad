/* SPDX-License-Identifier: MIT */
/* /proc/PID/cgroup of a process: an id that is found has the form of one. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "node/cgroup.h"

int fuzz_cgroup(const uint8_t *data, size_t size)
{
	struct cgroup c;
	size_t id, pod;

	cgroup_parse((const char *)data, size, &c);
	id = strlen(c.container);
	pod = strlen(c.pod);
	if (strspn(c.container, "0123456789abcdef-") != id ||
	    (id && id != 64 && (id < 34 || id > 43)))
		abort();
	if (strspn(c.pod, "0123456789abcdef-") != pod || (pod && pod != 36 && pod != 32))
		abort();
	if (strlen(c.path) >= sizeof(c.path) || (c.path[0] && c.path[0] != '/'))
		abort();
	return 0;
}
