# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The programs of a Kubernetes cluster, in $FLOWTRACE_CLUSTER: containerd, runc, etcd and CNI are files
# of Debian's packages; Kubernetes 1.20 is compiled from Debian's source package, which no binary
# package has whole. Nothing is installed. What is there already is not made again.

CLUSTER_PACKAGES="etcd-server containerd runc containernetworking-plugins kubernetes-client"
CLUSTER_GO_PACKAGES="golang-1.19-go golang-1.19-src golang-github-modern-go-reflect2-dev"
CLUSTER_PROGRAMS="kubelet kube-apiserver kube-controller-manager kube-scheduler"

cluster_is_built() {
	cluster_has_programs && [ -x "$FLOWTRACE_CLUSTER/bin/pause" ] && cluster_has_tools
}

cluster_has_programs() {
	local program
	for program in $CLUSTER_PROGRAMS; do
		[ -x "$FLOWTRACE_CLUSTER/bin/$program" ] || return 1
	done
}

# What was unpacked is what is asked for today.
cluster_has_tools() {
	[ "$(cat "$FLOWTRACE_CLUSTER/tools/.whole" 2>/dev/null)" = "$CLUSTER_PACKAGES $CLUSTER_GO_PACKAGES" ]
}

cluster_build() {
	! cluster_is_built || return 0
	mkdir -p "$FLOWTRACE_CLUSTER/bin"
	cluster_tools && cluster_source && cluster_openapi &&
		cluster_program k8s.io/kubernetes/cmd/kube-apiserver &&
		cluster_program k8s.io/kubernetes/cmd/kubelet &&
		cluster_program k8s.io/kubernetes/cmd/kube-controller-manager &&
		cluster_program k8s.io/kubernetes/cmd/kube-scheduler &&
		gcc -static -Os -o "$FLOWTRACE_CLUSTER/bin/pause" scripts/cluster/pause.c || return 1
	# Two gigabytes that are not needed any more.
	rm -rf --one-file-system "${FLOWTRACE_CLUSTER:?}"/{gocache,gopath,source,violations,apt}
}

# apt with lists of its own: a machine seldom has the sources in its lists.
cluster_apt() {
	local dir=$FLOWTRACE_CLUSTER/apt
	mkdir -p "$dir/lists/partial"
	printf 'deb [signed-by=%s] %s bookworm main\ndeb-src [signed-by=%s] %s bookworm main\n' \
		/usr/share/keyrings/debian-archive-keyring.gpg \
		"${FLOWTRACE_MIRROR:-http://deb.debian.org/debian}" \
		/usr/share/keyrings/debian-archive-keyring.gpg \
		"${FLOWTRACE_MIRROR:-http://deb.debian.org/debian}" >"$dir/sources.list"
	quietly apt-get -q -o Dir::Etc::sourcelist="$dir/sources.list" -o Dir::Etc::sourceparts=- \
		-o Dir::State::lists="$dir/lists" -o APT::Sandbox::User=root "$@"
}

cluster_tools() {
	local dir=$FLOWTRACE_CLUSTER/debs file
	! cluster_has_tools || return 0
	say "fetching containerd, etcd and Go into $FLOWTRACE_CLUSTER"
	rm -rf "$FLOWTRACE_CLUSTER/tools" "$dir"
	mkdir -p "$dir" "$FLOWTRACE_CLUSTER/tools"
	# shellcheck disable=SC2086 # lists
	cluster_apt update && (cd "$dir" && cluster_apt download $CLUSTER_PACKAGES $CLUSTER_GO_PACKAGES) ||
		return 1
	for file in "$dir"/*.deb; do dpkg -x "$file" "$FLOWTRACE_CLUSTER/tools" || return 1; done
	rm -rf "$dir"
	echo "$CLUSTER_PACKAGES $CLUSTER_GO_PACKAGES" >"$FLOWTRACE_CLUSTER/tools/.whole"
}

# Kubernetes' own copy of reflect2 does not link with Go 1.18 and later; Debian's does.
cluster_source() {
	local dir=$FLOWTRACE_CLUSTER/source path=$FLOWTRACE_CLUSTER/gopath/src/k8s.io
	local reflect=vendor/github.com/modern-go/reflect2
	[ ! -e "$path/kubernetes" ] || return 0
	! cluster_has_programs || return 0
	say "fetching the source of Kubernetes"
	rm -rf "$dir" && mkdir -p "$dir" "$path" &&
		(cd "$dir" && cluster_apt --download-only source kubernetes) &&
		tar -xzf "$dir"/kubernetes_*.orig.tar.gz -C "$dir" && rm -f "$dir"/kubernetes_* &&
		mv "$dir"/* "$dir/tree" && rm -r "${dir:?}/tree/$reflect" &&
		cp -r "$FLOWTRACE_CLUSTER/tools/usr/share/gocode/src/github.com/modern-go/reflect2" \
			"$dir/tree/$reflect" && ln -s "$dir/tree" "$path/kubernetes"
}

# go in the tree, without the network.
cluster_go() {
	local root=$FLOWTRACE_CLUSTER/tools/usr/lib/go-1.19
	(cd "$FLOWTRACE_CLUSTER/gopath/src/k8s.io/kubernetes" &&
		env GOROOT="$root" GOPATH="$FLOWTRACE_CLUSTER/gopath" GOCACHE="$FLOWTRACE_CLUSTER/gocache" \
			GO111MODULE=off CGO_ENABLED=0 GOFLAGS= GOPROXY=off nice "$root/bin/go" "$@")
}

cluster_program() {
	local package=$1 name v flags="-s -w"
	name=$(basename "$package")
	[ ! -x "$FLOWTRACE_CLUSTER/bin/$name" ] || return 0
	for v in component-base/version client-go/pkg/version; do
		v=k8s.io/kubernetes/vendor/k8s.io/$v
		flags+=" -X $v.gitVersion=v1.20.2 -X $v.gitMajor=1 -X $v.gitMinor=20"
		flags+=" -X $v.gitTreeState=clean"
	done
	say "compiling $name"
	quietly cluster_go build -o "$FLOWTRACE_CLUSTER/bin/$name" -ldflags "$flags" "$package"
}

# The description of the API, which upstream's own makefile generates before it compiles.
cluster_openapi() {
	local dirs tree=$FLOWTRACE_CLUSTER/gopath/src/k8s.io/kubernetes
	[ ! -x "$FLOWTRACE_CLUSTER/bin/kube-apiserver" ] || return 0
	[ ! -s "$tree/pkg/generated/openapi/zz_generated.openapi.go" ] || return 0
	cluster_program k8s.io/kubernetes/vendor/k8s.io/kube-openapi/cmd/openapi-gen || return 1
	dirs=$(cd "$tree" && grep -rl '+k8s:openapi-gen=' --include=*.go staging/src/k8s.io pkg |
		xargs -n1 dirname | sort -u |
		sed -e 's#^staging/src/k8s.io/#k8s.io/kubernetes/vendor/k8s.io/#' \
			-e 's#^pkg/#k8s.io/kubernetes/pkg/#' |
		grep -vE 'sample|example|code-generator|test|gengo' | paste -sd,)
	say "generating the description of the API"
	(cd "$tree" && GOROOT=$FLOWTRACE_CLUSTER/tools/usr/lib/go-1.19 \
		GOPATH=$FLOWTRACE_CLUSTER/gopath GO111MODULE=off CGO_ENABLED=0 \
		PATH="$FLOWTRACE_CLUSTER/tools/usr/lib/go-1.19/bin:$PATH" \
		quietly "$FLOWTRACE_CLUSTER/bin/openapi-gen" -i "$dirs" -p k8s.io/kubernetes/pkg/generated/openapi \
		-O zz_generated.openapi -h hack/boilerplate/boilerplate.generatego.txt \
		-r "$FLOWTRACE_CLUSTER/violations")
}
