/* SPDX-License-Identifier: MIT */
/*
 * 3.11 clears frames in one function, but compilers inline it. The eval function (Python/ceval.c)
 * has no copies, and in three places it tests frame->is_entry: whether the frame that it leaves is
 * the one that it was called with:
 *
 *     RETURN_VALUE        returns the value
 *     RETURN_GENERATOR    returns the generator
 *     exit_unwind         the code has no handler for the exception
 *
 * Two of them are on the straight lines of opcode handlers. So if there are three, the remaining
 * one is exit_unwind.
 */
#include "cpython/eval.h"
#include "cpython/leaving.h"
#include "cpython/site.h"

#define OP_RETURN_VALUE 83
#define OP_RETURN_GENERATOR 75
#define PLACES 3
#define LINE_BYTES 512 /* RETURN_GENERATOR copies the frame first */

/* Finds the tests of that byte; returns more than PLACES if there are more. */
static int find_places(struct elf *e, uint8_t offset, uint64_t place[PLACES + 1])
{
	struct scan code;

	return eval_code(e, &code) ? scan_byte_tests(&code, offset, place, PLACES + 1) : 0;
}

/* Removes from the list a place that the handler's straight line passes; false: it passes none. */
static bool strike(struct elf *e, uint64_t handler, uint64_t place[PLACES])
{
	for (int i = 0; i < PLACES; i++) {
		if (!place[i] || !site_passes(e, handler, place[i], LINE_BYTES))
			continue;
		place[i] = 0;
		return true;
	}
	return false;
}

uint64_t leaving_by_exception(struct elf *e, const struct cpython_facts *facts,
			      const struct dispatch *d)
{
	uint64_t place[PLACES + 1] = {0};

	if (!facts->frame_is_entry || find_places(e, facts->frame_is_entry, place) != PLACES ||
	    !strike(e, d->handler[OP_RETURN_VALUE], place) ||
	    !strike(e, d->handler[OP_RETURN_GENERATOR], place))
		return 0;
	return place[0] | place[1] | place[2];
}
