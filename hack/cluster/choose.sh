# shellcheck shell=bash
# Sourced: which cluster is meant, and where its things lie.
#
# cluster   current (the kubeconfig in use) | kind | host (processes of this machine)
# cache     binaries, images and the state of the cluster; outside the checkout
# run       state of the host or kind cluster; cluster-down deletes it

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=versions.env
source "$checkout/hack/cluster/versions.env"
cache=${HEADGATE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/headgate}
run=$cache/cluster

docker_answers() { command -v docker >/dev/null && timeout 5 docker info >/dev/null 2>&1; }

# The variable CLUSTER decides; without it the cluster that is up; without one, kind where docker answers.
choose_cluster() {
    if [ -n "${CLUSTER:-}" ]; then
        echo "$CLUSTER"
    elif [ -f "$run/chosen" ]; then
        cat "$run/chosen"
    elif docker_answers; then
        echo kind
    else
        echo host
    fi
}

cluster=$(choose_cluster)
case $cluster in
    current | kind | host) ;;
    *) echo "CLUSTER=$cluster is not known: say current, kind or host" >&2 && exit 2 ;;
esac

say() { echo "==> $*"; }
die() { echo "error: $*" >&2 && exit 1; }
