# shellcheck shell=bash
# Sourced: cluster names, served to pods at the node's address.

dns_up() {
    kubectl apply --server-side -f "$here/config/access.yaml" >/dev/null
    render "$here/config/Corefile" "$run/Corefile"
    start coredns "$coredns_bin/coredns" -conf "$run/Corefile"
    wait_for 30 "cluster DNS" coredns curl -fsS "http://$node_ip:8181/ready"
}
