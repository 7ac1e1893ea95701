# shellcheck shell=bash
# Sourced after host/settings.sh: what goes into each image. Every recipe leaves $images/NAME.tar and $images/NAME.digest.

oci() { python3 "$checkout/hack/cluster/images/oci.py" "$@"; }
layers=$images/layers
nonroot=65532:65532

# build_static SOURCE_DIR OUT: a static Go program, the same bytes from the same source.
build_static() { (cd "$1" && CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false" go build -ldflags '-s -w' -o "$2" .); }

# assemble NAME CONFIG LAYER... -- REFERENCE...: writes the archive unless one with this content and these references is there.
assemble() {
    local name=$1 config=$2 digest arguments part
    shift 2
    mkdir -p "$images"
    arguments=$*
    digest=$(oci digest "$config" "${@:1:$(position_of -- "$@")-1}")
    if [ "$(cat "$images/$name.digest" 2>/dev/null)" = "$digest" ] && [ "$(cat "$images/$name.arguments" 2>/dev/null)" = "$arguments" ]; then
        return 0
    fi
    rm -f "$images/$name.digest"
    oci archive "$images/.$name.tar" "$config" "$@" >/dev/null
    for part in tar top.tar lower digest; do # the digest last: it says that the others are there
        if [ -f "$images/.$name.$part" ]; then mv "$images/.$name.$part" "$images/$name.$part"; fi
    done
    echo "$arguments" >"$images/$name.arguments"
}

position_of() {
    local wanted=$1 i=1
    shift
    for one in "$@"; do
        [ "$one" = "$wanted" ] && echo "$i" && return 0
        i=$((i + 1))
    done
}

# binary_image NAME REFERENCE PROGRAM CONFIG [DESTINATION=SOURCE...]: one program, at /usr/local/bin.
binary_image() {
    local name=$1 reference=$2 program=$3 config=$4
    [ -f "$images/$name.digest" ] && [ -f "$images/$name.tar" ] && return 0
    say "building image $reference"
    mkdir -p "$layers"
    shift 4
    touch "$images/.keep"
    oci layer "$layers/$name.tar" "usr/local/bin/${program##*/}=$program" "tmp/.keep=$images/.keep" "$@"
    assemble "$name" "$config" "$layers/$name.tar" -- "$reference"
}

pause_image() {
    [ -x "$cache/bin/pause-1/pause" ] || build_static "$checkout/hack/cluster/images/pause" "$cache/bin/pause-1/pause"
    binary_image pause-1 headgate.local/pause:1 "$cache/bin/pause-1/pause" '{"Entrypoint":["/usr/local/bin/pause"],"User":"65535:65535"}'
}

envoy_gateway_image() {
    binary_image "envoy-gateway-$ENVOY_GATEWAY_VERSION" "headgate.local/envoy-gateway:$ENVOY_GATEWAY_VERSION" \
        "$envoy_gateway_bin/envoy-gateway" \
        "{\"Entrypoint\":[\"/usr/local/bin/envoy-gateway\"],\"Env\":[\"PATH=/usr/local/bin\"],\"User\":\"$nonroot\"}"
}

# Envoy is linked against the C library: take loader and libraries from the same Debian root file system as the operator's image.
envoy_image() {
    local name=envoy-$ENVOY_VERSION lib=lib/x86_64-linux-gnu root=$layers/envoy-root file
    [ -f "$images/$name.digest" ] && [ -f "$images/$name.tar" ] && return 0
    python_base
    rm -rf "$root" && mkdir -p "$root"
    tar -xf "$base_layer" -C "$root" ./usr/lib/x86_64-linux-gnu
    local files=("lib64/ld-linux-x86-64.so.2=$root/usr/$lib/ld-linux-x86-64.so.2")
    for file in libc.so.6 libm.so.6 librt.so.1 libdl.so.2 libpthread.so.0; do files+=("$lib/$file=$root/usr/$lib/$file"); done
    binary_image "$name" "headgate.local/envoy:$ENVOY_VERSION" "$envoy_bin/envoy" \
        "{\"Entrypoint\":[\"/usr/local/bin/envoy\"],\"Env\":[\"PATH=/usr/local/bin\"],\"User\":\"$nonroot\"}" "${files[@]}"
    rm -rf "$root"
}

# python_base: the lowest layer of Python images: Debian with python3, without documentation and translations.
base_layer=$layers/python-$PYTHON_IMAGE_SUITE.tar
python_base() {
    [ -f "$base_layer" ] && return 0
    say "building the Debian $PYTHON_IMAGE_SUITE root file system with python3 (about half a minute)"
    mkdir -p "$layers"
    # The date stamps the files; any fixed one makes the layer repeatable.
    SOURCE_DATE_EPOCH=1735689600 timeout 600 mmdebstrap --quiet --variant=minbase --include=python3,libstdc++6 \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
        "$PYTHON_IMAGE_SUITE" "$layers/.base.tar"
    mv "$layers/.base.tar" "$base_layer"
}

# dependencies_layer: prints the layer with the packages that pyproject.toml names; built again only when that list changes.
dependencies_layer() {
    local list key layer scratch
    list=$(python3 -c 'import sys, tomllib; print("\n".join(sorted(tomllib.load(open(sys.argv[1], "rb"))["project"]["dependencies"])))' "$checkout/pyproject.toml")
    key=$(printf '%s\n' "$PYTHON_IMAGE_SUITE" "$list" | sha256sum | cut -c1-12)
    layer=$layers/dependencies-$key.tar
    if [ ! -f "$layer" ]; then
        say "building the layer with the operator's dependencies" >&2
        scratch=$(mktemp -d "$layers/scratch.XXXXXX")
        tar -xf "$base_layer" -C "$scratch" --exclude='./dev/*'
        # The wheels are chosen for the image's Python and C library, not for this machine's.
        # shellcheck disable=SC2086 # one argument per line is meant
        (IFS=$'\n' && timeout 900 python3 -m pip install --quiet --no-compile --only-binary=:all: --python-version 3.11 \
            --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
            --root-user-action=ignore --target "$scratch/opt/headgate/lib" $list) >"$images/pip.log" 2>&1 \
            || { tail -20 "$images/pip.log" >&2 && return 1; }
        rm -rf "$scratch"/opt/headgate/lib/bin
        find "$scratch"/opt/headgate/lib/{numpy,scipy} -type d -name tests -prune -exec rm -rf {} +
        chroot "$scratch" python3 -m compileall -q --invalidation-mode unchecked-hash /opt/headgate/lib >&2
        tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$scratch" -cf "$layers/.dependencies.tar" opt/headgate
        rm -rf "$scratch"
        find "$layers" -name 'dependencies-*' -delete
        mv "$layers/.dependencies.tar" "$layer"
    fi
    echo "$layer"
}

# tagged NAME CONFIG REPOSITORY LAYER...: the image as REPOSITORY:dev, :VERSION and, by its content, :sha-<12 hex>; prints the last.
tagged() {
    local name=$1 config=$2 repository=$3 version digest
    shift 3
    version=$(python3 -c 'import sys, tomllib; print(tomllib.load(open(sys.argv[1], "rb"))["project"]["version"])' "$checkout/pyproject.toml")
    digest=$(oci digest "$config" "$@")
    local by_content=$repository:sha-${digest:7:12}
    assemble "$name" "$config" "$@" -- "$repository:dev" "$repository:$version" "$by_content"
    echo "$by_content"
}

# The Dockerfile says the same; change both.
operator_image() {
    local code=$layers/operator.tar dependencies
    python_base >&2
    dependencies=$(dependencies_layer)
    local compile=()
    if python3 -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))'; then compile=(--compile); fi
    oci layer "$code" "${compile[@]}" "opt/headgate/app/headgate=$checkout/operator/headgate"
    tagged headgate \
        "{\"Entrypoint\":[\"python3\",\"-m\",\"headgate\"],\"Env\":[\"PATH=/usr/local/bin:/usr/bin:/bin\",\"PYTHONPATH=/opt/headgate/app:/opt/headgate/lib\",\"PYTHONUNBUFFERED=1\",\"PYTHONDONTWRITEBYTECODE=1\",\"HOME=/tmp\"],\"User\":\"$nonroot\",\"WorkingDir\":\"/tmp\"}" \
        headgate.local/headgate "$base_layer" "$dependencies" "$code"
}

model_image() {
    mkdir -p "$layers"
    build_static "$checkout/examples/model-server" "$layers/model-server"
    oci layer "$layers/model-server.tar" "model-server=$layers/model-server"
    tagged model-server "{\"Entrypoint\":[\"/model-server\"],\"User\":\"$nonroot\"}" headgate.local/model-server "$layers/model-server.tar"
}
