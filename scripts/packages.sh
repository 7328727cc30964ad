# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034 # others use the lists
# Which of Debian's packages are needed for what, and how they are installed.

BUILD_PACKAGES="clang llvm bpftool libbpf-dev libelf-dev zlib1g-dev libzstd-dev libjson-c-dev
	libcapstone-dev libpcre2-dev libmicrohttpd-dev libcurl4-gnutls-dev libpython3-dev cmake
	ninja-build pkg-config gcc libc6-dev linux-libc-dev"
DEMO_PACKAGES="python3 python3-flask gunicorn"
TRUTH_PACKAGES="python3-networkx python3-jinja2 python3-docutils python3-pygments python3-pandas
	python3-celery python3-sqlalchemy python3-tornado python3-aiohttp python3-gevent
	python3-django"
TEST_PACKAGES="zstd libcriterion-dev libclang-rt-14-dev clang-format debootstrap
	debian-archive-keyring libpython3.11-dev pypy3 python3-coverage python3-numpy
	python3-pytest python3-pytest-xdist python3-sphinx curl mercurial wrk
	man-db mandoc zsh fish python3-pyte lintian
	python3-fastapi python3-starlette python3-uvicorn python3-uvloop
	python3-httptools python3-websockets libpython3.11-testsuite patch shellcheck
	python3-greenlet python3-eventlet
	python3-hypercorn python3-daphne python3-waitress python3-cheroot python3-twisted
	python3-falcon uwsgi-core uwsgi-plugin-python3
	$TRUTH_PACKAGES"
PACKAGE_PACKAGES="python3 libpython3-dev python3-pip python3-setuptools python3-venv python3-wheel
	gcc libc6-dev linux-libc-dev ninja-build"
WEB_PACKAGES="gunicorn python3-django python3-fastapi python3-flask python3-httptools
	python3-starlette python3-uvicorn python3-uvloop python3-websockets python3-hypercorn
	python3-daphne python3-waitress python3-cheroot python3-twisted python3-a2wsgi"
GREENLET_PACKAGES="python3-greenlet python3-gevent python3-eventlet gunicorn"
DEB_PACKAGES="dpkg-dev file"
REPORT_PACKAGES="chromium chromium-driver python3-selenium python3-jsonschema fonts-dejavu-core"
DEPLOY_PACKAGES="umoci runc python3-yaml openssl iproute2"
KERNEL_PACKAGES="qemu-system-x86 cpio busybox-static xz-utils"

# Each once: one that is needed for two things is in both lists.
missing_packages() {
	local package seen=" "
	for package in "$@"; do
		[[ $seen != *" $package "* ]] || continue
		seen+="$package "
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
			echo "$package"
	done
}

install_packages() {
	local missing
	missing=$(missing_packages "$@")
	[ -n "$missing" ] || return 0
	need_root setup
	command -v apt-get >/dev/null || die "no apt-get: install the equivalents of" $missing
	say "installing" $missing
	export DEBIAN_FRONTEND=noninteractive
	quietly apt-get -q -o DPkg::Lock::Timeout=300 update
	quietly apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends $missing
}
