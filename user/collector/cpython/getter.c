/* SPDX-License-Identifier: MIT */
#include "cpython/getter.h"

#define MAX_BYTES 64
#define MAX_INSNS 10

bool getter_read(struct elf *e, uint64_t function, getter_fn *fn, void *ctx)
{
	struct insn insn = {.flow = INSN_ON};
	struct insn_reader *reader;
	const uint8_t *code;
	size_t len;

	code = elf_code(e, function, MAX_BYTES, &len);
	reader = code ? insn_reader_new() : NULL;
	if (!reader)
		return false;
	for (int i = 0; i < MAX_INSNS && insn_read(reader, code, len, function, &insn); i++) {
		if (insn.flow == INSN_RETURN || !fn(ctx, &insn))
			break;
		code += insn.len;
		len -= insn.len;
		function += insn.len;
	}
	insn_reader_free(reader);
	return insn.flow == INSN_RETURN;
}
