# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034 # the answer is a variable
# The tests of the agent and of the frameworks are files that do not disturb each other: two at a
# time. Programs by others are long ones, each by itself. The rest look at the whole machine.
how_to_run() { # $1 = suite; the answer is in HOW
	HOW=(-p no:xdist)
	$PYTHON -c 'import xdist' 2>/dev/null || return 0
	case $1 in
	agent | flowctl | frameworks) HOW=(-n "$JOBS" --dist loadfile) ;;
	truth) HOW=(-n "$JOBS" --dist load) ;;
	esac
}
