#!/usr/bin/env bash
# Prints the shell lines that point kubectl, helm and the tests at the cluster: eval "$(hack/cluster/env.sh)"
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/choose.sh"

echo "export HEADGATE_CLUSTER=$cluster"
case $cluster in
    host)
        source "$here/host/settings.sh"
        echo "export PATH=$kubernetes_bin:$helm_bin:$prometheus_bin:\$PATH"
        echo "export HEADGATE_PROMETHEUS_URL=http://$node_ip:9090"
        echo "export HEADGATE_ALERTMANAGER_URL=http://$node_ip:9093"
        echo "export HEADGATE_API_AUDIT=$api_audit"
        echo "export KUBECONFIG=$run/kubeconfig"
        ;;
    kind)
        echo "export HEADGATE_PROMETHEUS_URL=http://127.0.0.1:30090"
        echo "export HEADGATE_ALERTMANAGER_URL=http://127.0.0.1:30093"
        echo "export KUBECONFIG=$run/kubeconfig"
        ;;
    current)
        if [ -n "${HEADGATE_PROMETHEUS_URL:-}" ]; then echo "export HEADGATE_PROMETHEUS_URL=$HEADGATE_PROMETHEUS_URL"; fi
        if [ -n "${KUBECONFIG:-}" ]; then echo "export KUBECONFIG=$KUBECONFIG"; fi
        ;;
esac
