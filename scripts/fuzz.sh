# SPDX-License-Identifier: MIT
# shellcheck shell=bash
## ./dev fuzz [SECONDS] [NAME...]
##                         run the fuzzers, or those, that long in all; default 60

# What is found lies in build-fuzz/: fix it, then put it into tests/fuzz/corpus.
fuzz() {
	local seconds=${1:-60} target status=0
	local targets
	mapfile -t targets < <(cd tests/fuzz && printf '%s\n' fuzz_*.c | sed 's/^fuzz_//; s/\.c$//')
	[[ $seconds =~ ^[1-9][0-9]*$ ]] || die "fuzz: $seconds is no number of seconds"
	command -v clang >/dev/null || die "no clang: run sudo ./dev setup first"
	[ $# -lt 2 ] || targets=("${@:2}")
	quietly cmake --preset fuzz && quietly cmake --build --preset fuzz -j "$JOBS" || return 1
	for target in "${targets[@]}"; do
		say "fuzzing $target"
		mkdir -p "build-fuzz/corpus/$target"
		ASAN_OPTIONS=quarantine_size_mb=8 "build-fuzz/fuzz/fuzz_$target" \
			-max_total_time=$((seconds / ${#targets[@]} + 1)) -timeout=10 \
			-rss_limit_mb=512 -max_len=16384 -print_final_stats=1 \
			-artifact_prefix="build-fuzz/$target-" \
			"build-fuzz/corpus/$target" "tests/fuzz/corpus/$target" \
			2>"build-fuzz/$target.log" || status=1
		grep -E '^(SUMMARY|==[0-9]+==ERROR|Done|stat::(slowest|peak))' \
			"build-fuzz/$target.log" >&2 || tail -n 5 "build-fuzz/$target.log" >&2
	done
	give_back build-fuzz
	return $status
}
