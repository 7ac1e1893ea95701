#!/usr/bin/env bash
# Brings up the host cluster; each step does only what is not done yet.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../choose.sh"
source "$here/settings.sh"
for part in process render network pki controlplane import node dns gateway monitoring; do
    # shellcheck source=/dev/null
    source "$here/$part.sh"
done
export PATH=$kubernetes_bin:$helm_bin:$PATH KUBECONFIG=$run/kubeconfig

all_run() {
    local name
    for name in etcd apiserver controller-manager scheduler containerd kubelet kube-proxy coredns prometheus alertmanager; do running "$name" || return 1; done
}

is_up() {
    [ -f "$run/up" ] && all_run && kubectl get --raw /readyz >/dev/null 2>&1 && node_ready && gateway_programmed >/dev/null 2>&1 && envoy_is_scraped
}

# import_in_background NAME...: sets $import to the id of the job that gives these images, as far as they are built, to the node.
import_in_background() {
    local name
    for name in "$@"; do
        if [ -f "$images/$name.digest" ]; then import_image "$name"; fi
    done >>"$logs/import.log" 2>&1 9>&- &
    import=$!
}

imported() { wait "$import" || { tail "$logs/import.log" >&2 && die "images could not be imported"; }; }

bring_up() {
    mkdir -p "$run" "$logs"
    echo host >"$run/chosen"
    network_up
    pki_up
    say "starting the node's processes (logs: $logs)"
    containerd_up
    import_in_background pause-1 "envoy-gateway-$ENVOY_GATEWAY_VERSION" "envoy-$ENVOY_VERSION"
    controlplane_up
    dns_up
    imported
    import_in_background model-server headgate # large, and not needed before the end
    kubelet_up
    monitoring_up
    wait_for 60 "the node to be Ready" kubelet node_ready
    say "starting Envoy Gateway"
    gateway_up
    wait_for 60 "Prometheus to scrape the gateway" prometheus envoy_is_scraped
    imported
    touch "$run/up"
}

# After a reboot, or where whatever started the processes took them along, pods and state belong to nobody.
left_over() { [ -d "$run" ] && ! running etcd && ! running apiserver && ! running containerd; }

if is_up; then
    say "the host cluster is up already"
else
    "$here/prepare.sh"
    if left_over; then
        say "the processes of an earlier cluster are gone: starting afresh"
        "$here/down.sh"
    fi
    bring_up
    say "the host cluster is up after $SECONDS s: gateway http://$node_ip:30080, Prometheus http://$node_ip:9090"
fi
