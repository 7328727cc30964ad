# SPDX-License-Identifier: MIT
# shellcheck shell=bash
## ./dev test [SUITE...]   install what is needed (root), build, run the tests: style, unit, asan,
##                         python; default all of these, until one fails; k8s: on a cluster that
##                         ./dev cluster up has built (two minutes)

. scripts/setup.sh
. scripts/build.sh
. scripts/pytest.sh
. scripts/cluster.sh

# Every suite writes JUnit XML into $RESULTS; a suite that cannot even say so much leaves a
# line in $RESULTS/broken. What is counted at the end is what is there.
broken() { echo "$*" >>"$RESULTS/broken"; say "$*"; }

# Does this JUnit file name a failed test?
names_failure() {
	[ -s "$1" ] && grep -qE '<(failure|error)[ />]' "$1"
}

any_failed() {
	[ -s "$RESULTS/broken" ] || grep -qlE '<(failure|error)[ />]' "$RESULTS"/*.xml 2>/dev/null
}

# What takes seconds and is wrong most often comes first.
style() {
	say "format, shell scripts"
	./dev format --check >&2 || broken "./dev format --check: run ./dev format"
	{ git grep -lE '^#!.*\b(ba)?sh\b' && git ls-files '*.sh'; } | sort -u |
		xargs shellcheck -S warning >&2 ||
		broken "shellcheck finds something"
}

unit_tests() { # $1 = preset
	local dir=build names name
	[ "$1" = release ] || dir=build-$1
	say "unit tests, $1 build"
	if ! quietly build_preset "$1"; then
		broken "the $1 build failed"
		return
	fi
	# Criterion's own leaks: what it allocates itself. Two frames, the allocator and its caller:
	# with more, Criterion would be below every test, and hide what that loses.
	echo leak:libcriterion >"$RESULTS/lsan"
	names=$(ctest --preset "$1" -N | sed -n 's/^ *Test *#[0-9]*: //p')
	[ -n "$names" ] || broken "no unit tests in the $1 build"
	for name in $names; do
		if CRITERION_OUTPUTS="xml:$RESULTS/$1-$name.xml" CRITERION_VERBOSITY_LEVEL=1 \
			ASAN_OPTIONS=malloc_context_size=2 \
			LSAN_OPTIONS="suppressions=$RESULTS/lsan:print_suppressions=0" \
			timeout 600 ctest --preset "$1" -V -R "^$name\$" >"$RESULTS/log" 2>&1; then
			echo "   $name" >&2
			grep -o '\[SKIP\].*' "$RESULTS/log" | sed 's/^/      /' >&2 || true
		else
			cat "$RESULTS/log" >&2
			names_failure "$RESULTS/$1-$name.xml" ||
				broken "$name ($1 build) did not end as it should"
		fi
	done
	give_back "$dir"
}

python_tests() {
	local dir
	[ -x build/bin/flowtrace-bpf ] || quietly build || broken "the release build failed"
	for dir in $(find tests -mindepth 2 -maxdepth 2 -name 'test_*.py' -printf '%h\n' | sort -u); do
		python_folder "$dir"
	done
}

python_folder() {
	local suite status=0
	suite=$(basename "$1")
	say "$1"
	how_to_run "$suite"
	timeout -k 30 2400 $PYTHON -B -m pytest "${HOW[@]}" -p no:cacheprovider \
		-q -rs -o junit_family=xunit1 --junitxml="$RESULTS/python-$suite.xml" \
		"$1" >&2 || status=$?
	case $status in
	0 | 1) ;;
	5) broken "$1 has no tests" ;;
	124 | 137) broken "$1 took too long" ;;
	*) broken "$1: pytest ended with status $status" ;;
	esac
}

# The cluster is compiled by "./dev cluster up" alone; where it was not, the tests say so and skip.
k8s_tests() {
	local started=""
	[ "$(id -u)" = 0 ] || say "not root: the tests of the cluster are skipped"
	quietly build || { broken "the release build failed"; return; }
	if [ "$(id -u)" = 0 ] && cluster_is_built && ! cluster_runs; then
		started=yes
		(cluster_up >&2) || broken "the cluster did not start"
	fi
	python_folder tests/k8s
	[ -z "$started" ] || cluster_down
}

run_tests() {
	local suite status=0
	[ "$(id -u)" != 0 ] || setup
	[ $# -gt 0 ] || set -- style unit asan python
	[ "$(id -u)" = 0 ] || say "not root: tests that attach to a process are skipped"
	RESULTS=$(mktemp -d)
	trap 'rm -rf "$RESULTS"' EXIT
	for suite in "$@"; do
		case $suite in
		style) style ;;
		unit) unit_tests release ;;
		asan) unit_tests asan ;;
		python) python_tests ;;
		k8s) k8s_tests ;;
		*) die "test: $suite? There are style, unit, asan, python and k8s" ;;
		esac
		# Half an hour of tests says nothing more about what does not even build.
		! any_failed || break
	done
	$PYTHON -B scripts/count_results.py "$RESULTS" || status=$?
	return $status
}
