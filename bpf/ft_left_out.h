/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The rules by which calls are left out of a trace on purpose, each asked for by an option: those
 * of SAMPLED lines. X(name, what was left out). Append only: the numbers are in recordings.
 */
#ifndef FT_LEFT_OUT_H
#define FT_LEFT_OUT_H

#define FT_LEFT_OUT_RULES(X)                                                                       \
	X(sample, "calls and requests that `--sample` did not choose, and calls below them")       \
	X(call_depth, "calls with as many traced calls above them as `--call-depth` allows")       \
	X(rate, "calls of a function beyond those that `--rate` allows in a second")               \
	X(function, "calls of functions that `--function` does not name")

enum ft_left_out {
	FT_LEFT_OUT_NONE,
#define X(name, text) FT_LEFT_OUT_##name,
	FT_LEFT_OUT_RULES(X)
#undef X
		FT_LEFT_OUT_COUNT
};

#endif
