/* SPDX-License-Identifier: MIT */
/*
 * The rows. Offsets come from the release's own headers (offsets/3_N.h, generated; x86-64, GIL
 * build); they are equal in all micro releases of a minor one. FT_NO_FIELD: the release has no such
 * field. Written by hand is what the headers do not tell: which way of reading applies, opcodes,
 * the fingerprint of the dispatch table, and structures that only a .c file of CPython declares.
 */
#include <errno.h>
#include <stddef.h>

#include "cpython/facts.h"
#include "cpython/offsets/3_10.h"
#include "cpython/offsets/3_11.h"
#include "cpython/offsets/3_12.h"
#include "cpython/offsets/3_13.h"
#include "cpython/offsets/3_14.h"
#include "cpython/offsets/3_15.h"
#include "cpython/offsets/3_8.h"
#include "cpython/offsets/3_9.h"

/* Modules/_functoolsmodule.c, partialobject. */
#define HOW_ALL .partial_args = 24

/* Objects/dict-common.h: the key table before 3.11 made it smaller. Frames were objects of their
 * own. */
#define HOW_3_8_TO_3_10                                                                            \
	HOW_ALL, .managed_dict = FT_NO_FIELD, .managed_values = FT_NO_FIELD,                       \
		 .tstate_how = FT_TSTATE_GLOBAL, .dict_how = FT_DICT_SIZE,                         \
		 .attr_how = FT_ATTR_DICTOFFSET, .keys_size = 8, .keys_nentries = 32,              \
		 .keys_indices = 40, .hash_rounds = 2,                                             \
		 .wrapper_callable = 16 /* Objects/funcobject.c, descrobject.c */

#define OPCODES_3_8_TO_3_10                                                                        \
	{HOOK_RETURN, 83, "RETURN_VALUE"},                                                         \
	{                                                                                          \
		HOOK_YIELD, 86, "YIELD_VALUE"                                                      \
	}

/* Include/internal/pycore_object.h: MANAGED_DICT_OFFSET, backwards. */
#define HOW_3_12                                                                                   \
	HOW_ALL, .managed_dict = 24, .managed_values = FT_NO_FIELD, .int_tagged = 1,               \
		 .dict_how = FT_DICT_LOG2, .code_has_localsplus = 1, .hash_rounds = 1,             \
		 .lines_how = FT_LINES_LOCATIONS

static const struct cpython_facts rows[] = {
	{
		.minor = 8,
		.initialized = INITIALIZED_3_8,
		.undefined = "0,7-8,13-14,18,21,30-49,58,74,80,99,117-121,123,"
			     "127-129,134,139-140,159,164-255",
		.opcode = {OPCODES_3_8_TO_3_10},
		.eval_entry = true,
		.usdt_sees_every_call = true,
		.tstate_current = TSTATE_CURRENT_3_8,
		.layout = {OFFSETS_3_8, HOW_3_8_TO_3_10, .entry_frame_arg = 1,
			   .states_running = 1 << 1, .lines_how = FT_LINES_LNOTAB},
	},
	{
		.minor = 9,
		.initialized = INITIALIZED_3_9,
		.undefined = "0,7-8,13-14,18,21,30-47,53,58,80-81,88,99,119-120,123,"
			     "127-129,134,139-140,149-153,158-159,166-255",
		.opcode = {OPCODES_3_8_TO_3_10},
		.eval_entry = true,
		.usdt_sees_every_call = true,
		.tstate_current = TSTATE_CURRENT_3_9,
		.layout = {OFFSETS_3_9, HOW_3_8_TO_3_10, .entry_frame_arg = 2,
			   .states_running = 1 << 1, .lines_how = FT_LINES_LNOTAB},
	},
	{
		.minor = 10,
		.initialized = INITIALIZED_3_10,
		.undefined = "0,7-8,13-14,18,21,35-48,53,58,80-81,88,120,123,127-128,"
			     "134,139-140,149-151,153,158-159,166-255",
		.opcode = {OPCODES_3_8_TO_3_10},
		.eval_entry = true,
		.usdt_sees_every_call = true,
		.tstate_current = TSTATE_CURRENT_3_10,
		/*
		 * frame_state: FRAME_SUSPENDED is -1, FRAME_EXECUTING 0, FRAME_UNWINDING 2
		 * (cpython/frameobject.h).
		 */
		.layout = {OFFSETS_3_10, HOW_3_8_TO_3_10, .entry_frame_arg = 2,
			   .frame_state_suspended = -1, .states_running = 1 << 0 | 1 << 2,
			   .lines_how = FT_LINES_DELTAS},
	},
	{
		.minor = 11,
		.initialized = INITIALIZED_3_11,
		.undefined = "181-254",
		.opcode = {{HOOK_RESUME, 151, "RESUME"},
			   {HOOK_RESUME, 150, "RESUME_QUICK"},
			   {HOOK_RETURN, 83, "RETURN_VALUE"},
			   {HOOK_YIELD, 86, "YIELD_VALUE"}},
		/* Calls between Python functions no longer pass the function__entry probe. */
		.usdt_sees_every_call = false,
		.frame_is_entry = FRAME_IS_ENTRY_3_11,
		.tstate_current = TSTATE_CURRENT_3_11,
		.layout = {OFFSETS_3_11, HOW_ALL, .managed_dict = 24, .managed_values = 32,
			   .tstate_how = FT_TSTATE_GLOBAL, .dict_how = FT_DICT_LOG2,
			   .attr_how = FT_ATTR_VALUES_311, .values_order = FT_ORDER_BEFORE,
			   .code_has_localsplus = 1, .hash_rounds = 1, .op_resume = {151, 150},
			   .resume_mask = 3, .lines_how = FT_LINES_LOCATIONS},
	},
	{
		.minor = 12,
		.initialized = INITIALIZED_3_12,
		.undefined = "169-170,177-236,255",
		.opcode = {{HOOK_RESUME, 151, "RESUME"},
			   {HOOK_RESUME, 240, "INSTRUMENTED_RESUME"},
			   {HOOK_YIELD, 150, "YIELD_VALUE", true},
			   {HOOK_YIELD, 243, "INSTRUMENTED_YIELD_VALUE", true}},
		.frame_clear = FRAME_CLEAR_CALLED,
		.layout = {OFFSETS_3_12, HOW_3_12, .attr_how = FT_ATTR_VALUES_312,
			   .values_order = FT_ORDER_BEFORE, .op_resume = {151, 240},
			   .resume_mask = 3, .op_return_const = {121, 247}, .op_extended_arg = 144},
	},
	{
		.minor = 13,
		.initialized = INITIALIZED_3_13,
		.undefined = "119-148,223-235,255",
		.opcode = {{HOOK_RESUME, 149, "RESUME"},
			   {HOOK_RESUME, 207, "RESUME_CHECK"},
			   {HOOK_RESUME, 236, "INSTRUMENTED_RESUME"},
			   {HOOK_YIELD, 118, "YIELD_VALUE", true},
			   {HOOK_YIELD, 241, "INSTRUMENTED_YIELD_VALUE", true}},
		.frame_clear = FRAME_CLEAR_EXPORTED,
		.closes_unseen = true,
		.debug = {DEBUG_OFFSETS_3_13},
		.layout = {OFFSETS_3_13, HOW_3_12, .attr_how = FT_ATTR_INLINE,
			   .values_order = FT_ORDER_BEHIND, .op_resume = {149, 207, 236},
			   .resume_mask = 3, .op_return_const = {103, 240}, .op_extended_arg = 71},
	},
	{
		.minor = 14,
		.initialized = INITIALIZED_3_14,
		.undefined = "121-127,212-233",
		.opcode = {{HOOK_RESUME, 128, "RESUME"},
			   {HOOK_RESUME, 196, "RESUME_CHECK"},
			   {HOOK_RESUME, 245, "INSTRUMENTED_RESUME"},
			   {HOOK_YIELD, 120, "YIELD_VALUE", true},
			   {HOOK_YIELD, 247, "INSTRUMENTED_YIELD_VALUE", true}},
		.frame_clear = FRAME_CLEAR_EXPORTED,
		.closes_unseen = true,
		.debug = {DEBUG_OFFSETS_3_14},
		.layout = {OFFSETS_3_14, HOW_3_12, .attr_how = FT_ATTR_INLINE,
			   .values_order = FT_ORDER_BEHIND, .tag_mask = 3,
			   .op_resume = {128, 196, 245}, .resume_mask = 3},
	},
	{
		.minor = 15,
		.initialized = INITIALIZED_3_15,
		.undefined = "120-127,219-232",
		.opcode = {{HOOK_RESUME, 128, "RESUME"},
			   {HOOK_RESUME, 200, "RESUME_CHECK"},
			   {HOOK_RESUME, 201, "RESUME_CHECK_JIT"},
			   {HOOK_RESUME, 244, "INSTRUMENTED_RESUME"},
			   {HOOK_YIELD, 119, "YIELD_VALUE", true},
			   {HOOK_YIELD, 246, "INSTRUMENTED_YIELD_VALUE", true}},
		.frame_clear = FRAME_CLEAR_EXPORTED,
		.closes_unseen = true,
		/* resume_mask: a generator expression executes RESUME 4 where it is created. */
		.debug = {DEBUG_OFFSETS_3_15},
		.layout = {OFFSETS_3_15, HOW_3_12, .attr_how = FT_ATTR_INLINE,
			   .values_order = FT_ORDER_BEHIND, .tag_mask = 3,
			   .op_resume = {128, 200, 201, 244}, .resume_mask = 7},
	},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

const struct cpython_facts *cpython_facts_of(int minor)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].minor == minor)
			return &rows[i];
	return NULL;
}

int cpython_facts(const struct target *t, const struct cpython_facts **ret, struct why *w)
{
	const struct cpython_facts *f = t->major == 3 ? cpython_facts_of(t->minor) : NULL;

	int first = rows[0].minor, last = rows[ROWS - 1].minor;

	if (!f)
		return why_exit(w, EXIT_PYTHON, -ENOEXEC,
				"process %d runs Python %d.%d (%s), which cannot be traced%s; "
				"supported are Python 3.%d to 3.%d",
				t->pid, t->major, t->minor, t->binary,
				t->major == 3 && t->minor > last ? " yet" : "", first, last);
	*ret = f;
	return 0;
}
