/* SPDX-License-Identifier: MIT */
/*
 * What the fuzzers run: a reader of foreign bytes, over bytes that anybody may have made. Each
 * returns 0; it is the sanitizers that complain. tests/unit/test_fuzz.c runs them over the
 * corpus (those of traces: test_trace_fuzz.c), ./dev fuzz over what libFuzzer makes of it.
 */
#ifndef FT_FUZZ_H
#define FT_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int fuzz_elf(const uint8_t *data, size_t size);
int fuzz_debug_offsets(const uint8_t *data, size_t size);
int fuzz_cgroup(const uint8_t *data, size_t size);
int fuzz_pods(const uint8_t *data, size_t size);
int fuzz_records(const uint8_t *data, size_t size);
int fuzz_trace(const uint8_t *data, size_t size);
int fuzz_trace_line(const uint8_t *data, size_t size);
int fuzz_where(const uint8_t *data, size_t size);
int fuzz_export(const uint8_t *data, size_t size);
int fuzz_report(const uint8_t *data, size_t size);

#endif
