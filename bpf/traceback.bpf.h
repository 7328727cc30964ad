/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The stack of an exception (--stack): the entries of its traceback as tokens, and descriptions of
 * their code objects. An entry is a code object and the offset of an instruction in it; user space
 * finds the line in the code's table of lines, which it gets once.
 *
 *     traceback_of()      where the walk begins; records of the code that user space does not know
 *     ft_traceback_put()  the tokens, after those of the exception (build_raise in raise.bpf.h)
 */
#ifndef FT_TRACEBACK_BPF_H
#define FT_TRACEBACK_BPF_H

#include "value.bpf.h"

/* Moves the walk to the first entry that is written of the pending exception of this thread.
 * innermost: the frame that it enters, with that code, which has no entry yet; 0: it has one. */
int ft_traceback_open(u32 tid, u64 innermost, u64 code, u64 exc);
/* The code of the next entry that user space does not know; 0: there is none. */
u64 ft_traceback_untold(u32 tid);
/* Sends the record of that code, in two steps. */
int ft_lines_begin(u32 tid, u64 code);
int ft_lines_send(u32 tid, u64 code);

/* With --stack: appends the stack to the tokens of the exception. */
int ft_traceback_put(u32 tid);

/* With --stack: prepares the stack of this exception for the RAISE record that is built next. */
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
