/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "wrong.h"

#define REACH 512 /* bytes from an address on */

static uint64_t state = 88172645463325252ULL;

static uint64_t random_word(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static uint64_t wrong_word(const struct subject *s, uint64_t was)
{
	switch (random_word() % 7) {
	case 0:
		return 0;
	case 1:
		return random_word();
	case 2:
		return was ^ 1ULL << random_word() % 64;
	case 3:
		return was + random_word() % 64 - 32;
	case 4:
		return random_word() % 4096;
	case 5: /* a size, of any magnitude */
		return ~0ULL >> random_word() % 64;
	default: /* another object, so that containers hold themselves */
		return s->said[random_word() % s->count].addr;
	}
}

void wrong_make(struct wrong *ret, const struct subject *s, uint64_t addr)
{
	for (int i = 0; i < WRONG_WORDS; i++) {
		uint64_t near = (addr & ~7ULL) + random_word() % (REACH / 8) * 8;
		uint64_t *place = image_word(&s->image, near), *inner = NULL;

		if (place && i % 2)
			inner = image_word(&s->image, *place & ~7ULL);
		ret->place[i] = place = inner ?: place;
		if (!place)
			continue;
		ret->was[i] = *place;
		*place = wrong_word(s, *place);
	}
}

void wrong_undo(const struct wrong *w)
{
	for (int i = WRONG_WORDS; i--;)
		if (w->place[i])
			*w->place[i] = w->was[i];
}
