# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# hold.sh RUN FOLDER...: run in a network and a mount namespace of its own, makes both into those of a
# node, and sleeps. Each FOLDER of the machine is covered by one in RUN.
set -e
run=$1
shift
mount --make-rshared / # the kubelet asks for it; private to the machine, it was made so before
mount -t tmpfs -o mode=755 run /run
for folder in "$@"; do
	mkdir -p "$run/covered$folder"
	mount --bind "$run/covered$folder" "$folder"
done
ip link set lo up
ip address add 10.96.0.1/32 dev lo # the API server as pods know it; there is no kube-proxy
ip link add node0 type bridge # a dummy would do; not every kernel has them
ip address add 192.0.2.2/24 dev node0
ip link set node0 up
ip route add default via 192.0.2.1
exec sleep infinity
