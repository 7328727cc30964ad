# SPDX-License-Identifier: MIT
# shellcheck shell=bash
## ./dev setup [demo]      install what build, demo and tests need (Debian 12, root);
##                         with "demo" only what the demo needs

. scripts/packages.sh
. scripts/roots.sh
. scripts/kernels.sh

setup() {
	case "${1:-}" in
	demo) install_packages $BUILD_PACKAGES $DEMO_PACKAGES ;;
	"") install_packages $BUILD_PACKAGES $DEMO_PACKAGES $TEST_PACKAGES $PACKAGE_PACKAGES \
		$KERNEL_PACKAGES $DEB_PACKAGES $REPORT_PACKAGES $DEPLOY_PACKAGES
		fetch_report ;;
	*) die "setup: $1? There is only \"demo\"" ;;
	esac
	mount_tracefs
	[ -n "${1:-}" ] || [ "$(id -u)" != 0 ] || fetch_targets
}

mount_tracefs() {
	[ "$(id -u)" = 0 ] && [ -d /sys/kernel/tracing ] || return 0
	[ -e /sys/kernel/tracing/events ] ||
		quietly mount -t tracefs nodev /sys/kernel/tracing ||
		say "tracefs is not mounted: kernels before 6.6 need it"
}

# Interpreters and kernels for the tests; what cannot be had is skipped there, and said.
fetch_targets() {
	roots || say "not every Debian root could be made: the tests that need it are skipped"
	kernel_images || say "not every kernel could be fetched: the tests that need it are skipped"
}

# What the page of `flowctl report` is made of, as its lock has it; the build needs no network.
# Node may come from elsewhere than Debian, and then brings its own npm.
fetch_report() {
	local lock=cli/flowctl/report/package-lock.json
	! cmp -s $lock "$FLOWTRACE_NPM/.whole" || return 0
	command -v npm >/dev/null || install_packages npm
	say "fetching what the report page is made of, into $FLOWTRACE_NPM"
	mkdir -p "$FLOWTRACE_NPM"
	cp cli/flowctl/report/package.json $lock "$FLOWTRACE_NPM"
	if quietly npm --prefix "$FLOWTRACE_NPM" ci --ignore-scripts --no-audit --no-fund; then
		cp $lock "$FLOWTRACE_NPM/.whole"
	else
		rm -f "$FLOWTRACE_NPM/package-lock.json"
		say "npm failed: flowctl is built without its report"
	fi
}
