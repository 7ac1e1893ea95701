#!/usr/bin/env bash
# CLUSTER=current: changes nothing; says everything that the cluster of your kubeconfig lacks.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../choose.sh"

problems=()
for tool in kubectl helm curl; do command -v "$tool" >/dev/null || problems+=("$tool on the PATH"); done
if ! command -v kubectl >/dev/null || ! timeout 20 kubectl get --raw /readyz >/dev/null 2>&1; then
    problems+=("a cluster that answers: kubectl get --raw /readyz (is KUBECONFIG right?)")
else
    for resource in gateways.gateway.networking.k8s.io httproutes.gateway.networking.k8s.io; do
        kubectl get crd "$resource" >/dev/null 2>&1 || problems+=("the Gateway API's $resource: install Envoy Gateway $ENVOY_GATEWAY_VERSION or the Gateway API CRDs")
    done
    kubectl get gatewayclass -o jsonpath='{.items[*].spec.controllerName}' 2>/dev/null | grep -q gateway.envoyproxy.io \
        || problems+=("a GatewayClass of Envoy Gateway (controllerName gateway.envoyproxy.io/gatewayclass-controller)")
    kubectl --namespace gateways get gateway public >/dev/null 2>&1 \
        || problems+=("the Gateway gateways/public, HTTP on port 80, routes from all namespaces: see hack/cluster/manifests/gateway.yaml")
fi
if [ -z "${HEADGATE_PROMETHEUS_URL:-}" ]; then
    problems+=("HEADGATE_PROMETHEUS_URL: where this machine reaches the cluster's Prometheus")
elif ! curl -fsS --max-time 10 "$HEADGATE_PROMETHEUS_URL/-/ready" >/dev/null 2>&1; then
    problems+=("a Prometheus that answers at HEADGATE_PROMETHEUS_URL=$HEADGATE_PROMETHEUS_URL")
fi
if [ "${#problems[@]}" -gt 0 ]; then
    echo "error: the current cluster ($(kubectl config current-context 2>/dev/null || echo none)) cannot be used yet. Missing:" >&2
    printf '  - %s\n' "${problems[@]}" >&2
    exit 1
fi
say "the current cluster has what is needed: $(kubectl config current-context)"
