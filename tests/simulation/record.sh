#!/usr/bin/env bash
# record.sh [all | schemas | situations | operator | rollout]: makes the recordings of tests/simulation anew on the test bed (make cluster-up).
# Takes some minutes. A release of the chart that was there before comes back at the end.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
eval "$(hack/cluster/env.sh)"
export PYTHONPATH=operator:hack:.
record=(.venv/bin/python -m tests.simulation.record)
what=${1:-all}

"${record[@]}" schemas
if [ "$what" = schemas ]; then exit 0; fi

# Definitions, rights and policies, but no operator in the cluster: it runs here, behind the recording proxy.
before=$(helm history headgate --namespace headgate-system --max 1 --output json 2>/dev/null | sed -n 's/.*"revision":\([0-9]*\).*/\1/p')
finish() {
    kubectl delete namespace lending --ignore-not-found --wait=false >/dev/null
    if [ -n "$before" ]; then
        helm rollback headgate "$before" --namespace headgate-system >/dev/null
    else
        helm uninstall headgate --namespace headgate-system >/dev/null
    fi
}
trap finish EXIT
helm upgrade --install headgate charts/headgate --namespace headgate-system --create-namespace --take-ownership \
    --set replicas=1 --set environment=testbed --set image.tag=none >/dev/null
kubectl scale deployment headgate --namespace headgate-system --replicas=0 >/dev/null
kubectl wait pod --selector app.kubernetes.io/name=headgate --namespace headgate-system --for=delete --timeout=60s >/dev/null
kubectl wait --for=condition=Established crd/aimodels.headgate.dev --timeout=30s >/dev/null

case $what in all | situations) "${record[@]}" situations ;; esac
case $what in all | operator)
    kubectl delete namespace lending --ignore-not-found >/dev/null
    "${record[@]}" operator operator tests/simulation/situations/operator.sh
    ;;
esac
case $what in all | rollout)
    hack/cluster/images.sh model >/dev/null
    mkdir -p build
    (cd hack/load && CGO_ENABLED=0 go build -buildvcs=false -o "$root/build/load" .)
    "${record[@]}" operator rollout .venv/bin/python -m demo v2 v4 --gateway "$(hack/cluster/gateway-url.sh)" --load build/load
    ;;
esac
