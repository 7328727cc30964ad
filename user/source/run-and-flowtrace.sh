#!/bin/bash
# Runs the program and traces its calls, as .flowtrace/config.json says. Made by flowctl init.
#
#   ./run-and-flowtrace.sh                     the program named below
#   ./run-and-flowtrace.sh worker.py ARG...    another script
#   ./run-and-flowtrace.sh -m package ARG...   a module
#
# With flowtrace-bpf where it can trace (it needs root), else with flowtrace_agent, from inside
# the program. FLOWTRACE_ variables win over the settings; PYTHON names another interpreter.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"

PROGRAM=()

die() {
	echo "run-and-flowtrace.sh: $*" >&2
	exit 1
}

find_python() {
	local python
	for python in .venv/bin/python venv/bin/python python3; do
		if command -v "$python"; then
			return
		fi
	done
	die "no python3 in PATH: name one in PYTHON"
}

# One FLOWTRACE_NAME=value a line. Both tracers read them.
settings() {
	"$PYTHON" -I -c '
import json, sys
try:
    with open(".flowtrace/config.json", encoding="utf-8") as file:
        config = json.load(file)
    exclude = config.get("exclude") or []
except (OSError, ValueError, AttributeError) as why:
    sys.exit("run-and-flowtrace.sh: .flowtrace/config.json: %s" % why)
values = {
    "PACKAGE_PREFIX": config.get("packagePrefix"),
    "LOGFILE": config.get("logFile"),
    "STDOUT": config.get("stdout"),
    "MAX_ARG_LENGTH": config.get("maxArgLength"),
    "EXCLUDE": exclude if isinstance(exclude, str) else ",".join(map(str, exclude)),
}
for name, value in values.items():
    if value not in (None, ""):
        print("FLOWTRACE_%s=%s" % (name, str(value).replace("\n", " ")))
'
}

bpf_can_trace() {
	command -v flowtrace-bpf >/dev/null && "$PYTHON" -I -c '
import os, subprocess, sys
sys.exit(subprocess.call(["flowtrace-bpf", "--check", "--pid", str(os.getpid())]))
' >/dev/null 2>&1
}

agent_can_trace() {
	"$PYTHON" -c 'import flowtrace_agent' >/dev/null 2>&1
}

PYTHON=${PYTHON:-$(find_python)}
given=$(settings)
while IFS='=' read -r name value; do
	[ -z "$name" ] || [ -n "${!name:-}" ] || export "$name=$value"
done <<<"$given"

[ $# -gt 0 ] || set -- ${PROGRAM[@]+"${PROGRAM[@]}"}
[ $# -gt 0 ] || die "which program? Give a script, or name one in PROGRAM, in this file"
if bpf_can_trace; then
	exec flowtrace-bpf -- "$PYTHON" "$@"
fi
if agent_can_trace; then
	exec "$PYTHON" -m flowtrace_agent "$@"
fi
die "neither flowtrace-bpf nor flowtrace_agent can trace $PYTHON: flowctl validate says why"
