#!/usr/bin/env bash
# run.sh VERSION...: cluster, chart and traffic for the demo, then the demo itself.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
hack/cluster/up.sh
eval "$(hack/cluster/env.sh)"
hack/cluster/install.sh
(cd hack/load && CGO_ENABLED=0 go build -buildvcs=false -o "$root/build/load" .)
PYTHONPATH=hack exec .venv/bin/python -m demo "$@" --gateway "$(hack/cluster/gateway-url.sh)" --load build/load
