/* SPDX-License-Identifier: MIT */
/*
 * Conditions on the fields of a line.
 *
 *     durationMicros>1ms and module=shop.* and not event=EXIT
 *     args~"user_\d+" or args.user.id=17 or exception.type=ValueError
 *
 *     =  !=          equal; for text a pattern with * and ?
 *     ~  !~          a regular expression, found anywhere
 *     <  <=  >  >=   numbers, with ns, us, ms, s, m or h where the field is a time
 *     NAME           the field is there (a flag: is true)
 *     and, or, not, ( )
 *
 * Fields are named as in JSON; exception.type, exception.message, and args.PATH, result.PATH,
 * truncatedFields.PATH for what is inside. Text with spaces or parentheses is put in quotes, in
 * which a backslash comes before a quote. What a line does not have is neither equal nor less
 * nor more, and != and !~ are true of it.
 */
#ifndef FT_TRACE_WHERE_H
#define FT_TRACE_WHERE_H

#include "base/why.h"
#include "calls/event.h"

/* Comparisons in one condition. */
#define WHERE_TESTS 63

struct where; /* opaque */

/* On wrong text: -EINVAL and wrong usage, with the place marked by a caret. */
int where_new(const char *text, struct where **ret_where, struct why *w);
void where_free(struct where *w);

/* Is it true of this line? */
bool where_matches(struct where *w, const struct trace_event *e);

/* The same in two steps, for a call that is told in several lines: bit i is set where comparison
 * i is true of the line; then whether the condition holds with these. */
uint64_t where_tests(struct where *w, const struct trace_event *e);
bool where_holds(const struct where *w, uint64_t tests);

/* How many texts took too long to search. */
uint64_t where_given_up(const struct where *w);

#endif
