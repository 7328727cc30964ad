# SPDX-License-Identifier: MIT
# shellcheck shell=bash
## ./dev sdist             the Python package as an archive of sources, in dist/
## ./dev wheel             the same, built for every interpreter that can build it
## ./dev deb               a Debian package of both programs, in dist/

. scripts/packages.sh
. scripts/build.sh

# What the archive holds: the package, and the collector's sources that it is made of as core/.
stage_package() { # $1 = an empty folder
	mkdir -p "$1/core"
	cp -r LICENSE agent_ext/*.toml agent_ext/*.in agent_ext/setup.py agent_ext/sources.py \
		agent_ext/module.c agent_ext/csrc agent_ext/flowtrace_agent frameworks "$1"
	$PYTHON -B agent_ext/sources.py | xargs cp --parents -t "$1/core"
}

sdist() {
	local out=$PWD/dist
	install_packages $PACKAGE_PACKAGES
	SCRATCH=$(mktemp -d)
	trap 'rm -rf "$SCRATCH"' EXIT
	stage_package "$SCRATCH"
	mkdir -p dist
	(cd "$SCRATCH" && quietly $PYTHON -B -c \
		"from setuptools import build_meta; build_meta.build_sdist('$out')")
	give_back dist
	say "$(ls dist/flowtrace_agent-*.tar.gz)"
}

# Of what is built for the tests: no interpreter needs setuptools, or a network.
wheel() {
	local status=0
	sdist
	$PYTHON -B agent_ext/wheels.py "$SCRATCH" dist >&2 || status=$?
	give_back dist build
	return $status
}

deb() {
	local status=0
	install_packages $BUILD_PACKAGES $DEB_PACKAGES
	quietly build
	SCRATCH=$(mktemp -d)
	trap 'rm -rf "$SCRATCH"' EXIT
	quietly cpack --config build/CPackConfig.cmake -G DEB -B "$SCRATCH" || status=$?
	give_back build
	[ $status = 0 ] || return $status
	mkdir -p dist
	mv "$SCRATCH"/*.deb dist/
	give_back dist
	say "$(ls -t dist/*.deb | head -n 1)"
}
