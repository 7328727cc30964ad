/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Which way an exception came (--stack): the entries of its traceback as tokens, and what the code
 * objects in them are called. An entry is a code object and where in it the frame stands; which
 * line that is user space finds in the code's table of lines, which it is told once.
 *
 *     traceback_of()      where the walk begins; records of the code that user space does not know
 *     ft_traceback_put()  the tokens, behind those of the exception (build_raise in raise.bpf.h)
 */
#ifndef FT_TRACEBACK_BPF_H
#define FT_TRACEBACK_BPF_H

#include "value.bpf.h"

/* Sets the walk on the first entry that is told of what is under way on this thread. innermost: the
 * frame that it comes into, of that code, which has no entry yet; 0: it has. */
int ft_traceback_open(u32 tid, u64 innermost, u64 code, u64 exc);
/* The code of the next entry that user space was not told of; 0: there is none. */
u64 ft_traceback_untold(u32 tid);
/* The record of that code, in two steps. */
int ft_lines_begin(u32 tid, u64 code);
int ft_lines_send(u32 tid, u64 code);

/* With --stack: the way that it came, behind the tokens of the exception. */
int ft_traceback_put(u32 tid);

/* With --stack: the way of this exception goes into the RAISE record that is built next. */
FT_INLINE void traceback_of(struct thread *t, u32 tid, u64 innermost, u64 code, u64 exc)
{
	u64 untold;
	u32 i;

	t->traceback.open = 0;
	if (!ft_settings.stack)
		return;
	ft_traceback_open(tid, innermost, code, exc);
	for (i = 0; i <= FT_MAX_STACK; i++) {
		untold = ft_traceback_untold(tid);
		if (!untold)
			break;
		ft_lines_begin(tid, untold);
		ft_walk(tid);
		ft_lines_send(tid, untold);
	}
}

#endif
