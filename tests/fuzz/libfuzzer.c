/* SPDX-License-Identifier: MIT */
/* libFuzzer's entry into one of fuzz.h: FT_FUZZ_TARGET. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return FT_FUZZ_TARGET(data, size);
}
