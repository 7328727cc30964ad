/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What the tracer of a whole node does, and why it ended: the STATE events of a trace. X(name, what
 * it means). Append only: the numbers are in recordings.
 */
#ifndef FT_STATE_H
#define FT_STATE_H

#define FT_STATES(X)                                                                               \
	X(attached, "from now on the calls of every process that was chosen are seen")             \
	X(detached, "from now on calls are not seen")

#define FT_STATE_REASONS(X)                                                                        \
	X(signal, "it was asked to end")                                                           \
	X(duration, "--duration is over")                                                          \
	X(events, "as many events as --events asked for are written")                              \
	X(error, "it failed: its standard error says how")

enum ft_state {
	FT_STATE_NONE,
#define X(name, text) FT_STATE_##name,
	FT_STATES(X)
#undef X
		FT_STATE_COUNT,
};

enum ft_state_reason {
	FT_REASON_NONE, /* of all that have no end to explain */
#define X(name, text) FT_REASON_##name,
	FT_STATE_REASONS(X)
#undef X
		FT_REASON_COUNT,
};

#endif
