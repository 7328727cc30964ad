/* SPDX-License-Identifier: MIT */
/*
 * The rows. Offsets are those of the release's own headers (offsetof, x86-64, GIL build);
 * they are equal in all micro releases of a minor one. What a release has not is FT_NONE.
 *
 * The guard of a code object covers only fields that are written when the object is made
 * and never again (Objects/codeobject.c), so that equal words mean that it is still the
 * same function at that address:
 *   up to 3.10  co_argcount ... co_lnotab/co_linetable; behind them lie co_zombieframe,
 *               co_weakreflist, co_extra and the opcode cache, which change;
 *   3.11        co_argcount ... co_linetable; co_flags before them shares its word with
 *               co_warmup, which counts, and behind them lie lazily made copies.
 */
#include <errno.h>
#include <stddef.h>

#include "cpython/facts.h"

/* The objects that no release from 3.8 to 3.11 has changed. */
#define OBJECTS_3_8_TO_3_11                                                                        \
	.int_size = 16, .int_digits = 24, .str_length = 16, .str_hash = 24, .str_state = 32,       \
	.str_ascii_data = 48, .str_compact_data = 72, .str_data_ptr = 72, .bytes_data = 32,        \
	.bytearray_start = 40, .float_value = 16, .list_items = 24, .tuple_items = 24,             \
	.dict_used = 16, .dict_keys = 32, .dict_values = 40, .set_fill = 16, .set_used = 24,       \
	.set_mask = 32, .set_table = 40, .cell_value = 16, .exc_args = 24, .wrapper_callable = 16, \
	.type_name = 24, .type_flags = 168, .type_base = 256, .type_dict = 264, .type_mro = 344,   \
	.type_dictoffset = 288, .values_first = 0

/* Objects/dict-common.h: the key table before 3.11 made it smaller. */
#define DICT_3_8_TO_3_10                                                                           \
	.dict_how = FT_DICT_SIZE, .attr_how = FT_ATTR_DICTOFFSET, .keys_size = 8,                  \
	.keys_nentries = 32, .keys_indices = 40

/* struct _ts and struct _frame while frames were objects; f_lasti moved in 3.10. */
#define FRAME_3_8_TO_3_10                                                                          \
	.tstate_how = FT_TSTATE_GLOBAL, .tstate_frame = 24, .cframe_frame = FT_NONE,               \
	.tstate_exc_type = 88, .tstate_exc_value = 96, .frame_code = 32, .frame_previous = 24,     \
	.frame_globals = 48, .frame_instr = FT_NONE, .frame_owner = FT_NONE,                       \
	.pyframe_frame = FT_NONE

#define OPCODES_3_8_TO_3_10                                                                        \
	{HOOK_RETURN, 83, "RETURN_VALUE"},                                                         \
	{                                                                                          \
		HOOK_YIELD, 86, "YIELD_VALUE"                                                      \
	}

#define CODE_3_8_TO_3_10                                                                           \
	.code_has_localsplus = 0, .code_guard = 16, .guard_words = 14, .code_argcount = 16,        \
	.code_posonly = 20, .code_kwonly = 24, .code_nlocals = 28, .code_nlocalsplus = FT_NONE,    \
	.code_flags = 36, .code_firstlineno = 40, .code_filename = 104, .code_name = 112,          \
	.code_qualname = FT_NONE, .code_localsplusnames = 72, .code_localspluskinds = FT_NONE,     \
	.code_cell2arg = 96, .code_cellvars = 88, .code_freevars = 80

/* Objects from 3.12 on: ints have lv_tag, strings are a pointer shorter. */
#define OBJECTS_3_12                                                                               \
	.int_tagged = 1, .int_size = 16, .int_digits = 24, .str_length = 16, .str_hash = 24,       \
	.str_state = 32, .str_ascii_data = 40, .str_compact_data = 56, .str_data_ptr = 56,         \
	.bytes_data = 32, .bytearray_start = 40, .float_value = 16, .list_items = 24,              \
	.dict_how = FT_DICT_LOG2, .dict_used = 16, .dict_keys = 32, .dict_values = 40,             \
	.keys_size = FT_NONE, .keys_nentries = 24, .keys_indices = 32, .set_fill = 16,             \
	.set_used = 24, .set_mask = 32, .set_table = 40, .cell_value = 16, .exc_args = 24,         \
	.exc_cause = 56, .os_errno = 72, .os_strerror = 80, .os_filename = 88,                     \
	.function_code = 48, .wrapper_callable = 16, .type_name = 24, .type_basicsize = 32,        \
	.type_flags = 168, .type_base = 256, .type_dict = 264, .type_mro = 344,                    \
	.type_dictoffset = 288

#define FRAME_3_12                                                                                 \
	.tstate_exc_type = FT_NONE, .frame_code = 0, .frame_previous = 8, .frame_globals = 24,     \
	.frame_instr = 56, .frame_lasti = FT_NONE, .frame_stacktop = FT_NONE,                      \
	.frame_state = FT_NONE, .pyframe_frame = 24

/* The guard goes from co_posonlyargcount to co_linetable. */
#define CODE_3_12                                                                                  \
	.code_has_localsplus = 1, .code_guard = 56, .guard_words = 11, .code_consts = 24,          \
	.code_argcount = 52, .code_posonly = 56, .code_kwonly = 60, .code_nlocals = 80,            \
	.code_nlocalsplus = 72, .code_flags = 48, .code_firstlineno = 68, .code_filename = 112,    \
	.code_name = 120, .code_qualname = 128, .code_localsplusnames = 96,                        \
	.code_localspluskinds = 104, .code_cell2arg = FT_NONE, .code_cellvars = FT_NONE,           \
	.code_freevars = FT_NONE

static const struct cpython_facts rows[] = {
	{
		.minor = 8,
		.undefined = "0,7-8,13-14,18,21,30-49,58,74,80,99,117-121,123,"
			     "127-129,134,139-140,159,164-255",
		.opcode = {OPCODES_3_8_TO_3_10},
		.eval_entry = true,
		.usdt_sees_every_call = true,
		.tstate_current = 1368,
		.layout = {OBJECTS_3_8_TO_3_11, DICT_3_8_TO_3_10, FRAME_3_8_TO_3_10,
			   CODE_3_8_TO_3_10, .frame_localsplus = 360, .frame_lasti = 104,
			   .entry_frame_arg = 1, .frame_stacktop = 72, .frame_state = 116,
			   .states_running = 1 << 1, .exc_cause = 48, .os_errno = 64,
			   .os_strerror = 72, .os_filename = 80, .function_code = 16,
			   .type_qualname = 864, .type_cached_keys = 872},
	},
	{
		.minor = 9,
		.undefined = "0,7-8,13-14,18,21,30-47,53,58,80-81,88,99,119-120,123,"
			     "127-129,134,139-140,149-153,158-159,166-255",
		.opcode = {OPCODES_3_8_TO_3_10},
		.eval_entry = true,
		.usdt_sees_every_call = true,
		.tstate_current = 568,
		.layout = {OBJECTS_3_8_TO_3_11, DICT_3_8_TO_3_10, FRAME_3_8_TO_3_10,
			   CODE_3_8_TO_3_10, .frame_localsplus = 360, .frame_lasti = 104,
			   .entry_frame_arg = 2, .frame_stacktop = 72, .frame_state = 116,
			   .states_running = 1 << 1, .exc_cause = 48, .os_errno = 64,
			   .os_strerror = 72, .os_filename = 80, .function_code = 16,
			   .type_qualname = 856, .type_cached_keys = 864},
	},
	{
		.minor = 10,
		.undefined = "0,7-8,13-14,18,21,35-48,53,58,80-81,88,120,123,127-128,"
			     "134,139-140,149-151,153,158-159,166-255",
		.opcode = {OPCODES_3_8_TO_3_10},
		.eval_entry = true,
		.usdt_sees_every_call = true,
		.tstate_current = 568,
		/*
		 * frame_state: FRAME_SUSPENDED is -1, FRAME_EXECUTING 0, FRAME_UNWINDING 2
		 * (cpython/frameobject.h).
		 */
		.layout = {OBJECTS_3_8_TO_3_11, DICT_3_8_TO_3_10, FRAME_3_8_TO_3_10,
			   CODE_3_8_TO_3_10, .frame_localsplus = 352, .frame_lasti = 96,
			   .entry_frame_arg = 2, .frame_stacktop = FT_NONE, .frame_state = 108,
			   .frame_state_suspended = -1, .states_running = 1 << 0 | 1 << 2,
			   .exc_cause = 48, .os_errno = 64, .os_strerror = 72, .os_filename = 80,
			   .function_code = 48, .type_qualname = 864, .type_cached_keys = 872},
	},
	{
		.minor = 11,
		.undefined = "181-254",
		.opcode = {{HOOK_RESUME, 151, "RESUME"},
			   {HOOK_RESUME, 150, "RESUME_QUICK"},
			   {HOOK_RETURN, 83, "RETURN_VALUE"},
			   {HOOK_YIELD, 86, "YIELD_VALUE"}},
		/* Calls between Python functions no longer pass the function__entry probe. */
		.usdt_sees_every_call = false,
		.tstate_current = 576,
		.layout = {OBJECTS_3_8_TO_3_11,
			   .tstate_how = FT_TSTATE_GLOBAL,
			   .dict_how = FT_DICT_LOG2,
			   .attr_how = FT_ATTR_VALUES_311,
			   .values_order = FT_ORDER_BEFORE,
			   .tstate_frame = 56,
			   .cframe_frame = 8,
			   .tstate_exc_type = 96,
			   .tstate_exc_value = 104,
			   .frame_code = 32,
			   .frame_previous = 48,
			   .frame_globals = 8,
			   .frame_localsplus = 72,
			   .frame_instr = 56,
			   .frame_lasti = FT_NONE,
			   .frame_stacktop = FT_NONE,
			   .frame_state = FT_NONE,
			   .frame_owner = 69,
			   .pyframe_frame = 24,
			   .op_resume = {151, 150},
			   .resume_mask = 3,
			   .code_has_localsplus = 1,
			   .code_guard = 56,
			   .guard_words = 11,
			   .code_argcount = 56,
			   .code_posonly = 60,
			   .code_kwonly = 64,
			   .code_nlocals = 80,
			   .code_nlocalsplus = 76,
			   .code_flags = 48,
			   .code_firstlineno = 72,
			   .code_filename = 112,
			   .code_name = 120,
			   .code_qualname = 128,
			   .code_localsplusnames = 96,
			   .code_localspluskinds = 104,
			   .code_cell2arg = FT_NONE,
			   .code_cellvars = FT_NONE,
			   .code_freevars = FT_NONE,
			   .keys_size = FT_NONE,
			   .keys_nentries = 24,
			   .keys_indices = 32,
			   .exc_cause = 56,
			   .os_errno = 72,
			   .os_strerror = 80,
			   .os_filename = 88,
			   .function_code = 48,
			   .type_qualname = 864,
			   .type_cached_keys = 872},
	},
	{
		.minor = 12,
		.undefined = "169-170,177-236,255",
		.opcode = {{HOOK_RESUME, 151, "RESUME"},
			   {HOOK_RESUME, 240, "INSTRUMENTED_RESUME"},
			   {HOOK_YIELD, 150, "YIELD_VALUE", true},
			   {HOOK_YIELD, 243, "INSTRUMENTED_YIELD_VALUE", true}},
		.frame_clear = FRAME_CLEAR_CALLED,
		.layout = {OBJECTS_3_12, FRAME_3_12, CODE_3_12, .attr_how = FT_ATTR_VALUES_312,
			   .values_order = FT_ORDER_BEFORE, .tstate_frame = 56, .cframe_frame = 0,
			   .tstate_exc_value = 96, .frame_localsplus = 72, .frame_owner = 70,
			   .tuple_items = 24, .values_first = 0, .op_resume = {151, 240},
			   .resume_mask = 3, .op_return_const = {121, 247}, .op_extended_arg = 144,
			   .type_qualname = 872, .type_cached_keys = 880},
	},
	{
		.minor = 13,
		.undefined = "119-148,223-235,255",
		.opcode = {{HOOK_RESUME, 149, "RESUME"},
			   {HOOK_RESUME, 207, "RESUME_CHECK"},
			   {HOOK_RESUME, 236, "INSTRUMENTED_RESUME"},
			   {HOOK_YIELD, 118, "YIELD_VALUE", true},
			   {HOOK_YIELD, 241, "INSTRUMENTED_YIELD_VALUE", true}},
		.frame_clear = FRAME_CLEAR_EXPORTED,
		.layout = {OBJECTS_3_12, FRAME_3_12, CODE_3_12, .attr_how = FT_ATTR_INLINE,
			   .values_order = FT_ORDER_BEHIND, .tstate_frame = 72,
			   .cframe_frame = FT_NONE, .tstate_exc_value = 112, .frame_localsplus = 72,
			   .frame_owner = 70, .tuple_items = 24, .values_first = 8,
			   .op_resume = {149, 207, 236}, .resume_mask = 3,
			   .op_return_const = {103, 240}, .op_extended_arg = 71,
			   .type_qualname = 872, .type_cached_keys = 880},
	},
	{
		.minor = 14,
		.undefined = "121-127,212-233",
		.opcode = {{HOOK_RESUME, 128, "RESUME"},
			   {HOOK_RESUME, 196, "RESUME_CHECK"},
			   {HOOK_RESUME, 245, "INSTRUMENTED_RESUME"},
			   {HOOK_YIELD, 120, "YIELD_VALUE", true},
			   {HOOK_YIELD, 247, "INSTRUMENTED_YIELD_VALUE", true}},
		.frame_clear = FRAME_CLEAR_EXPORTED,
		.layout = {OBJECTS_3_12, FRAME_3_12, CODE_3_12, .attr_how = FT_ATTR_INLINE,
			   .values_order = FT_ORDER_BEHIND, .tag_mask = 3, .tstate_frame = 72,
			   .cframe_frame = FT_NONE, .tstate_exc_value = 112, .frame_localsplus = 80,
			   .frame_owner = 74, .tuple_items = 32, .values_first = 8,
			   .op_resume = {128, 196, 245}, .resume_mask = 3, .type_qualname = 872,
			   .type_cached_keys = 880},
	},
	{
		.minor = 15,
		.undefined = "120-127,219-232",
		.opcode = {{HOOK_RESUME, 128, "RESUME"},
			   {HOOK_RESUME, 200, "RESUME_CHECK"},
			   {HOOK_RESUME, 201, "RESUME_CHECK_JIT"},
			   {HOOK_RESUME, 244, "INSTRUMENTED_RESUME"},
			   {HOOK_YIELD, 119, "YIELD_VALUE", true},
			   {HOOK_YIELD, 246, "INSTRUMENTED_YIELD_VALUE", true}},
		.frame_clear = FRAME_CLEAR_EXPORTED,
		/* resume_mask: a generator expression runs RESUME 4 where it is made. */
		.layout = {OBJECTS_3_12, FRAME_3_12, CODE_3_12, .attr_how = FT_ATTR_INLINE,
			   .values_order = FT_ORDER_BEHIND, .tag_mask = 3, .tstate_frame = 72,
			   .cframe_frame = FT_NONE, .tstate_exc_value = 136, .frame_localsplus = 80,
			   .frame_owner = 74, .tuple_items = 32, .values_first = 8,
			   .op_resume = {128, 200, 201, 244}, .resume_mask = 7,
			   .type_qualname = 880, .type_cached_keys = 888},
	},
};

const struct cpython_facts *cpython_facts_of(int minor)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].minor == minor)
			return &rows[i];
	return NULL;
}

int cpython_facts(const struct target *t, const struct cpython_facts **ret, struct why *w)
{
	const struct cpython_facts *f = t->major == 3 ? cpython_facts_of(t->minor) : NULL;

	if (!f)
		return why_exit(w, EXIT_PYTHON, -ENOEXEC,
				"process %d runs Python %d.%d (%s), which cannot be traced%s; "
				"supported are Python 3.8 to 3.15",
				t->pid, t->major, t->minor, t->binary,
				t->major == 3 && t->minor > 15 ? " yet" : "");
	*ret = f;
	return 0;
}
