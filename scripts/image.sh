# SPDX-License-Identifier: MIT
# shellcheck shell=bash
## ./dev image             a container image of both programs, in dist/image (an OCI layout), and what
##                         is in it, in dist/image.spdx.json

. scripts/packages.sh
. scripts/build.sh

image() {
	local scratch
	install_packages $BUILD_PACKAGES
	quietly build
	# The date of the files: of the commit, so that one commit gives the same bytes every time.
	export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
	mkdir -p dist
	scratch=$(mktemp -d -p dist)
	if ! $PYTHON -B scripts/image/make.py "$scratch" build/bin/flowtrace-bpf build/bin/flowctl; then
		rm -rf "$scratch"
		die "image: not made"
	fi
	rm -rf dist/image
	mv "$scratch/image" "$scratch/image.spdx.json" dist/
	rmdir "$scratch"
	give_back dist
	say "dist/image, $(du -sk dist/image | cut -f1) KiB"
}
