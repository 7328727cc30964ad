/* SPDX-License-Identifier: MIT */
/*
 * 3.11 clears frames in one function, but a compiler puts copies of it where calls were. What has
 * no copy is the eval function (Python/ceval.c), and in three places it asks whether the frame that
 * it leaves is the one that it was called with, frame->is_entry:
 *
 *     RETURN_VALUE        the value is returned
 *     RETURN_GENERATOR    the generator is
 *     exit_unwind         the code has no handler for what was raised
 *
 * Two of them are on the straight lines of handlers. So the third is known, if there are three.
 */
#include "cpython/eval.h"
#include "cpython/leaving.h"
#include "cpython/site.h"

#define OP_RETURN_VALUE 83
#define OP_RETURN_GENERATOR 75
#define PLACES 3
#define LINE_BYTES 512 /* RETURN_GENERATOR copies the frame first */

/* Where that byte is asked for; more than PLACES: there are more. */
static int find_places(struct elf *e, uint8_t offset, uint64_t place[PLACES + 1])
{
	struct scan code;

	return eval_code(e, &code) ? scan_byte_tests(&code, offset, place, PLACES + 1) : 0;
}

/* Takes off the list what the handler's straight line passes; false: it passes none. */
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
