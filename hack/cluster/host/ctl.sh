#!/usr/bin/env bash
# ctl.sh stop|start|pause|resume PROCESS: one process of the host cluster, for tests of outages. ctl.sh status: all of them.
# stop ends it, start runs it again with the same arguments; pause freezes it (SIGSTOP), resume lets it go on.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../choose.sh"
source "$here/settings.sh"
source "$here/process.sh"

list() { for command in "$processes"/*.command; do basename "$command" .command; done; }

action=${1:-} name=${2:-}
[ -d "$processes" ] || die "the host cluster is not up: make cluster-up CLUSTER=host"
if [ "$action" != status ] && { [ -z "$name" ] || [ ! -f "$processes/$name.command" ]; }; then
    die "which process? One of: $(list | paste -sd' ')"
fi
case $action in
    stop) stop "$name" ;;
    start) launch "$name" ;;
    pause) running "$name" && kill -STOP "$(pid_of "$name")" ;;
    resume) running "$name" && kill -CONT "$(pid_of "$name")" ;;
    status)
        for name in $(list); do
            if running "$name"; then echo "$name $(pid_of "$name")"; else echo "$name stopped"; fi
        done
        ;;
    *) die "ctl.sh stop|start|pause|resume PROCESS, or ctl.sh status" ;;
esac
