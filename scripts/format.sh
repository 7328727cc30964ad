# SPDX-License-Identifier: MIT
# shellcheck shell=bash
## ./dev format [--check]  lay out the sources

format() {
	local how=-i
	[ "${1:-}" != --check ] || how="--dry-run -Werror"
	git ls-files 'bpf/*.[ch]' 'user/*.[ch]' 'cli/*.[ch]' 'tests/*.[ch]' 'agent_ext/*.[ch]' \
		'frameworks/*.[ch]' |
		xargs -r clang-format $how
	! command -v ruff >/dev/null || ruff format ${1:+--check} -q examples tests
}
