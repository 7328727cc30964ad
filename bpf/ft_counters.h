/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Every way in which BPF can fail to see or to record something, by name. X(name, text for the
 * user). The names are used in LOST events and in -v output. Append only: the numbers are in
 * recordings.
 */
#ifndef FT_COUNTERS_H
#define FT_COUNTERS_H

#define FT_COUNTERS(X)                                                                             \
	X(ring_full, "the ring buffer was full: raise --buffer")                                   \
	X(threads_full, "more threads at once than there is room for: raise --max-threads")        \
	X(stack_full, "more calls open at once than there is room for")                            \
	X(suspended_full, "more suspended generators than there is room for")                      \
	X(walk_bound, "more untraced frames between two traced calls than are walked")             \
	X(unwind_bound, "more calls left by one exception than are closed at once")                \
	X(read_thread, "the thread state could not be read")                                       \
	X(read_frame, "a frame could not be read")                                                 \
	X(read_code, "a code object could not be read")                                            \
	X(read_value, "a value could not be read: shown as <unreadable>")                          \
	X(emit_code, "a function's description could not be recorded, and so neither its call")    \
	X(unmatched, "a return without its call: it was running when the trace began")             \
	X(bad_record, "a record that held no valid values: a defect of ours, please report it")    \
	X(proc_event, "a process's start, exec or end could not be told: raise --buffer")          \
	X(jit, "calls in code that the target's JIT compiled: unset PYTHON_JIT there to see them") \
	X(reentered, "calls of code that ran while a function was described (in-process only)")    \
	X(stack_low, "calls deeper than a traced program may go (in-process, up to 3.11)")         \
	X(no_memory, "no memory was left (in-process)")                                            \
	X(read_module, "the name of a function's module could not be read")                        \
	X(sink_full, "the output took less than was recorded: its reader or its disk is slow")     \
	X(displaced, "times that another tool took the agent's place: its calls were not seen")    \
	X(late, "programs that began before they were hooked")                                     \
	X(procs_full, "calls of processes for which there was no room: raise --max-processes")

enum ft_counter {
#define X(name, text) FT_LOST_##name,
	FT_COUNTERS(X)
#undef X
		FT_COUNTER_COUNT
};

#endif
