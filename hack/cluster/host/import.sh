# shellcheck shell=bash
# Sourced after settings.sh: images of the cache into the node's containerd.

ctr_node() { ctr --address "$containerd_socket" --namespace k8s.io "$@"; }

# import_image NAME: gives $images/NAME.tar to the node unless all its references are there with this content; without a node, nothing.
import_image() {
    local name=$1 digest reference references present
    [ -S "$containerd_socket" ] || return 0
    digest=$(cat "$images/$name.digest")
    present=$(ctr_node images list)
    read -ra references < <(sed 's/.* -- //' "$images/$name.arguments")
    for reference in "${references[@]}"; do
        if ! grep -q "^$reference .* $digest " <<<"$present"; then
            ctr_node images import "$(archive_for_node "$name")" >/dev/null
            return 0
        fi
    done
}

# archive_for_node NAME: the archive without its lower layers when the node has those: a change of code is then small.
archive_for_node() {
    local lower=$images/$1.lower
    if [ -f "$lower" ] && ctr_node content list --quiet | grep -xF -f "$lower" | sort -u | cmp -s - <(sort -u "$lower"); then
        echo "$images/$1.top.tar"
    else
        echo "$images/$1.tar"
    fi
}
