/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Runtime events: what happens in an interpreter, on a thread, and is not a call. Each kind is a
 * row here. BPF sends its numbers (struct ft_rec_runtime); the option that asks for it, its line in
 * a trace, and how that is read and shown come from the row.
 */
#ifndef FT_RUNTIME_H
#define FT_RUNTIME_H

#define FT_RUNTIME_VALUES 4	   /* numbers of one event, at most */
#define FT_RUNTIME_UNKNOWN (~0ULL) /* in place of one: null in a line */

/*
 * X(kind, event, timed, option, variable, help, numbers): the event's name in a line, whether it
 * takes time, the option and the environment variable that ask for it, the text of --help, and an
 * N(name) for each of its numbers, in the order of the record. The name is that in a line, with the
 * unit where it has one; no two kinds share a name.
 */
#define FT_RUNTIME_EVENTS(X, N)                                                                    \
	X(GC, "GC", 1, "gc", "FLOWTRACE_GC",                                                       \
	  "garbage collections of the interpreter, as GC events: generation, objects collected, "  \
	  "duration",                                                                              \
	  N(generation) N(collected))

#define FT_NO_NUMBER(name)

enum ft_runtime {
	FT_RUNTIME_NONE,
#define X(kind, ...) FT_RUNTIME_##kind,
	FT_RUNTIME_EVENTS(X, FT_NO_NUMBER)
#undef X
		FT_RUNTIME_COUNT,
};

#endif
