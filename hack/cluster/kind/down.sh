#!/usr/bin/env bash
# Removes the kind cluster and its kubeconfig.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../choose.sh"

command -v kind >/dev/null || die "kind is not on the PATH: the cluster 'headgate' cannot be removed"
kind delete cluster --name headgate
rm -rf "$run"
