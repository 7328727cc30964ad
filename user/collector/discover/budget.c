/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "discover/budget.h"

#define MIB (1ULL << 20)
#define CPU_NS 150000000ULL
#define CPU_MOST_NS 5000000000ULL
#define WINDOWS 64 /* read per yardstick, which takes 0.1 ms unless the machine is emulated */
#define WINDOW_BYTES 4096
#define YARDSTICKS 1000
#define TIME_EVERY 4096 /* symbols or relocations between two checks of the clock */

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* CPU time for reading a file of our own in the way that targets' files are read. */
static uint64_t yardstick_ns(int fd)
{
	uint64_t word[WINDOW_BYTES / sizeof(uint64_t)], began = cpu_ns();
	volatile uint64_t sum = 0;

	for (int i = 0; i < WINDOWS; i++) {
		if (pread(fd, word, sizeof(word), (off_t)i * WINDOW_BYTES) <= 0)
			break;
		for (size_t k = 0; k < WINDOW_BYTES / sizeof(*word); k++)
			sum += word[k];
	}
	return cpu_ns() - began;
}

/* On an emulated machine everything takes twenty times as long. */
uint64_t budget_cpu_ns(void)
{
	static uint64_t allowed;
	uint64_t least = CPU_MOST_NS / YARDSTICKS;
	int fd;

	if (allowed)
		return allowed;
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	for (int i = 0; fd >= 0 && i < 3; i++) {
		uint64_t took = yardstick_ns(fd);

		least = took < least ? took : least;
	}
	if (fd < 0)
		least = 0;
	else
		close(fd);
	allowed = least * YARDSTICKS < CPU_NS ? CPU_NS : least * YARDSTICKS;
	return allowed;
}

void budget_begin(struct budget *b)
{
	*b = (struct budget){
		.memory_bytes = 44 * MIB,
		.read_bytes = 1024 * MIB,
		.symbols = 32000000,
		.relocations = 64000000,
		.cpu_end_ns = cpu_ns() + budget_cpu_ns(),
	};
}

static bool take(struct budget *b, uint64_t *left, uint64_t n, const char *what)
{
	if (b->spent)
		return false;
	if (n > *left) {
		b->spent = what;
		return false;
	}
	*left -= n;
	return true;
}

bool budget_time(struct budget *b)
{
	if (!b->spent && cpu_ns() > b->cpu_end_ns)
		b->spent = "time";
	return !b->spent;
}

/* Checks the clock each time the count passes a multiple of TIME_EVERY. */
static bool take_counted(struct budget *b, uint64_t *left, uint64_t n, const char *what)
{
	uint64_t before = *left / TIME_EVERY;

	if (!take(b, left, n, what))
		return false;
	return *left / TIME_EVERY == before || budget_time(b);
}

bool budget_memory(struct budget *b, uint64_t n)
{
	return take(b, &b->memory_bytes, n, "memory (44 MiB)") && budget_time(b);
}

bool budget_read(struct budget *b, uint64_t n)
{
	return take(b, &b->read_bytes, n, "bytes (1 GiB)") && budget_time(b);
}

bool budget_symbols(struct budget *b, uint64_t n)
{
	return take_counted(b, &b->symbols, n, "symbols (32 million looked at)");
}

bool budget_relocations(struct budget *b, uint64_t n)
{
	return take_counted(b, &b->relocations, n, "relocations (64 million looked at)");
}

int budget_check(const struct budget *b, const char *name, struct why *w)
{
	if (!b || !b->spent)
		return 0;
	/* An earlier message was about a part of the file only. */
	if (w)
		*w = (struct why){};
	return why_exit(w, EXIT_PYTHON, -EFBIG,
			"reading %s took more %s than any interpreter needs: it was given up", name,
			b->spent);
}
