#!/usr/bin/env bash
# Prints the URL at which this machine reaches the gateway `public` in the namespace `gateways`.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/choose.sh"

case $cluster in
    host)
        source "$here/host/settings.sh"
        echo "http://$node_ip:30080"
        ;;
    kind) echo "http://127.0.0.1:30080" ;;
    current)
        if [ -n "${HEADGATE_GATEWAY_URL:-}" ]; then
            echo "$HEADGATE_GATEWAY_URL"
        else
            address=$(kubectl --namespace gateways get gateway public -o jsonpath='{.status.addresses[0].value}')
            [ -n "$address" ] || die "the Gateway gateways/public reports no address: set HEADGATE_GATEWAY_URL"
            echo "http://$address"
        fi
        ;;
esac
