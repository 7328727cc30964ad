# SPDX-License-Identifier: MIT
# shellcheck shell=bash
## ./dev build             build into build/, programs in build/bin

build_preset() {
	local tests=ON
	pkg-config --exists criterion || tests=OFF
	cmake --preset "$1" -DFT_TESTS=$tests && cmake --build --preset "$1" -j "$JOBS"
}

build() {
	local status=0
	command -v cmake >/dev/null || die "no cmake: run sudo ./dev setup first"
	build_preset release && $PYTHON -B agent_ext/intree.py system || status=$?
	give_back build
	return $status
}
