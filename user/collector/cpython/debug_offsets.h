/* SPDX-License-Identifier: MIT */
/*
 * What a CPython from 3.13 on says about itself: _Py_DebugOffsets, a structure of offsets and sizes
 * at the start of _PyRuntime, constant and in the file. The file is untrusted, so every word that
 * is used is checked first: a structure that is not plausible is refused with what was found and
 * what was looked for.
 */
#ifndef FT_DEBUG_OFFSETS_H
#define FT_DEBUG_OFFSETS_H

#include <stddef.h>
#include <stdint.h>

#include "base/why.h"
#include "discover/elf.h"
#include "ft_layout.h"
#include "model/binary.h"
#include "model/target.h"

/*
 * What is read: X(group, member, member of struct ft_layout that it fills, alignment, trust). A
 * FIXED word must equal the release's row, because the same object has members that the structure
 * does not name. A TOLD one may differ from the row.
 */
#define DEBUG_OFFSETS(X)                                                                           \
	X(pyobject, ob_type, object_type, 8, FIXED)                                                \
	X(tuple_object, ob_size, var_size, 8, FIXED)                                               \
	X(list_object, ob_size, var_size, 8, FIXED)                                                \
	X(bytes_object, ob_size, var_size, 8, FIXED)                                               \
	X(thread_state, current_frame, tstate_frame, 8, FIXED)                                     \
	X(thread_state, current_exception, tstate_exc_value, 8, TOLD)                              \
	X(interpreter_frame, previous, frame_previous, 8, FIXED)                                   \
	X(interpreter_frame, executable, frame_code, 8, FIXED)                                     \
	X(interpreter_frame, instr_ptr, frame_instr, 8, FIXED)                                     \
	X(interpreter_frame, localsplus, frame_localsplus, 8, FIXED)                               \
	X(interpreter_frame, owner, frame_owner, 1, FIXED)                                         \
	X(code_object, filename, code_filename, 8, FIXED)                                          \
	X(code_object, name, code_name, 8, FIXED)                                                  \
	X(code_object, qualname, code_qualname, 8, FIXED)                                          \
	X(code_object, firstlineno, code_firstlineno, 4, FIXED)                                    \
	X(code_object, argcount, code_argcount, 4, FIXED)                                          \
	X(code_object, localsplusnames, code_localsplusnames, 8, FIXED)                            \
	X(code_object, localspluskinds, code_localspluskinds, 8, FIXED)                            \
	X(type_object, tp_name, type_name, 8, FIXED)                                               \
	X(type_object, tp_flags, type_flags, 8, FIXED)                                             \
	X(type_object, tp_basicsize, type_basicsize, 8, FIXED)                                     \
	X(type_object, tp_dictoffset, type_dictoffset, 8, FIXED)                                   \
	X(heap_type_object, ht_cached_keys, type_cached_keys, 8, FIXED)                            \
	X(tuple_object, ob_item, tuple_items, 8, TOLD)                                             \
	X(list_object, ob_item, list_items, 8, TOLD)                                               \
	X(set_object, used, set_used, 8, FIXED)                                                    \
	X(set_object, table, set_table, 8, FIXED)                                                  \
	X(set_object, mask, set_mask, 8, FIXED)                                                    \
	X(dict_object, ma_keys, dict_keys, 8, FIXED)                                               \
	X(dict_object, ma_values, dict_values, 8, FIXED)                                           \
	X(float_object, ob_fval, float_value, 8, TOLD)                                             \
	X(long_object, lv_tag, int_size, 8, FIXED)                                                 \
	X(long_object, ob_digit, int_digits, 4, FIXED)                                             \
	X(bytes_object, ob_sval, bytes_data, 1, TOLD)                                              \
	X(unicode_object, state, str_state, 4, FIXED)                                              \
	X(unicode_object, length, str_length, 8, FIXED)

/* Sizes that are offsets too: the data follows the head. */
#define DEBUG_SIZES(X)                                                                             \
	X(unicode_object, asciiobject_size, str_ascii_data, 8, FIXED)                              \
	X(unicode_object, compactunicodeobject_size, str_compact_data, 8, FIXED)

#define DEBUG_GROUPS(X)                                                                            \
	X(thread_state)                                                                            \
	X(interpreter_frame)                                                                       \
	X(code_object)                                                                             \
	X(pyobject)                                                                                \
	X(type_object)                                                                             \
	X(heap_type_object)                                                                        \
	X(tuple_object)                                                                            \
	X(list_object)                                                                             \
	X(set_object)                                                                              \
	X(dict_object)                                                                             \
	X(float_object)                                                                            \
	X(long_object)                                                                             \
	X(bytes_object)                                                                            \
	X(unicode_object)

/* The offsets of these words in one release's _Py_DebugOffsets; 0 = it has no such word. */
struct debug_places {
	uint16_t structure_size; /* 0 = the release has no _Py_DebugOffsets */
#define X(group) uint16_t group##_size;
	DEBUG_GROUPS(X)
#undef X
#define X(group, member, ...) uint16_t group##_##member;
	DEBUG_OFFSETS(X)
	DEBUG_SIZES(X)
#undef X
};

/*
 * Reads the structure of t's file into ret->layout, which holds the release's row, and keeps it in
 * ret->debug. -ENOEXEC (exit 6) and ret untouched when there is none, or it is another version's, a
 * free-threaded build's, or makes no sense.
 */
int debug_offsets_read(struct elf *e, const struct target *t, const struct debug_places *places,
		       struct binary_layout *ret, struct why *w);

/* -ENOEXEC (exit 6) if it differs from the one in the process' memory, as far as that can be read:
 * the file may have been replaced since the process mapped it. */
int debug_offsets_compare(const struct target *t, uint64_t vaddr, const void *bytes, size_t size,
			  struct why *w);

/* debug_offsets_read() over `size` bytes from the start of _PyRuntime. For the fuzzer too. */
int debug_offsets_parse(const void *bytes, size_t size, const struct target *t,
			const struct debug_places *places, struct ft_layout *l, struct why *w);

#endif
