/* SPDX-License-Identifier: MIT */
/*
 * What reading something took: CPU time of this thread, and by how much memory grew at its most.
 * Sanitizers have a memory of their own beside it: an eighth in shadow, and what was freed and is
 * kept for a while (./dev fuzz keeps little).
 */
#ifndef FT_FUZZ_COST_H
#define FT_FUZZ_COST_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define COST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define COST_SANITIZED 1
#endif
#endif
#ifndef COST_SANITIZED
#define COST_SANITIZED 0
#endif

#define COST_CPU_MS 200
#define COST_MEMORY_KIB (64 << 10)

struct cost {
	double began_ms;
	long began_kib;
};

static inline double cost_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static inline long cost_status_kib(const char *name)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	long kib = 0;

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)))
			kib = strtol(line + strlen(name), NULL, 10);
	if (f)
		fclose(f);
	return kib;
}

static inline struct cost cost_begin(void)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		(void)!write(fd, "5", 1); /* the peak begins anew */
		close(fd);
	}
	return (struct cost){cost_now_ms(), cost_status_kib("VmRSS:")};
}

static inline double cost_cpu_ms(const struct cost *c)
{
	return cost_now_ms() - c->began_ms;
}

static inline long cost_peak_kib(const struct cost *c)
{
	return cost_status_kib("VmHWM:") - c->began_kib;
}

static inline void cost_check_memory(const struct cost *c)
{
	if (cost_peak_kib(c) > COST_MEMORY_KIB * (1 + COST_SANITIZED))
		abort();
}

static inline void cost_check(const struct cost *c)
{
	if (cost_cpu_ms(c) > COST_CPU_MS * (1 + COST_SANITIZED))
		abort();
	cost_check_memory(c);
}

#endif
