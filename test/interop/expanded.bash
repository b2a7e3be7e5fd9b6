#
# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#

# Sourced by test/interop/run: archives with unpacked layers, of the layouts whose layers are compressed.

# expanded_alike HOW: the gzip of one archive and the zstd of another are unpacked to what the raw layout has.
expanded_alike() {
    save --store "oci:$work/raw" "$app:1.0" "$other:2.0" >"$work/raw.tar"
    save --store "oci:$work/zstd" "--expand=$1" "$app:1.0" "$other:2.0" | cmp - "$work/raw.tar"
    save --layout hybrid --store "oci:$work/zstd" "--expand=$1" "$app:1.0" "$other:2.0" >"$work/hybrid.tar"
    "$here/archive" check "$work/hybrid.tar"
    save --store "oci:$work/gzip" "--expand=$1" "$app:1.0" "$other:2.0" >"$work/gzip.tar"
    save --store "archive:$work/gzip.tar" "$app:1.0" "$other:2.0" | cmp - "$work/gzip.tar"
    same "digests of unpacked layers" "$(layer_digests "$work/gzip.tar")" "$(layer_digests "$work/raw.tar")"
}

# layer_digests ARCHIVE: of the layers that its manifest.json lists, of what is in the files.
layer_digests() {
    local path
    tar -xOf "$1" manifest.json | grep -oE '"Layers":\[[^]]*\]' | grep -oE '[^"/]+(/[^"/]+)*' | grep -E '^blobs/|\.tar$' | sort -u |
        while read -r path; do tar -xOf "$1" "$path" | sha256sum; done | sort
}

# expanded_like_skopeo LAYOUT: skopeo unpacks the same layers into its archive.
expanded_like_skopeo() {
    rm -f "$work/skopeo.tar"
    in_peers skopeo copy -q "oci:$work/$1:$app:1.0" "docker-archive:$work/skopeo.tar:$app:1.0"
    save --store "oci:$work/$1" --expand=measured "$app:1.0" >"$work/ours.tar"
    same "the digests of the layers" "$(layer_digests "$work/ours.tar")" "$(layer_digests "$work/skopeo.tar")"
    same "how many there are" "$(layer_digests "$work/ours.tar" | wc -l)" 4
}

expanded() {
    check "expanded: what is unpacked is the archive of the raw layout, measured" expanded_alike measured
    check "expanded: the same, spooled" expanded_alike spooled
    check "expanded: the same, promised" expanded_alike promised
    local layout file
    for layout in gzip zstd; do
        check "expanded, $layout: skopeo has the same layers" expanded_like_skopeo "$layout"
    done
    stop_docker
    start_docker
    for layout in gzip zstd; do
        file=$work/expanded.tar
        check "expanded, $layout: tarexport saves it" save --store "oci:$work/$layout" --expand -o "$file" "$app:1.0" "$other:2.0"
        plain "expanded, $layout" "$file"
        start "expanded, $layout: docker load, docker run" docker_loads "$layout" "$file" "$app:1.0" "$other:2.0"
        start "expanded, $layout: podman load, podman run" podman_loads "$layout" "$file" "$app:1.0" "$other:2.0"
        start "expanded, $layout: ctr images import, ctr run" containerd_imports "$layout" "$file" "$app:1.0" "$other:2.0"
        collect
        rm -f "$file"
    done
}
