# shellcheck shell=bash
# Sourced: Envoy Gateway from its own chart, and the Gateway `public`.

gateway_programmed() {
    kubectl --namespace gateways wait gateway public --for=condition=Programmed --timeout=1s
}

gateway_up() {
    [ -f "$run/gateway.done" ] && return 0
    local envoy_image=headgate.local/envoy:$ENVOY_VERSION
    render "$here/config/gateway-values.yaml" "$run/gateway-values.yaml"
    render "$here/../manifests/gateway.yaml" "$run/gateway.yaml"
    helm upgrade --install eg "$gateway_chart" --namespace envoy-gateway-system --create-namespace \
        --values "$run/gateway-values.yaml" --wait --timeout 180s >"$logs/helm.log" 2>&1 || {
        kubectl --namespace envoy-gateway-system get pods,events >&2
        tail -20 "$logs/helm.log" >&2
        die "Envoy Gateway did not start"
    }
    kubectl apply --server-side -f "$run/gateway.yaml" >/dev/null
    wait_for 90 "the Gateway gateways/public to be programmed" - gateway_programmed || {
        kubectl --namespace envoy-gateway-system get pods >&2
        kubectl --namespace gateways get gateway public -o yaml | tail -40 >&2
        return 1
    }
    touch "$run/gateway.done"
}
