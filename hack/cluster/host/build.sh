#!/usr/bin/env bash
# Builds the cluster's Go binaries into the cache; a binary that is there already is not built again.
#
# `go install module@version` cannot build these programs: their go.mod files have replace blocks, which count only in the
# main module. So each is built through a generated wrapper module that repeats the replace block.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../choose.sh"
source "$here/settings.sh"
build=$cache/build
mkdir -p "$build"
export CGO_ENABLED=0 GOFLAGS=-trimpath

# source_of MODULE VERSION: where its files lie in the module cache.
source_of() { go mod download -json "$1@v$2" | python3 -c 'import json,sys; print(json.load(sys.stdin)["Dir"])'; }

# module_file DIR MODULE VERSION: a new module in DIR that depends on MODULE and replaces what MODULE replaces. Modules that lie inside
# MODULE are published as well: those of Kubernetes under v0, others under its own version.
module_file() {
    local dir=$1 module=$2 version=$3 source
    rm -rf "$dir" && mkdir -p "$dir"
    source=$(cd "$dir" && source_of "$module" "$version")
    {
        echo "module headgate.dev/testbed/build"
        grep -E '^(go|godebug) [^(]' "$source/go.mod"
        awk '/^godebug \(/,/^\)/' "$source/go.mod"
        echo "require $module v$version"
        awk '/^replace \(/,/^\)/' "$source/go.mod"
        grep -E '^replace [^(]' "$source/go.mod" || true
    } | sed -e "s#=> \./staging/src/\(.*\)\$#=> \1 v0.${version#*.}#" -e '\#=> \./[^/]*$#d' >"$dir/go.mod"
}

# wrapper DIR MODULE VERSION MAIN_PACKAGE...: a module in DIR whose main packages are those of MODULE.
wrapper() {
    local dir=$1 package
    module_file "$1" "$2" "$3"
    shift 3
    {
        printf '//go:build tools\n\npackage tools\n\n'
        for package in "$@"; do echo "import _ \"$package\""; done
    } >"$dir/tools.go"
    (cd "$dir" && go mod tidy) >"$dir/tidy.log" 2>&1 || { tail -20 "$dir/tidy.log" >&2; return 1; }
}

# compile DIR OUT_DIR LDFLAGS TAGS MAIN_PACKAGE...: one line of progress per binary.
compile() {
    local dir=$1 out=$2 ldflags=$3 tags=$4 package name started
    shift 4
    mkdir -p "$out"
    for package in "$@"; do
        name=${package##*/}
        started=$SECONDS
        printf '  building %-24s ' "$name"
        (cd "$dir" && go build -tags "$tags" -ldflags "-s -w $ldflags" -o "$out/.$name" "$package")
        mv "$out/.$name" "$out/$name" # a binary under its final name is a complete one
        echo "$((SECONDS - started)) s"
    done
}

# begin WHAT EXPECTATION: says that a long step starts, and what it will take.
begin() { say "building $1 from source, once ($2 on two cores)"; }

# missing OUT_DIR NAME...: true when one of the binaries is not there.
missing() {
    local out=$1 name
    shift
    for name in "$@"; do [ -x "$out/$name" ] || return 0; done
    return 1
}

kubernetes() {
    local out=$kubernetes_bin names=(kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl)
    missing "$out" "${names[@]}" || return 0
    local v=k8s.io/component-base/version c=k8s.io/client-go/pkg/version minor
    minor=$(cut -d. -f2 <<<"$KUBERNETES_VERSION")
    begin "Kubernetes $KUBERNETES_VERSION" "about 8 minutes"
    wrapper "$build/kubernetes" k8s.io/kubernetes "$KUBERNETES_VERSION" "${names[@]/#/k8s.io/kubernetes/cmd/}"
    compile "$build/kubernetes" "$out" \
        "-X $v.gitVersion=v$KUBERNETES_VERSION -X $v.gitMajor=1 -X $v.gitMinor=$minor -X $c.gitVersion=v$KUBERNETES_VERSION" "" \
        "${names[@]/#/k8s.io/kubernetes/cmd/}"
}

coredns() {
    local out=$coredns_bin
    missing "$out" coredns || return 0
    begin "CoreDNS $COREDNS_VERSION" "about 2 minutes"
    wrapper "$build/coredns" github.com/coredns/coredns "$COREDNS_VERSION" github.com/coredns/coredns
    # The stock main package carries every plugin; ours carries the seven that cluster DNS needs.
    mkdir -p "$build/coredns/cmd/coredns"
    cp "$here/coredns.go.txt" "$build/coredns/cmd/coredns/main.go"
    rm "$build/coredns/tools.go"
    (cd "$build/coredns" && go mod tidy) >>"$build/coredns/tidy.log" 2>&1
    compile "$build/coredns" "$out" "" "" ./cmd/coredns
}

envoy_gateway() {
    local out=$envoy_gateway_bin package=github.com/envoyproxy/gateway/cmd/envoy-gateway
    if missing "$out" envoy-gateway; then
        begin "Envoy Gateway $ENVOY_GATEWAY_VERSION" "about 6 minutes"
        wrapper "$build/envoy-gateway" github.com/envoyproxy/gateway "$ENVOY_GATEWAY_VERSION" "$package"
        compile "$build/envoy-gateway" "$out" "" "" "$package"
    fi
    [ -f "$gateway_chart/values.yaml" ] || gateway_chart
}

# The chart lies in the module as a template whose values name the image.
gateway_chart() {
    local source
    source=$(source_of github.com/envoyproxy/gateway "$ENVOY_GATEWAY_VERSION")
    rm -rf "$gateway_chart" && mkdir -p "${gateway_chart%/*}"
    cp -r "$source/charts/gateway-helm" "$gateway_chart"
    chmod -R u+w "$gateway_chart"
    # shellcheck disable=SC2016 # these names are the template's
    sed -e "s#\${GatewayImage}#headgate.local/envoy-gateway:$ENVOY_GATEWAY_VERSION#" -e 's#\${GatewayImagePullPolicy}#IfNotPresent#' \
        "$gateway_chart/values.tmpl.yaml" >"$gateway_chart/.values.yaml"
    mv "$gateway_chart/.values.yaml" "$gateway_chart/values.yaml"
}

prometheus() {
    local out=$prometheus_bin cmd=github.com/prometheus/prometheus/cmd
    missing "$out" prometheus promtool || return 0
    begin "Prometheus $PROMETHEUS_RELEASE" "about 4 minutes"
    wrapper "$build/prometheus" github.com/prometheus/prometheus "$PROMETHEUS_VERSION" "$cmd/prometheus" "$cmd/promtool"
    compile "$build/prometheus" "$out" "" remove_all_sd,enable_kubernetes_sd "$cmd/prometheus" "$cmd/promtool"
}

# Flux's controllers, for hack/gitops alone. `go mod tidy` would ask for what their tests need, and not all of that is to be had: so their
# modules are completed while they are built.
flux() {
    local name out=$flux_bin
    missing "$out" source-controller kustomize-controller || [ ! -d "$out/crds" ] || return 0
    begin "Flux $FLUX_VERSION" "perhaps 15 minutes"
    mkdir -p "$out/crds"
    for name in source-controller kustomize-controller; do
        module_file "$build/$name" "github.com/fluxcd/$name" "$FLUX_VERSION"
        if [ "$name" = source-controller ]; then
            echo "replace github.com/fluxcd/pkg/artifact => github.com/fluxcd/pkg/artifact v$FLUX_ARTIFACT_VERSION" >>"$build/$name/go.mod"
        fi
        GOFLAGS="$GOFLAGS -mod=mod" compile "$build/$name" "$out" "" "" "github.com/fluxcd/$name"
        cp "$(source_of "github.com/fluxcd/$name" "$FLUX_VERSION")"/config/crd/bases/*.yaml "$out/crds/"
    done
    chmod -R u+w "$out/crds"
}

# Argo CD's application controller and repository server in one binary, for hack/gitops alone, and what they call: kustomize and a cache.
# Completed while it is built, as Flux's controllers are.
argocd() {
    local module=github.com/argoproj/argo-cd common=github.com/argoproj/argo-cd/v3/common source
    if missing "$argocd_bin" argocd || [ ! -d "$argocd_bin/rbac" ]; then
        begin "Argo CD $ARGOCD_VERSION" "perhaps 15 minutes"
        module_file "$build/argocd" "$module/v3" "$ARGOCD_VERSION"
        echo "replace $module/gitops-engine => $module/gitops-engine v$ARGOCD_ENGINE_VERSION" >>"$build/argocd/go.mod"
        rm -rf "$argocd_bin"
        mkdir -p "$build/argocd/cmd/argocd" "$argocd_bin/crds"
        cp "$here/argocd.go.txt" "$build/argocd/cmd/argocd/main.go"
        GOFLAGS="$GOFLAGS -mod=mod" compile "$build/argocd" "$argocd_bin" "-X $common.version=$ARGOCD_VERSION" "" ./cmd/argocd
        source=$(source_of "$module/v3" "$ARGOCD_VERSION")
        cp "$source"/manifests/crds/{application,appproject}-crd.yaml "$argocd_bin/crds/"
        install -m 755 "$source/hack/git-verify-wrapper.sh" "$argocd_bin"
        cp -r "$source/manifests/base/config" "$argocd_bin/config"
        cp -r "$source/manifests/cluster-rbac/application-controller" "$argocd_bin/rbac"
        chmod -R u+w "$argocd_bin"
    fi
    if missing "$kustomize_bin" kustomize; then
        say "building kustomize $KUSTOMIZE_VERSION"
        GOBIN=$kustomize_bin go install -ldflags "-s -w -X sigs.k8s.io/kustomize/api/provenance.version=v$KUSTOMIZE_VERSION" \
            "sigs.k8s.io/kustomize/kustomize/v5@v$KUSTOMIZE_VERSION"
    fi
    "$here/fetch.sh" valkey
}

for part in "${@:-kubernetes coredns envoy_gateway prometheus}"; do
    for one in $part; do "$one"; done
done
