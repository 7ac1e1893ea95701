# shellcheck shell=bash
# Sourced: containerd, kubelet, kube-proxy; the cgroups, mounts and kernel settings that they leave behind.

# Kernel settings that kubelet changes for the whole machine; node_down puts back what was there.
kernel_settings=(vm.overcommit_memory vm.panic_on_oom kernel.panic kernel.panic_on_oops kernel.keys.root_maxkeys kernel.keys.root_maxbytes)

# cgroup_roots: the root of each hierarchy; one on cgroup v2.
cgroup_roots() {
    if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
        echo /sys/fs/cgroup
    else
        awk '$3 == "cgroup" || $3 == "cgroup2" {print $2}' /proc/mounts | grep '^/sys/fs/cgroup/' | sort -u
    fi
}

# kubelet wants its parent cgroup to exist, with every controller.
cgroups_up() {
    local root controller controllers file
    for root in $(cgroup_roots); do
        mkdir -p "$root/$cgroup"
        for file in cpuset.cpus cpuset.mems; do
            if [ -f "$root/$cgroup/$file" ] && [ ! -f "$root/cgroup.controllers" ]; then cat "$root/$file" >"$root/$cgroup/$file"; fi
        done
        if [ "$root" = /sys/fs/cgroup ]; then
            read -ra controllers <"$root/cgroup.controllers"
            for controller in "${controllers[@]}"; do
                echo "+$controller" >"$root/cgroup.subtree_control" 2>/dev/null || true
                echo "+$controller" >"$root/$cgroup/cgroup.subtree_control" 2>/dev/null || true
            done
        fi
    done
}

containerd_up() {
    render "$here/config/containerd.toml" "$run/containerd.toml"
    render "$here/config/cni.conflist" "$run/cni/10-headgate.conflist"
    mkdir -p "$run/containerd"
    start containerd containerd --config "$run/containerd.toml"
    wait_for 30 containerd containerd ctr_node version
}

kubelet_up() {
    [ -f "$run/kernel-settings" ] || sysctl "${kernel_settings[@]}" >"$run/kernel-settings"
    cgroups_up
    render "$here/config/kubelet.yaml" "$run/kubelet.yaml"
    echo "nameserver $node_ip" >"$run/resolv.conf"
    start kubelet "$kubernetes_bin/kubelet" --config="$run/kubelet.yaml" --kubeconfig="$run/kubelet.kubeconfig" \
        --hostname-override="$node_name" --node-ip="$node_ip" --root-dir="$run/kubelet" --v=1
    render "$here/config/kube-proxy.yaml" "$run/kube-proxy.yaml"
    start kube-proxy "$kubernetes_bin/kube-proxy" --config="$run/kube-proxy.yaml"
}

node_ready() { [ "$(kubectl get node "$node_name" -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}')" = True ]; }

# pod_processes: ids of everything in the pods' cgroups.
pod_processes() {
    local root
    for root in $(cgroup_roots); do
        if [ -d "$root/$cgroup" ]; then find "$root/$cgroup" -name cgroup.procs -exec cat {} + 2>/dev/null; fi
    done | sort -u
}

# shims: ids of the containerd shims that serve our socket; nobody else's have it among their arguments.
shims() {
    local folder arguments
    for folder in /proc/[0-9]*; do
        mapfile -d '' -t arguments 2>/dev/null <"$folder/cmdline" || continue
        [[ ${arguments[0]:-} == */containerd-shim* && " ${arguments[*]} " == *" $containerd_socket "* ]] && echo "${folder#/proc/}"
    done
    return 0
}

# kill_all LISTER: KILLs what LISTER prints until it prints nothing.
kill_all() {
    local ids i
    for ((i = 0; i < 100; i++)); do
        ids=$("$1")
        [ -n "$ids" ] || return 0
        # shellcheck disable=SC2086 # one id per word is meant
        kill -KILL $ids 2>/dev/null || true
        sleep 0.1
    done
    echo "error: these processes do not end: $ids" >&2
    return 1
}

unmount_all() {
    awk -v below="$run/" 'index($2, below) == 1 {print $2}' /proc/mounts | sort -r | while read -r point; do
        umount "$point" 2>/dev/null || umount --lazy "$point"
    done
}

remove_cgroups() {
    local root
    for root in $(cgroup_roots); do
        if [ -d "$root/$cgroup" ]; then find "$root/$cgroup" -depth -type d -exec rmdir {} \; ; fi
    done
}

# Traces outside of $run: links to pod logs, the CNI library's records of our pods, sockets, folders that stay empty.
remove_traces() {
    local address
    if [ -d /var/log/containers ]; then find /var/log/containers -lname "$run/*" -delete; fi
    if [ -d /var/lib/cni/results ]; then grep -rlZ --fixed-strings "$run/" /var/lib/cni/results | xargs -0r rm -f; fi
    for address in "$run"/containerd/state/*/k8s.io/*/address; do
        if [ -f "$address" ]; then rm -f "$(sed 's#^unix://##' "$address")"; fi
    done
    rm -f /var/lib/kubelet/device-plugins/kubelet.sock
    rmdir --parents --ignore-fail-on-non-empty /var/log/containers /var/lib/cni/results /var/lib/kubelet/device-plugins \
        /run/containerd/s 2>/dev/null || true
}

# Order: nothing may start again what was just killed.
node_down() {
    stop kubelet 1
    stop kube-proxy 1
    stop containerd 1
    kill_all pod_processes
    kill_all shims
    unmount_all
    remove_cgroups
    remove_traces
    if [ -f "$run/kernel-settings" ]; then sysctl --quiet --load="$run/kernel-settings"; fi
}
