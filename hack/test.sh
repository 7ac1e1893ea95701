#!/usr/bin/env bash
# Everything that `make test` proves, the quick parts first. The cluster is started if it is not up, and left up.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
pytest=.venv/bin/pytest

needs() {
    command -v "$1" >/dev/null || missing+=("$1: $2")
}
missing=()
needs go "the Go toolchain builds the test bed and the model server"
if [ "${CLUSTER:-}" != current ] && ! docker info >/dev/null 2>&1 && [ "$(id -u)" -ne 0 ]; then
    missing+=("docker or root: the tests run on a real cluster, made by kind or from host processes (make check needs neither)")
fi
if [ ${#missing[@]} -gt 0 ]; then
    printf 'make test cannot run here. Missing:\n' >&2
    printf '  - %s\n' "${missing[@]}" >&2
    exit 1
fi

echo "==> Go: model server and load generator"
for module in examples/model-server hack/load hack/faultproxy hack/gitserver; do
    (cd "$module" && go vet ./... && go test ./...)
done

echo "==> Python without a cluster"
"$pytest" -q -n auto -m 'not cluster and not e2e and not simulation and not statistics'

mkdir -p build
echo "==> simulation and statistics, in the time that nothing else wants (build/background.log)"
# In a session of its own: where the kernel shares time out by session first, the idle class alone would yield to this one only.
HEADGATE_TRACES=${HEADGATE_TRACES:-1000} setsid bash -c '{ echo 19 >/proc/self/autogroup; } 2>/dev/null; exec chrt --idle 0 "$@"' background \
    "$pytest" -q -m "simulation or statistics" --timeout=3600 >build/background.log 2>&1 &
background=$!
trap 'kill "$background" 2>/dev/null || true' EXIT

echo "==> cluster"
hack/cluster/up.sh
eval "$(hack/cluster/env.sh)"
hack/cluster/install.sh
(cd hack/load && CGO_ENABLED=0 go build -buildvcs=false -o "$root/build/load" .)

echo "==> the chart, its alerts and the example repository, with the cluster's helm, promtool, Prometheus, Alertmanager and kubectl"
"$pytest" -q tests/unit/chart tests/alerts tests/unit/gitops

echo "==> against the real API server, then with real pods and traffic"
"$pytest" -q -m "(cluster or e2e) and not long" --durations=15

echo "==> simulation and statistics"
if ! wait "$background"; then
    cat build/background.log
    exit 1
fi
grep -E "traces|passed" build/background.log
