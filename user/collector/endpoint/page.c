/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "endpoint/page.h"

#define LATE_NS (5 * NS_PER_SECOND)

__attribute__((format(printf, 2, 3))) static void add(struct buf *b, const char *format, ...)
{
	char text[256];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	buf_add(b, text, len < (int)sizeof(text) ? (size_t)len : sizeof(text) - 1);
}

/* Before and after the loop there are steps that may take longer. */
static unsigned health(const struct endpoint_state *s, uint64_t now_ns, struct buf *b)
{
	uint64_t since_ns = s->looping && now_ns > s->turned_ns ? now_ns - s->turned_ns : 0;

	if (since_ns <= LATE_NS) {
		BUF_LITERAL(b, "ok\n");
		return 200;
	}
	add(b, "the loop that reads events has not turned for %.0f s\n", since_ns / 1e9);
	return 503;
}

static unsigned readiness(const struct endpoint_state *s, struct buf *b)
{
	if (!s->waits_for) {
		BUF_LITERAL(b, "ok\n");
		return 200;
	}
	add(b, "%s\n", s->waits_for);
	return 503;
}

/* ---- Prometheus' text format, 0.0.4 ------------------------------------------------------- */

static void metric(struct buf *b, const char *name, const char *type, const char *help,
		   double value)
{
	add(b, "# HELP %s %s\n# TYPE %s %s\n%s %.17g\n", name, help, name, type, name, value);
}

static void lost(const struct endpoint_state *s, struct buf *b)
{
	static const char *const reasons[FT_COUNTER_COUNT] = {
#define X(name, text) #name,
		FT_COUNTERS(X)
#undef X
	};

	BUF_LITERAL(b, "# HELP flowtrace_lost_events_total Events that could not be recorded.\n"
		       "# TYPE flowtrace_lost_events_total counter\n");
	for (int i = 0; i < FT_COUNTER_COUNT; i++)
		add(b, "flowtrace_lost_events_total{reason=\"%s\"} %llu\n", reasons[i],
		    (unsigned long long)s->lost_by[i]);
}

/* In bytes; 0 = not known. */
static double resident(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	if (f && fscanf(f, "%*u %lu", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return (double)pages * sysconf(_SC_PAGESIZE);
}

static unsigned metrics(const struct endpoint_state *s, struct buf *b)
{
	const struct run_status *r = &s->status;

	metric(b, "flowtrace_events_total", "counter", "Events written.", r->events);
	lost(s, b);
	metric(b, "flowtrace_filtered_calls_total", "counter",
	       "Calls and requests that were left out on purpose.", r->filtered);
	metric(b, "flowtrace_unfinished_calls_total", "counter", "Calls without an end.",
	       r->unfinished);
	metric(b, "flowtrace_functions", "gauge", "Different functions seen.", r->functions);
	metric(b, "flowtrace_processes", "gauge", "Processes that are traced or followed.",
	       s->processes);
	metric(b, "flowtrace_ready", "gauge", "Hooks are live (1) or not (0).", !s->waits_for);
	metric(b, "process_resident_memory_bytes", "gauge", "Resident memory of the collector.",
	       resident());
	return 200;
}

unsigned page_of(const char *path, const struct endpoint_state *s, uint64_t now_ns,
		 struct buf *ret_text)
{
	if (!strcmp(path, "/healthz"))
		return health(s, now_ns, ret_text);
	if (!strcmp(path, "/readyz"))
		return readiness(s, ret_text);
	if (!strcmp(path, "/metrics"))
		return metrics(s, ret_text);
	BUF_LITERAL(ret_text, "there are /healthz, /readyz and /metrics\n");
	return 404;
}
