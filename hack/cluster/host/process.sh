# shellcheck shell=bash
# Sourced: processes of the host cluster, known by pid file.
#
# For each NAME there is $processes/NAME.command (its arguments, one quoted line) and, while it was started and not stopped,
# $processes/NAME.pid ("pid start-time": a pid that the kernel gave to another program later is never mistaken for ours).

# start_time PID: in clock ticks since boot; field 22 of stat, counted after the command name, which may hold spaces.
start_time() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

# running NAME: true while the process that we started lives.
running() {
    local pid ticks
    read -r pid ticks 2>/dev/null <"$processes/$1.pid" || return 1
    [ -n "$ticks" ] && [ "$(start_time "$pid")" = "$ticks" ] && ! grep -q '^State:.Z' "/proc/$pid/status"
}

pid_of() { cut -d' ' -f1 "$processes/$1.pid"; }

# start NAME COMMAND...: runs it in the node's network namespace, in a session of its own, log in $logs/NAME.log.
start() {
    local name=$1
    shift
    mkdir -p "$processes" "$logs"
    printf '%q ' "$@" >"$processes/$name.command"
    launch "$name"
}

# launch NAME: starts it with the recorded arguments unless it runs.
launch() {
    local name=$1 pid
    local -a command
    running "$name" && return 0
    eval "command=($(cat "$processes/$name.command"))"
    # nsenter, not `ip netns exec`: that one mounts a new /sys, which hides the cgroups from kubelet.
    setsid nsenter --net="/run/netns/$netns" "${command[@]}" </dev/null >>"$logs/$name.log" 2>&1 9>&- &
    pid=$!
    disown
    echo "$pid $(start_time "$pid")" >"$processes/$name.pid"
}

# stop NAME [SECONDS]: TERM, and KILL after that time (10); returns when it is gone.
stop() {
    local name=$1 patience=${2:-10} pid i
    if running "$name"; then
        pid=$(pid_of "$name")
        kill -CONT "$pid" 2>/dev/null || true
        kill -TERM "$pid" 2>/dev/null || true
        for ((i = 0; i < patience * 10; i++)); do
            running "$name" || break
            sleep 0.1
        done
        if running "$name"; then kill -KILL "$pid" 2>/dev/null || true; fi
        while running "$name"; do sleep 0.05; done
    fi
    rm -f "$processes/$name.pid"
}

# wait_for SECONDS WHAT LOG COMMAND...: until COMMAND succeeds; on time-out says what was waited for and shows the log's tail.
# LOG names a process of ours, or is `-`.
wait_for() {
    local seconds=$1 what=$2 log=$3 deadline
    shift 3
    deadline=$((SECONDS + seconds))
    until "$@" >/dev/null 2>&1; do
        if [ "$SECONDS" -ge "$deadline" ]; then
            echo "error: after $seconds s still waiting for $what" >&2
            if [ "$log" != - ]; then
                echo "--- the end of $logs/$log.log" >&2
                tail -n 25 "$logs/$log.log" >&2
            fi
            return 1
        fi
        if [ "$log" != - ] && [ -f "$processes/$log.pid" ] && ! running "$log"; then
            echo "error: $log ended while waiting for $what; the end of $logs/$log.log:" >&2
            tail -n 25 "$logs/$log.log" >&2
            return 1
        fi
        sleep 0.2
    done
}
