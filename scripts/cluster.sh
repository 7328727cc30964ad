# SPDX-License-Identifier: MIT
# shellcheck shell=bash
## ./dev cluster up|down|status
##                         a Kubernetes of one node for the tests, compiled from Debian's source the
##                         first time (two cores: 7 minutes); down ends all of it (root)

. scripts/packages.sh
. scripts/cluster/build.sh
. scripts/cluster/run.sh

cluster() {
	need_root cluster
	case "${1:-}" in
	up)
		install_packages $BUILD_PACKAGES $DEPLOY_PACKAGES
		cluster_build || die "cluster: could not be built"
		cluster_up
		;;
	down) cluster_down ;;
	status) cluster_status ;;
	*) die "cluster: up, down or status" ;;
	esac
}
