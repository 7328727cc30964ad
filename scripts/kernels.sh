# SPDX-License-Identifier: MIT
# shellcheck shell=bash
## ./dev kernels [SUITE]   Debian's kernels 5.10 to sid's, emulated, as a table (root)

. scripts/packages.sh
. scripts/build.sh

kernel_images() {
	$PYTHON -B tests/kernels/images.py "$FLOWTRACE_KERNELS" ${FLOWTRACE_MIRROR:-}
}

kernels() {
	need_root kernels
	install_packages $BUILD_PACKAGES $TEST_PACKAGES $KERNEL_PACKAGES
	kernel_images
	quietly build
	exec $PYTHON -B -m pytest -p no:cacheprovider -q -rs tests/kernels ${1:+-k "$1"}
}
