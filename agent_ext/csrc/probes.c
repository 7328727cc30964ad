/* SPDX-License-Identifier: MIT */
#include "probes.h"

#include "ft_agent.h"

_Atomic unsigned probes_current_generation;

static unsigned seen; /* listeners, at the last look */

/* The kernel counts listeners here (uprobe with a reference counter). */
#define SEMAPHORE(name)                                                                            \
	__attribute__((section(".probes"), used,                                                   \
		       visibility("hidden"))) volatile unsigned short flowtrace_##name##_semaphore

SEMAPHORE(function__entry);
SEMAPHORE(function__return);
SEMAPHORE(function__exception);
SEMAPHORE(name);
SEMAPHORE(listener);

/*
 * A probe: a nop, and a note that says where it is, what its arguments are in, and where its
 * semaphore lies (https://sourceware.org/systemtap/wiki/UserSpaceProbeImplementation). The nop
 * has one byte. Kernels from 6.18 on make a call of one of five bytes, which is cheaper than a
 * trap, but to a page that a forked child does not have: it would die there of SIGSEGV.
 */
#define NOTE(name, arguments)                                                                      \
	"	.pushsection .note.stapsdt, \"?\", \"note\"\n"                                           \
	"	.balign 4\n"                                                                             \
	"	.4byte 992f - 991f, 994f - 993f, 3\n"                                                    \
	"991:	.asciz \"stapsdt\"\n"                                                                \
	"992:	.balign 4\n"                                                                         \
	"993:	.8byte 990b\n"                                                                       \
	"	.8byte _.stapsdt.base\n"                                                                 \
	"	.8byte flowtrace_" #name "_semaphore\n"                                            \
	"	.asciz \"flowtrace\"\n"                                                                  \
	"	.asciz \"" #name "\"\n"                                                            \
	"	.asciz \"" arguments "\"\n"                                                        \
	"994:	.balign 4\n"                                                                         \
	"	.popsection\n"                                                                           \
	"	.ifndef _.stapsdt.base\n"                                                                \
	"	.pushsection .stapsdt.base, \"aG\", \"progbits\", .stapsdt.base, comdat\n"               \
	"	.weak _.stapsdt.base\n"                                                                  \
	"	.hidden _.stapsdt.base\n"                                                                \
	"_.stapsdt.base: .space 1\n"                                                               \
	"	.size _.stapsdt.base, 1\n"                                                               \
	"	.popsection\n"                                                                           \
	"	.endif\n"

#define PROBE(name, arguments, ...)                                                                \
	__asm__ volatile("990:	nop\n" NOTE(name, arguments)::__VA_ARGS__ : "memory")

#define TEXT_OF(number) #number
#define NUMBER(number) TEXT_OF(number)

__asm__("	.pushsection .text\n"
	"990:	.fill " NUMBER(FT_AGENT_LISTENERS) ", 1, 0x90\n" NOTE(listener,
								      "") "	.popsection\n");

#define CALL_ARGUMENTS "8@%%rdi 8@%%rsi -4@%%edx 8@%%rcx 8@%%r8"

#define CALL_PROBE(c_name, probe)                                                                  \
	__attribute__((noinline)) void c_name(struct probed_function f, const struct ft_rec *rec)  \
	{                                                                                          \
		const char *of_class = f.class_name, *name = f.name;                               \
		register const char *class_name __asm__("rdi") = of_class;                         \
		register const char *function __asm__("rsi") = name;                               \
		register int line __asm__("edx") = f.line;                                         \
		register const void *record __asm__("rcx") = rec;                                  \
		register unsigned long size __asm__("r8") = rec->size;                             \
                                                                                                   \
		PROBE(probe, CALL_ARGUMENTS, "r"(class_name), "r"(function), "r"(line),            \
		      "r"(record), "r"(size));                                                     \
	}

CALL_PROBE(probe_entry, function__entry)
CALL_PROBE(probe_return, function__return)
CALL_PROBE(probe_exception, function__exception)

static unsigned listeners(void)
{
	return flowtrace_function__entry_semaphore + flowtrace_function__return_semaphore +
	       flowtrace_function__exception_semaphore + flowtrace_name_semaphore +
	       flowtrace_listener_semaphore;
}

__attribute__((noinline)) void probe_name(const struct ft_rec *rec)
{
	register const void *record __asm__("rdi") = rec;
	register unsigned long size __asm__("rsi") = rec->size;

	PROBE(name, "8@%%rdi 8@%%rsi", "r"(record), "r"(size));
}

bool probes_listened(void)
{
	return listeners() != 0;
}

bool probes_came(void)
{
	unsigned now = listeners();
	bool came = now > seen;

	seen = now;
	return came;
}

void probes_begin(void)
{
	static unsigned generations;

	if (!++generations)
		generations = 1;
	atomic_store(&probes_current_generation, generations);
}

void probes_end(void)
{
	atomic_store(&probes_current_generation, 0);
}

void probes_restart(void)
{
	seen = listeners();
	if (seen)
		probes_begin();
	else
		probes_end();
}
