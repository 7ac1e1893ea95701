#!/usr/bin/env bash
# make cluster-down: removes the cluster and its state; binaries and image archives stay in the cache.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/choose.sh"

if [ "$cluster" = current ]; then
    say "CLUSTER=current: the cluster of your kubeconfig is not ours to remove"
    exit 0
fi
mkdir -p "$cache"
exec 9>"$cache/cluster.lock"
flock --timeout 3600 9
"$here/$cluster/down.sh"
