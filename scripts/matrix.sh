# SPDX-License-Identifier: MIT
# shellcheck shell=bash
## ./dev matrix [NAME]     every interpreter there is against the truth, as a table (root)

. scripts/build.sh

# The ground-truth programs on every interpreter; the table is printed by tests/live/matrix.py.
matrix() {
	need_root matrix
	quietly build
	exec $PYTHON -B -m pytest -p no:cacheprovider -q -rs tests/live/test_ground_truth.py \
		-k "test_scenario${1:+ and $1}"
}
