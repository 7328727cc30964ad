# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Starts and ends the cluster. It has a network and a mount namespace of its own, which a process that
# sleeps holds, and a cgroup of its own: what is in that cgroup is what is ended. Its files are in
# $CLUSTER_RUN; folders of the machine that Kubernetes writes to are covered inside the namespace.

CLUSTER_RUN=$FLOWTRACE_CLUSTER/run
CLUSTER_CGROUP=flowtrace-cluster
CLUSTER_COVERED="/var/log /var/lib/cni /var/lib/flowtrace"
# What the kubelet sets, in the kernel of all.
CLUSTER_SYSCTLS="vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops
	kernel/keys/root_maxkeys kernel/keys/root_maxbytes"

cluster_up() {
	! cluster_runs || { say "the cluster runs already"; return 0; }
	cluster_down
	mkdir -p "$CLUSTER_RUN"/{pids,logs,covered,manifests,certs}
	cluster_keep_sysctls
	if ! { cluster_hold && cluster_configure && cluster_start_all && cluster_wait_ready; }; then
		tail -n 5 "$CLUSTER_RUN"/logs/* >&2
		cluster_down
		die "cluster: did not start"
	fi
	cluster_status
}

cluster_runs() {
	local pid
	pid=$(cat "$CLUSTER_RUN/pids/hold" 2>/dev/null) &&
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" = sleep ] &&
		grep -qs 'run/covered/' "/proc/$pid/mountinfo"
}

cluster_status() {
	cluster_runs || { cluster_is_built && say "built, does not run" || say "not built"; return 1; }
	"$CLUSTER_RUN/kubectl" get nodes
	echo "$CLUSTER_RUN/kubectl is kubectl for it"
}

# ---- the namespaces -------------------------------------------------------------------------------

# The hierarchies of cgroups, each with a folder of its own per control group.
cluster_hierarchies() { awk '$3 ~ /^cgroup2?$/ { print $2 }' /proc/mounts; }

cluster_hold() {
	local top made=""
	for top in $CLUSTER_COVERED; do
		[ -d "$top" ] || { mkdir -p "$top" && made+="$top "; }
	done
	echo "$made" >"$CLUSTER_RUN/made"
	for top in $(cluster_hierarchies); do mkdir -p "$top/$CLUSTER_CGROUP/daemons" || return 1; done
	for top in $(cluster_hierarchies); do
		case $top in
		*cpuset*) for file in cpus mems; do
			cat "$top/cpuset.$file" >"$top/$CLUSTER_CGROUP/cpuset.$file"
			cat "$top/cpuset.$file" >"$top/$CLUSTER_CGROUP/daemons/cpuset.$file"
		done ;;
		esac
	done
	setsid unshare --net --mount --propagation private bash scripts/cluster/hold.sh \
		"$CLUSTER_RUN" $CLUSTER_COVERED >"$CLUSTER_RUN/logs/hold" 2>&1 &
	echo $! >"$CLUSTER_RUN/pids/hold"
	for _ in $(seq 50); do
		! cluster_runs || return 0
		sleep 0.1
	done
	return 1
}

# Runs a command inside.
cluster_inside() {
	PATH=$FLOWTRACE_CLUSTER/bin:$FLOWTRACE_CLUSTER/tools/usr/bin:$FLOWTRACE_CLUSTER/tools/usr/sbin:$PATH \
		AWS_EC2_METADATA_DISABLED=true \
		nsenter --target "$(cat "$CLUSTER_RUN/pids/hold")" --net --mount -- "$@"
}

# cluster_start NAME COMMAND...: a daemon, in the cgroup.
cluster_start() {
	local name=$1
	shift
	(
		for top in $(cluster_hierarchies); do
			echo "$BASHPID" >"$top/$CLUSTER_CGROUP/daemons/cgroup.procs"
		done
		cluster_inside setsid "$@" </dev/null >"$CLUSTER_RUN/logs/$name" 2>&1 &
		echo $! >"$CLUSTER_RUN/pids/$name"
	)
}

# ---- the end --------------------------------------------------------------------------------------

# The processes of the cgroup, which the daemons and all containers are in.
cluster_pids() {
	local top
	for top in $(cluster_hierarchies); do
		[ ! -d "$top/$CLUSTER_CGROUP" ] ||
			find "$top/$CLUSTER_CGROUP" -name cgroup.procs -exec cat {} + 2>/dev/null
	done | sort -un
}

cluster_down() {
	local pid top
	[ -d "$CLUSTER_RUN" ] || return 0
	# The kubelet first, which would start containers again; then no new ones can come.
	for pid in kubelet containerd; do
		! cluster_is_ours "$pid" || kill -KILL "$(cat "$CLUSTER_RUN/pids/$pid")" || true
	done
	for _ in $(seq 50); do
		[ -n "$(cluster_pids)" ] || break
		for pid in $(cluster_pids); do kill -KILL "$pid" 2>/dev/null || true; done
		sleep 0.1
	done
	! cluster_runs || kill "$(cat "$CLUSTER_RUN/pids/hold")"
	for top in $(cluster_hierarchies); do
		[ ! -d "$top/$CLUSTER_CGROUP" ] ||
			find "$top/$CLUSTER_CGROUP" -depth -type d -exec rmdir {} + 2>/dev/null || true
	done
	cluster_restore_sysctls
	# shellcheck disable=SC2046 # a list
	[ ! -s "$CLUSTER_RUN/made" ] || rmdir $(cat "$CLUSTER_RUN/made") 2>/dev/null || true
	rm -rf --one-file-system "$CLUSTER_RUN"
}

# Is the pid that a daemon had still of the cgroup?
cluster_is_ours() {
	local pid
	pid=$(cat "$CLUSTER_RUN/pids/$1" 2>/dev/null) && grep -q "/$CLUSTER_CGROUP/" "/proc/$pid/cgroup" 2>/dev/null
}

cluster_keep_sysctls() {
	local name
	for name in $CLUSTER_SYSCTLS; do
		[ ! -r "/proc/sys/$name" ] || echo "$name $(cat "/proc/sys/$name")"
	done >"$CLUSTER_RUN/sysctls"
}

cluster_restore_sysctls() {
	local name value
	[ -r "$CLUSTER_RUN/sysctls" ] || return 0
	while read -r name value; do
		[ "$(cat "/proc/sys/$name")" = "$value" ] || echo "$value" >"/proc/sys/$name" || true
	done <"$CLUSTER_RUN/sysctls"
}

# ---- what runs ------------------------------------------------------------------------------------

cluster_configure() {
	local file
	for file in containerd.toml kubelet.yaml kubeconfig.yaml bridge.conflist; do
		sed "s#@RUN@#$CLUSTER_RUN#g; s#@TOOLS@#$FLOWTRACE_CLUSTER/tools#g" \
			"scripts/cluster/$file" >"$CLUSTER_RUN/$file" || return 1
	done
	mv "$CLUSTER_RUN/kubeconfig.yaml" "$CLUSTER_RUN/kubeconfig"
	mkdir -p "$CLUSTER_RUN/cni" && mv "$CLUSTER_RUN/bridge.conflist" "$CLUSTER_RUN/cni/10-bridge.conflist"
	echo 'flowtrace-tests,admin,admin,"system:masters"' >"$CLUSTER_RUN/tokens.csv"
	openssl genrsa -out "$CLUSTER_RUN/sa.key" 2048 2>/dev/null
	cluster_command kubectl --net "--kubeconfig $CLUSTER_RUN/kubeconfig"
	cluster_command ctr "--net --mount" "--address $CLUSTER_RUN/containerd.sock --namespace k8s.io"
}

# cluster_command NAME NAMESPACES OPTIONS: a command for people and tests, which runs inside.
cluster_command() {
	cat >"$CLUSTER_RUN/$1" <<-END
		#!/bin/sh
		exec nsenter --target "\$(cat $CLUSTER_RUN/pids/hold)" $2 -- $FLOWTRACE_CLUSTER/tools/usr/bin/$1 $3 "\$@"
	END
	chmod 755 "$CLUSTER_RUN/$1"
}

cluster_start_all() {
	cluster_start etcd etcd --data-dir "$CLUSTER_RUN/etcd" --unsafe-no-fsync
	cluster_start containerd containerd --config "$CLUSTER_RUN/containerd.toml"
	cluster_start apiserver kube-apiserver --etcd-servers http://127.0.0.1:2379 --secure-port 443 \
		--bind-address 0.0.0.0 --advertise-address 192.0.2.2 --cert-dir "$CLUSTER_RUN/certs" \
		--service-account-issuer https://kubernetes.default.svc \
		--service-account-signing-key-file "$CLUSTER_RUN/sa.key" \
		--service-account-key-file "$CLUSTER_RUN/sa.key" --token-auth-file "$CLUSTER_RUN/tokens.csv" \
		--kubelet-preferred-address-types InternalIP --authorization-mode RBAC \
		--service-cluster-ip-range 10.96.0.0/16 --allow-privileged
	cluster_until 60 "$CLUSTER_RUN/kubectl" get --raw /readyz || return 1
	cluster_start controllers kube-controller-manager --kubeconfig "$CLUSTER_RUN/kubeconfig" \
		--service-account-private-key-file "$CLUSTER_RUN/sa.key" --leader-elect=false \
		--root-ca-file "$CLUSTER_RUN/certs/apiserver.crt" --cert-dir "$CLUSTER_RUN/certs" \
		--use-service-account-credentials
	cluster_start scheduler kube-scheduler --kubeconfig "$CLUSTER_RUN/kubeconfig" \
		--leader-elect=false --cert-dir "$CLUSTER_RUN/certs"
	cluster_images || return 1
	cluster_start kubelet kubelet --config "$CLUSTER_RUN/kubelet.yaml" --kubeconfig "$CLUSTER_RUN/kubeconfig" \
		--root-dir "$CLUSTER_RUN/kubelet" --cert-dir "$CLUSTER_RUN/certs" --hostname-override node0 \
		--node-ip 192.0.2.2 --container-runtime remote \
		--container-runtime-endpoint "unix://$CLUSTER_RUN/containerd.sock"
}

# The image that holds the namespaces of every pod.
cluster_images() {
	cluster_until 20 "$CLUSTER_RUN/ctr" version &&
		$PYTHON -B scripts/cluster/pause_image.py "$FLOWTRACE_CLUSTER/bin/pause" "$CLUSTER_RUN/pause" &&
		tar -C "$CLUSTER_RUN/pause" -cf "$CLUSTER_RUN/pause.tar" . &&
		quietly "$CLUSTER_RUN/ctr" images import "$CLUSTER_RUN/pause.tar"
}

cluster_wait_ready() {
	cluster_until 90 eval "$CLUSTER_RUN/kubectl get nodes | grep -q ' Ready '" &&
		cluster_until 30 "$CLUSTER_RUN/kubectl" get serviceaccount default
}

# cluster_until SECONDS COMMAND...: until it succeeds.
cluster_until() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || { echo "cluster: gave up waiting for: $*" >&2; return 1; }
		sleep 0.3
	done
}
