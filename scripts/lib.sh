# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034 # others use the variables
# What every script may use; dev reads this first.

PYTHON=/usr/bin/python3
JOBS=$(nproc)
export FLOWTRACE_ROOTS=${FLOWTRACE_ROOTS:-/var/cache/flowtrace/roots}
export FLOWTRACE_NPM=${FLOWTRACE_NPM:-/var/cache/flowtrace/npm}
export FLOWTRACE_KERNELS=${FLOWTRACE_KERNELS:-/var/cache/flowtrace/kernels}
export FLOWTRACE_CLUSTER=${FLOWTRACE_CLUSTER:-/var/cache/flowtrace/cluster}

say() { echo "== $*" >&2; }
die() { echo "dev: $*" >&2; exit 1; }
need_root() { [ "$(id -u)" = 0 ] || die "$1 needs root: sudo ./dev $1"; }

# Runs a command without its output, unless it fails.
quietly() {
	local log status=0
	log=$(mktemp)
	"$@" >"$log" 2>&1 || status=$?
	[ $status = 0 ] || { cat "$log" >&2; echo "dev: failed: $*" >&2; }
	rm -f "$log"
	return $status
}

# Under sudo, what we made belongs to the user who called.
give_back() {
	[ -z "${SUDO_UID:-}" ] || chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$@" 2>/dev/null || true
}
