#!/usr/bin/env bash
# images.sh operator|model|all: builds our own images and gives them to the chosen cluster.
# The last line printed is the reference that names the last built image by its content.
set -euo pipefail
shopt -s inherit_errexit # a recipe that fails inside $(...) ends the script
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/choose.sh"
source "$here/host/settings.sh"

case ${1:-} in
    operator) wanted=(operator) ;;
    model) wanted=(model) ;;
    all) wanted=(model operator) ;;
    *) die "images.sh operator|model|all" ;;
esac

# From the Dockerfile; kind takes the image from docker, another cluster takes it from a registry that you push to.
with_docker() {
    docker_answers || die "docker does not answer: images for CLUSTER=$cluster are built with it"
    local repository id reference
    case $1 in
        operator)
            repository=headgate.local/headgate
            docker build --quiet --tag "$repository:dev" "$checkout" >/dev/null
            ;;
        model)
            repository=headgate.local/model-server
            docker build --quiet --tag "$repository:dev" "$checkout/examples/model-server" >/dev/null
            ;;
    esac
    id=$(docker image inspect --format '{{.Id}}' "$repository:dev")
    reference=$repository:sha-${id:7:12}
    docker tag "$repository:dev" "$reference"
    if [ "$cluster" = kind ]; then
        kind load docker-image --name headgate "$repository:dev" "$reference" >&2
    else
        echo "push $reference to a registry that your cluster reads, or load it there by hand" >&2
    fi
    echo "$reference"
}

on_host() {
    local reference
    reference=$("${1}_image")
    import_image "$([ "$1" = operator ] && echo headgate || echo model-server)"
    echo "$reference"
}

if [ "$cluster" = host ]; then
    "$here/host/packages.sh"
    source "$here/images/recipes.sh"
    source "$here/host/import.sh"
    mkdir -p "$cache" "$layers"
    exec 8>"$cache/images.lock"
    flock --timeout 900 8
fi
for one in "${wanted[@]}"; do
    case $cluster in
        host) on_host "$one" ;;
        *) with_docker "$one" ;;
    esac
done
