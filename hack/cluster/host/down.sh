#!/usr/bin/env bash
# Removes the host cluster: processes, pods, mounts, cgroups, links, and its state. Caches stay.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../choose.sh"
source "$here/settings.sh"
for part in process network node; do
    # shellcheck source=/dev/null
    source "$here/$part.sh"
done

[ "$(id -u)" = 0 ] || die "the host cluster runs as root: so must cluster-down"
if [ -d "$run" ]; then
    mkdir -p "$processes"
    say "removing the host cluster"
    rm -f "$run/up"
    node_down
    for name in prometheus alertmanager coredns scheduler controller-manager apiserver etcd; do stop "$name" 1; done
fi
network_down
rm -rf "$run"
say "the host cluster is gone"
