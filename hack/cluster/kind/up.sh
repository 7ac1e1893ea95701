#!/usr/bin/env bash
# CLUSTER=kind: a kind cluster with Envoy Gateway from its chart, Prometheus and Alertmanager; each step does only what is not done yet.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../choose.sh"
source "$here/../host/render.sh"

problems=()
docker_answers || problems+=("docker that answers: docker info")
for tool in kind kubectl helm curl; do command -v "$tool" >/dev/null || problems+=("$tool on the PATH"); done
if [ "${#problems[@]}" -gt 0 ]; then
    echo "error: the kind cluster cannot start here. Missing (or use CLUSTER=host):" >&2
    printf '  - %s\n' "${problems[@]}" >&2
    exit 1
fi
export KUBECONFIG=$run/kubeconfig

start_kind() {
    mkdir -p "$run"
    echo kind >"$run/chosen"
    if ! kind get clusters 2>/dev/null | grep -qx headgate; then
        say "creating the kind cluster"
        kind create cluster --name headgate --config "$checkout/kind-config.yaml" --wait 180s
    fi
    kind get kubeconfig --name headgate >"$run/kubeconfig" && chmod 600 "$run/kubeconfig"
}

start_gateway() {
    say "starting Envoy Gateway"
    local envoy_image=docker.io/envoyproxy/envoy:v$ENVOY_VERSION
    render "$here/../manifests/gateway.yaml" "$run/gateway.yaml"
    helm upgrade --install eg oci://docker.io/envoyproxy/gateway-helm --version "v$ENVOY_GATEWAY_VERSION" \
        --namespace envoy-gateway-system --create-namespace --wait --timeout 300s >"$run/helm.log" 2>&1 || { tail -20 "$run/helm.log" >&2 && exit 1; }
    kubectl apply --server-side -f "$run/gateway.yaml"
    kubectl --namespace gateways wait gateway public --for=condition=Programmed --timeout=300s
}

# The same scrape configuration as the host cluster's, with a ServiceAccount instead of a kubeconfig.
start_monitoring() {
    say "starting Prometheus"
    local alertmanager_address=alertmanager.monitoring.svc:9093 sd_access="" rules="/etc/prometheus/rules/*.yaml"
    render "$here/../manifests/prometheus.yml" "$run/prometheus.yml"
    render "$here/monitoring.yaml" "$run/monitoring.yaml"
    kubectl create namespace monitoring --dry-run=client -o yaml | kubectl apply --server-side -f -
    kubectl --namespace monitoring create configmap monitoring --dry-run=client -o yaml \
        --from-file="$run/prometheus.yml" --from-file="$here/../manifests/alertmanager.yml" | kubectl apply --server-side -f -
    kubectl apply --server-side -f "$run/monitoring.yaml"
    kubectl --namespace monitoring rollout status deployment prometheus --timeout=300s
    kubectl --namespace monitoring rollout status deployment alertmanager --timeout=300s
}

if [ -f "$run/up" ] && timeout 10 kubectl get --raw /readyz >/dev/null 2>&1; then
    say "the kind cluster is up already"
    exit 0
fi
start_kind
start_gateway
start_monitoring
touch "$run/up"
say "the kind cluster is up after $SECONDS s: gateway http://127.0.0.1:30080, Prometheus http://127.0.0.1:30090"
