# SPDX-License-Identifier: MIT
# shellcheck shell=bash
## ./dev bench [--json]    measure what tracing costs; --all: on every interpreter (root)
## ./dev bench agent       the same for the in-process agent [--json] [NAME...]
## ./dev bench flowctl     reading a trace of 10,000,000 events [--json] [--verify]
## ./dev bench storm       100 short programs a second under --follow [--json] [--against FILE] (root)
## ./dev bench http        what a request costs, both ways [--json] [--all] [--programs] (root)

. scripts/build.sh

bench() {
	if [ "${1:-}" = agent ]; then
		shift
		exec $PYTHON -B tests/bench/agent.py "$@"
	fi
	if [ "${1:-}" = flowctl ]; then
		shift
		quietly build
		exec $PYTHON -B tests/bench/flowctl.py "$@"
	fi
	need_root bench
	quietly build
	if [ "${1:-}" = http ]; then
		shift
		exec $PYTHON -B tests/bench/request.py "$@"
	fi
	if [ "${1:-}" = storm ]; then
		shift
		exec $PYTHON -B tests/bench/storm.py "$@"
	fi
	exec $PYTHON tests/bench/bench.py "$@"
}
