# shellcheck shell=bash
# Sourced after choose.sh: addresses and folders of the host cluster. Nothing here starts anything.

netns=hg             # the node's network namespace
host_link=hg0        # the host's end of the veth pair
host_ip=10.99.0.1
node_ip=10.99.0.2
node_name=headgate-node
service_cidr=10.96.0.0/16
pod_cidr=10.98.0.0/16
cgroup=headgate      # parent of every pod's cgroup

pki=$run/pki
logs=$run/log
api_audit=$logs/api-audit.jsonl
processes=$run/processes
containerd_socket=$run/containerd/containerd.sock

kubernetes_bin=$cache/bin/kubernetes-$KUBERNETES_VERSION
coredns_bin=$cache/bin/coredns-$COREDNS_VERSION
envoy_gateway_bin=$cache/bin/envoy-gateway-$ENVOY_GATEWAY_VERSION
prometheus_bin=$cache/bin/prometheus-$PROMETHEUS_VERSION
envoy_bin=$cache/bin/envoy-$ENVOY_VERSION
flux_bin=$cache/bin/flux-$FLUX_VERSION
argocd_bin=$cache/bin/argocd-$ARGOCD_VERSION
kustomize_bin=$cache/bin/kustomize-$KUSTOMIZE_VERSION
valkey_bin=$cache/bin/valkey-$VALKEY_VERSION
helm_bin=$cache/bin/helm-$HELM_VERSION
gateway_chart=$cache/charts/gateway-helm-$ENVOY_GATEWAY_VERSION
images=$cache/images
