#!/usr/bin/env bash
# Gives an operator a model to release, to release otherwise before the first release is over, to halt, to repair and to let go.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
pause=${PAUSE:-8}
operator=(--as=system:serviceaccount:headgate-system:headgate --as-group=system:masters)

kubectl apply --server-side -f examples/policies/fast.yaml
kubectl create namespace lending
kubectl apply --server-side -f examples/models/credit-scorer.yaml
sleep "$pause"
# Another version: the first one goes.
kubectl patch aimodel credit-scorer -n lending --type=json -p '[
    {"op": "replace", "path": "/spec/version", "value": "v2"},
    {"op": "add", "path": "/spec/serving/deployment/template/spec/containers/0/env", "value": [{"name": "VERSION", "value": "v2"}]}]'
sleep "$pause"
# Edits of others are repaired, deleted objects made again, a refused edit of the route told.
kubectl label httproute credit-scorer -n lending headgate.dev/attempt=7 --overwrite "${operator[@]}"
kubectl delete service -n lending -l headgate.dev/model=credit-scorer
kubectl patch aimodel credit-scorer -n lending --type=json -p '[
    {"op": "replace", "path": "/spec/traffic/rules", "value": [{"matches": [{"path": {"type": "PathPrefix", "value": "no-slash"}}]}]}]'
sleep "$pause"
kubectl delete aimodel credit-scorer -n lending
sleep "$pause"
