# SPDX-License-Identifier: MIT
# shellcheck shell=bash
## ./dev roots             make the Debian roots that the live tests use (root)

. scripts/packages.sh

# Debian roots: a small one of this release, for the package to be installed in; and with the
# Pythons of other releases: 3.9 (USDT probes that work), 3.13, and
# sid's; their headers, which the tables of offsets are compared with; and sid's web servers,
# frameworks and programs for the truth. Made aside, then renamed, so that a root that is there is
# whole. They know nothing of each other, so they are made at the same time.
roots() {
	local suite pids="" pid status=0
	need_root roots
	[ -z "$(missing_packages debootstrap debian-archive-keyring)" ] ||
		install_packages debootstrap debian-archive-keyring
	for suite in bookworm bullseye trixie sid; do
		"root_$suite" &
		pids+=" $!"
	done
	for pid in $pids; do wait "$pid" || status=1; done
	return $status
}

root_bookworm() { make_root bookworm man man-db; }

root_bullseye() {
	make_root bullseye python3.9 && add_headers bullseye python3.9 &&
		add_packages bullseye $GREENLET_PACKAGES
}

root_trixie() {
	make_root trixie python3.13 && add_headers trixie python3.13 &&
		add_packages trixie $GREENLET_PACKAGES
}

root_sid() {
	make_root sid python3.15 && add_packages sid python3.14 $WEB_PACKAGES $GREENLET_PACKAGES &&
		add_headers sid python3.14 python3.15 || return 1
	add_known sid python3.13 $TRUTH_PACKAGES libpython3.14-testsuite
	[ ! -x "$FLOWTRACE_ROOTS/sid/usr/bin/python3.13" ] || add_headers sid python3.13
}

# make_root SUITE PROGRAM [PACKAGES]: with a Python, unless packages are named.
make_root() {
	local packages=${3:-python3,$2} root=$FLOWTRACE_ROOTS/$1 scratch mirror
	[ ! -x "$root/usr/bin/$2" ] || return 0
	say "making the Debian root $root"
	mkdir -p "$FLOWTRACE_ROOTS"
	for mirror in "${FLOWTRACE_MIRROR:-http://deb.debian.org/debian}" \
		http://archive.debian.org/debian; do
		scratch=$(mktemp -d "$FLOWTRACE_ROOTS/.$1.XXXXXX")
		chmod 755 "$scratch"
		if quietly debootstrap --variant=minbase "--include=$packages" "$1" "$scratch" "$mirror"; then
			rm -rf "$scratch"/var/cache/apt/archives/*.deb "$root"
			echo force-unsafe-io >"$scratch/etc/dpkg/dpkg.cfg.d/not-for-long"
			mv -T "$scratch" "$root"
			return 0
		fi
		rm -rf --one-file-system "$scratch"
	done
	return 1
}

# A mirror may be older than its index allows, as debootstrap does not mind either.
in_root() {
	say "adding $3 to the Debian root $FLOWTRACE_ROOTS/$1"
	quietly chroot "$FLOWTRACE_ROOTS/$1" sh -ec "cd \$(mktemp -d)
		apt-get -q -o Acquire::Check-Valid-Until=false update
		$2"
}

# add_packages SUITE PACKAGE...: all of them, or none.
add_packages() {
	local suite=$1 package missing=""
	shift
	for package in "$@"; do
		[ -e "$FLOWTRACE_ROOTS/$suite/var/lib/dpkg/info/$package.list" ] || missing+=" $package"
	done
	[ -z "$missing" ] || in_root "$suite" \
		"DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends $missing
		apt-get clean" "$missing"
}

# add_known SUITE PACKAGE...: those of them that the suite has today.
add_known() {
	local suite=$1 package known=""
	shift
	for package in "$@"; do
		if [ -e "$FLOWTRACE_ROOTS/$suite/var/lib/dpkg/info/$package.list" ]; then
			continue
		elif chroot "$FLOWTRACE_ROOTS/$suite" apt-get -q -s install "$package" >/dev/null 2>&1; then
			known+=" $package"
		else
			say "$suite has no $package: goes without"
		fi
	done
	add_packages "$suite" $known || say "not all of these could be added to $suite: $known"
}

# add_headers SUITE PYTHON...: only the files; a compiler would come with the package. Those of the
# C library too: the extension is compiled for these Pythons by the host's compiler.
add_headers() {
	local suite=$1 include=$FLOWTRACE_ROOTS/$1/usr/include python packages=""
	shift
	for python in "$@"; do
		[ -e "$include/$python/Python.h" ] || packages+=" lib$python-dev"
	done
	[ -e "$include/crypt.h" ] || packages+=" libc6-dev linux-libc-dev libcrypt-dev"
	[ -z "$packages" ] || in_root "$suite" "apt-get -q download $packages
		for file in *.deb; do dpkg -x \$file /; done
		rm ./*.deb" "the files of$packages"
}
