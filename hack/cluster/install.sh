#!/usr/bin/env bash
# Builds the images of this checkout and installs the chart with them. Safe to repeat: nothing changes where nothing changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$here/../..
eval "$("$here/env.sh")"
mkdir -p "$root/build"
"$here/images.sh" model >/dev/null
image=${HEADGATE_IMAGE:-$("$here/images.sh" operator | tail -1)}
echo "==> installing the chart with $image"
helm upgrade --install headgate "$root/charts/headgate" --namespace headgate-system --create-namespace --take-ownership \
    --set image.repository="${image%:*}" --set image.tag="${image##*:}" \
    --set prometheus.url="${HEADGATE_CHART_PROMETHEUS_URL:-http://prometheus.monitoring.svc.cluster.local:9090}" \
    --set environment=testbed --wait --timeout 180s >"$root/build/helm.log" 2>&1 || {
    tail -20 "$root/build/helm.log" >&2
    kubectl get pods -n headgate-system >&2
    kubectl logs -n headgate-system -l app.kubernetes.io/name=headgate --tail=30 >&2 || true
    exit 1
}
