/* SPDX-License-Identifier: MIT */
/*
 * The frame of a call that is about to run, read in place through the offsets that
 * user/collector/cpython/ keeps for the release this is compiled for. No frame object is made.
 */
#ifndef FT_AGENT_FRAMES_H
#define FT_AGENT_FRAMES_H

#include "python.h"

#include <frameobject.h>
#include <stdbool.h>
#include <stdint.h>

#include "ft_layout.h"
#include "names.h"

#if PY_VERSION_HEX >= 0x03100000
#error "flowtrace_agent does not know this release of CPython yet"
#elif PY_VERSION_HEX >= 0x030f0000
#include "cpython/offsets/3_15.h"
#define FRAME_OFFSETS OFFSETS_3_15
#elif PY_VERSION_HEX >= 0x030e0000
#include "cpython/offsets/3_14.h"
#define FRAME_OFFSETS OFFSETS_3_14
#elif PY_VERSION_HEX >= 0x030d0000
#include "cpython/offsets/3_13.h"
#define FRAME_OFFSETS OFFSETS_3_13
#elif PY_VERSION_HEX >= 0x030c0000
#include "cpython/offsets/3_12.h"
#define FRAME_OFFSETS OFFSETS_3_12
#elif PY_VERSION_HEX >= 0x030b0000
#include "cpython/offsets/3_11.h"
#define FRAME_OFFSETS OFFSETS_3_11
#elif PY_VERSION_HEX >= 0x030a0000
#include "cpython/offsets/3_10.h"
#define FRAME_OFFSETS OFFSETS_3_10
#elif PY_VERSION_HEX >= 0x03090000
#include "cpython/offsets/3_9.h"
#define FRAME_OFFSETS OFFSETS_3_9
#else
#include "cpython/offsets/3_8.h"
#define FRAME_OFFSETS OFFSETS_3_8
#endif

static const struct ft_layout frame_facts = {FRAME_OFFSETS};

/* Low bits of a reference in a frame that are not part of the address: pycore_stackref.h,
 * from 3.14. */
#if PY_VERSION_HEX >= 0x030e0000
#define FRAME_TAGS 3
#else
#define FRAME_TAGS 0
#endif

static inline uintptr_t frame_word(const void *at, size_t offset)
{
	return *(const uintptr_t *)((const char *)at + offset);
}

static inline PyObject *frame_object(const void *frame, size_t offset)
{
	return (PyObject *)(frame_word(frame, offset) & ~(uintptr_t)FRAME_TAGS);
}

/* The innermost frame of this thread. */
static inline void *frame_current(void)
{
	void *at = (void *)frame_word(PyThreadState_Get(), frame_facts.tstate_frame);

	return frame_facts.cframe_frame == FT_NO_FIELD
		       ? at
		       : (void *)frame_word(at, frame_facts.cframe_frame);
}

static inline void *frame_previous(const void *frame)
{
	return (void *)frame_word(frame, frame_facts.frame_previous);
}

static inline PyCodeObject *frame_code(const void *frame)
{
	return (PyCodeObject *)frame_object(frame, frame_facts.frame_code);
}

static inline PyObject *frame_globals(const void *frame)
{
	return (PyObject *)frame_word(frame, frame_facts.frame_globals);
}

/* Is it that of a generator or coroutine, and not of the call that makes one? */
static inline bool frame_is_generators(const void *frame)
{
#if PY_VERSION_HEX >= 0x030b0000
	return *((const char *)frame + frame_facts.frame_owner) == 1; /* FRAME_OWNED_BY_GENERATOR */
#else
	return ((const PyFrameObject *)frame)->f_gen != NULL;
#endif
}

/* Parameter i as the frame's slot has it; NULL: it was never set. */
static inline PyObject *frame_slot(const void *frame, int i)
{
	return frame_object(frame, frame_facts.frame_localsplus + i * sizeof(uintptr_t));
}

/* Parameter i of a body that is at its start; cells_made: it ran as far as to make cells. */
static inline PyObject *frame_param(const void *frame, const struct code_info *info, int i,
				    bool cells_made)
{
	PyObject *value = frame_slot(frame, i);

	if (!(info->cells >> i & 1))
		return value;
	if (info->cell_slot) /* up to 3.10 the cell has a slot of its own */
		value = value ?: frame_slot(frame, info->cell_slot[i]);
	else if (!cells_made)
		return value;
	return value && PyCell_Check(value) ? PyCell_GET(value) : value;
}

#endif
