# SPDX-License-Identifier: MIT
# shellcheck shell=bash
## ./dev truth [NAME]      programs by others against the interpreter's own tracing (root)
## ./dev truth FILE.py [PREFIX [INTERPRETER...]]
##                         the same of a program of yours, on every interpreter, as a table

. scripts/packages.sh
. scripts/roots.sh
. scripts/build.sh
. scripts/pytest.sh

# Programs by others, in one run with the interpreter's own tracing, and in one with the agent.
truth() {
	need_root truth
	install_packages $BUILD_PACKAGES $TEST_PACKAGES
	roots || say "not every Debian root could be made: what needs it is skipped"
	quietly build
	[[ ${1:-} != *.py ]] || exec $PYTHON -B tests/truth/given.py "$@"
	how_to_run truth
	exec $PYTHON -B -m pytest "${HOW[@]}" -p no:cacheprovider -q -rs tests/truth ${1:+-k "$1"}
}
