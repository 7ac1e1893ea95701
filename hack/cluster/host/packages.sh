#!/usr/bin/env bash
# Checks at once for everything the host cluster needs from this machine; on Debian as root it installs what is missing.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../choose.sh"
source "$here/settings.sh"

# command or file : Debian package
needs=(
    etcd:etcd-server containerd:containerd runc:runc /usr/lib/cni/ptp:containernetworking-plugins conntrack:conntrack
    iptables:iptables ip:iproute2 nsenter:util-linux flock:util-linux mmdebstrap:mmdebstrap openssl:openssl curl:curl
    prometheus-alertmanager:prometheus-alertmanager python3:python3 unzip:unzip
)

there() {
    case $1 in
        /*) [ -e "$1" ] ;;
        *) command -v "$1" >/dev/null ;;
    esac
}

missing_packages() {
    local need
    for need in "${needs[@]}"; do there "${need%%:*}" || echo "${need##*:}"; done
    python3 -m pip --version >/dev/null 2>&1 || echo python3-pip
}

# Debian starts the services of a package it installs unless policy-rc.d forbids it; ours are started by ourselves.
install_packages() {
    local policy=/usr/sbin/policy-rc.d
    [ -e "$policy" ] && mv "$policy" "$policy.headgate"
    # shellcheck disable=SC2064 # the path is meant as it is now
    trap "rm -f $policy; [ -e $policy.headgate ] && mv $policy.headgate $policy || true" EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
    export DEBIAN_FRONTEND=noninteractive
    say "installing Debian packages: $*"
    timeout 300 apt-get update -qq
    timeout 900 apt-get install -qq -y --no-install-recommends "$@" >"$cache/apt.log" 2>&1 || {
        tail -20 "$cache/apt.log" >&2
        die "apt-get could not install: $*"
    }
}

# Kubernetes and its companions are built once, the model server whenever it changes.
go_is_missing() { ! command -v go >/dev/null || ! printf '%s\n' "go$GO_MINIMUM" "$(go env GOVERSION)" | sort -CV; }

problems=()
[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || problems+=("the host cluster runs on Linux x86_64 only: use CLUSTER=kind")
[ "$(id -u)" = 0 ] || problems+=("the host cluster needs root (network namespace, cgroups, mounts): run it as root, or install docker and kind")
if go_is_missing; then problems+=("Go $GO_MINIMUM or newer on the PATH, to build Kubernetes, CoreDNS, Envoy Gateway, Prometheus and the model server: https://go.dev/dl"); fi
mapfile -t packages < <(missing_packages | sort -u)
if [ "${#packages[@]}" -gt 0 ] && { [ ! -f /etc/debian_version ] || [ "$(id -u)" != 0 ]; }; then
    problems+=("these Debian packages (or their like): ${packages[*]}")
fi
if [ "${#problems[@]}" -gt 0 ]; then
    echo "error: the host cluster cannot start here. Missing:" >&2
    printf '  - %s\n' "${problems[@]}" >&2
    exit 1
fi
mkdir -p "$cache"
if [ "${#packages[@]}" -gt 0 ]; then install_packages "${packages[@]}"; fi
