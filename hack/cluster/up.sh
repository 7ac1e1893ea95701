#!/usr/bin/env bash
# make cluster-up: brings up the chosen cluster; its last line is the one to paste into a shell.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/choose.sh"

if [ "$cluster" != current ]; then
    mkdir -p "$cache"
    exec 9>"$cache/cluster.lock"
    flock --nonblock 9 || { say "another cluster-up or cluster-down is running, waiting for it" && flock --timeout 3600 9; }
fi
up=$(cat "$run/chosen" 2>/dev/null || true)
if [ "$cluster" != current ] && [ -n "$up" ] && [ "$up" != "$cluster" ]; then
    die "a cluster of kind '$up' is up: CLUSTER=$up make cluster-down first"
fi
"$here/$cluster/up.sh"
CLUSTER=$cluster "$here/env.sh" | tail -1
