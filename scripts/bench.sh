# SPDX-License-Identifier: MIT
# shellcheck shell=bash
## ./dev bench [--json]    measure what tracing costs; status 1: more than a bound (root)
##                         calls, programs or web: only that; --all: calls on every interpreter;
##                         --programs: calls by BPF program
## ./dev bench agent       the same for the in-process agent [--json] [NAME...]
## ./dev bench flowctl     reading a trace of 10,000,000 events [--json] [--verify]
## ./dev bench storm       100 short programs a second under --follow [--json] [--against FILE] (root)
## ./dev bench codes       rejected calls of many functions, many processes [--against FILE] (root)
## ./dev bench containers  a rejected call with one container of an image and with 64 (root)
## ./dev bench soak        20 short programs a second under --all for 20 minutes [MINUTES] (root)
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
	case ${1:-} in
	http) set -- request "${@:2}" ;;
	storm | codes | containers | soak) ;;
	*) set -- bench "$@" ;;
	esac
	exec $PYTHON -B "tests/bench/$1.py" "${@:2}"
}
