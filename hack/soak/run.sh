#!/usr/bin/env bash
# run.sh [OPTION]...: cluster, chart and load generator for the soak, then `python -m soak` for SOAK_MINUTES (60).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
hack/cluster/up.sh
eval "$(hack/cluster/env.sh)"
hack/cluster/install.sh
mkdir -p build/soak
(cd hack/load && CGO_ENABLED=0 go build -buildvcs=false -o "$root/build/load" .)
PYTHONPATH=hack exec .venv/bin/python -m soak --minutes "${SOAK_MINUTES:-60}" --gateway "$(hack/cluster/gateway-url.sh)" \
    --prometheus "$HEADGATE_PROMETHEUS_URL" --load build/load "$@"
