# shellcheck shell=bash
# Sourced: the node's network namespace, its link to this machine, and the routes to Services and pods.

network_up() {
    if ! ip netns list | grep -qw "$netns"; then
        ip netns add "$netns"
        ip -n "$netns" link set lo up
    fi
    if ! ip link show "$host_link" >/dev/null 2>&1; then
        ip link add "$host_link" type veth peer name eth0 netns "$netns"
        ip address add "$host_ip/24" dev "$host_link"
        ip link set "$host_link" up
        ip -n "$netns" address add "$node_ip/24" dev eth0
        ip -n "$netns" link set eth0 up
        ip -n "$netns" route add default via "$host_ip"
        ip route replace "$service_cidr" via "$node_ip"
        ip route replace "$pod_cidr" via "$node_ip"
    fi
    nsenter --net="/run/netns/$netns" sysctl --quiet --write net.ipv4.ip_forward=1
}

# The link and the routes go with their end in the namespace, but not at once. `ip netns` mounts the folder of the names for good.
network_down() {
    ip link delete "$host_link" 2>/dev/null || true
    if ip netns list | grep -qw "$netns"; then ip netns delete "$netns"; fi
    if [ -d /run/netns ] && [ -z "$(ls -A /run/netns)" ]; then
        umount /run/netns 2>/dev/null || true
        rmdir --ignore-fail-on-non-empty /run/netns
    fi
}
