#
# Copyright (c) 2026 The tarexport authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
#

# Sourced by test/interop/stores: what a name means is what it means to dockerd, and so is what means nothing.

# Each line of the names below is a folder in $work/named, with its names in a file, NUL-terminated.
named=0

# asks NAME...: one more thing to ask.
asks() {
    named=$((named + 1))
    mkdir -p "$work/named/$named"
    printf '%s\0' "$@" >"$work/named/$named/names"
}

# Asks dockerd, by one shell where the engines are: exit code and archive of docker save; the ID that docker inspect tells.
ask_docker() {
    in_peers bash -c '
        for folder in "$1"/*; do
            mapfile -d "" -t names <"$folder/names"
            code=0
            docker save -o "$folder/theirs" -- "${names[@]}" 2>"$folder/why" || code=$?
            echo "$code" >"$folder/code"
            [ ${#names[@]} -ne 1 ] || docker image inspect --format "{{.Id}}" -- "${names[0]}" >"$folder/id" 2>"$folder/inspect" || true
        done' bash "$work/named"
}

# as_docker FOLDER: docker save and tarexport save both refuse, or write the same archive; plan agrees with save; and the ID
# that docker inspect gives for a single name is among those saved.
as_docker() {
    local folder=$1 theirs ours=0 planned=0 names
    theirs=$(cat "$folder/code")
    mapfile -d "" -t names <"$folder/names"
    save "$(docker_store)" -o "$folder/ours" -- "${names[@]}" 2>"$folder/said" || ours=$?
    "$tool" plan --store "$(docker_store)" -- "${names[@]}" >/dev/null 2>"$folder/said-plan" || planned=$?
    same "whether save and plan refuse (docker: '$(cat "$folder/why")', tarexport: '$(cat "$folder/said")')" \
        "$((ours != 0)) $((planned != 0))" "$((theirs != 0)) $((theirs != 0))"
    if [ "$theirs" -eq 0 ]; then
        "$here/compare" meant "$began" "$folder/ours" "$folder/theirs" $(cat "$folder/id" 2>/dev/null)
    else
        said_well "$ours" "$folder/said"
        said_well "$planned" "$folder/said-plan"
    fi
    rm -f "$folder"/{ours,theirs}
}

# said_well CODE FILE: 1 and one line of what failed; 2 for what is no name at all, and the line that tells of the help.
said_well() {
    local lines
    lines=$(wc -l <"$2")
    [ "$1 $lines" = "1 1" ] || [ "$1 $lines" = "2 2" ] || { echo "exit code $1, and it said: $(cat "$2")"; return 1; }
    grep -q '^tarexport: ' "$2" || { echo "it said: $(cat "$2")"; return 1; }
}

# shortest_prefix HEX: as many digits of an ID as no other image has.
shortest_prefix() {
    local length all
    all=$(in_peers docker image ls -aq --no-trunc | sort -u | sed s/^sha256://)
    for length in {1..64}; do
        [ "$(grep -c "^${1:0:length}" <<<"$all")" -ne 1 ] || break
    done
    echo "${1:0:length}"
}

# ambiguous_prefix: a digit that more IDs than one begin with; with 17 images there is one.
ambiguous_prefix() {
    in_peers docker image ls -aq --no-trunc | sort -u | sed 's/^sha256:\(.\).*/\1/' | uniq -d | head -n 1
}

names_alike() {
    local one=$prefix/one two=$prefix/two id digest short ambiguous zeros long untagged hidden name
    id=$(in_peers docker image inspect --format '{{.Id}}' "$one:1")
    id=${id#sha256:}
    digest=$(digest_of "$registry/team/tagged")
    short=$(shortest_prefix "$id")
    ambiguous=$(ambiguous_prefix)
    zeros=$(printf '%064d' 0)
    long=$(printf 'n%.0s' {1..128})
    untagged=$(sed s/^sha256:// "$work/untagged")
    hidden=$(in_peers docker image inspect --format '{{.Id}}' "$prefix/odd:1.0") # which a repository of that name hides
    hidden=${hidden:7:6}
    in_peers docker tag "$two" "$hidden"

    local names=(
        # names and tags
        "$one:1" "$one:2" "$one" "$one:latest" "$one:3" "$two" "$two:latest" "$prefix/nolayers" "$prefix/no-such" "no-such:1"
        three three:latest library/three docker.io/three docker.io/library/three:latest index.docker.io/library/three
        "docker.io/$two" "index.docker.io/$two:latest" "DOCKER.IO/$two" "${one^^}:1" "$prefix/One:1" Upper/case:Tag upper/case:Tag
        Upper/case:tag Upper/case docker.io/library/Upper/case:Tag
        # hosts
        localhost/names/x:1 localhost/names/x names/x:1 localhost:5000/names/x:1 "$registry/team/tagged:t" "$registry/team/tagged"
        registry.example.com:5000/team/app:v2 registry.example.com/team/app:v2 registry.example.com:5000 localhost
        # digests
        "$registry/only/digest" "$registry/only/digest:latest" "$registry/only/digest@$digest" "$registry/team/tagged@$digest"
        "$registry/team/tagged:t@$digest" "$registry/team/tagged:wrong@$digest" "$one@$digest" "$one:1@sha256:$id"
        "$registry/team/tagged@sha256:$zeros" "$one@sha256:1234" "$one@md5:d41d8cd98f00b204e9800998ecf8427e" "$digest"
        # IDs
        "$id" "sha256:$id" "${id:0:12}" "sha256:${id:0:12}" "$short" "sha256:$short" "${id:0:63}" "${id}0" "${id^^}" "SHA256:$id"
        "$ambiguous" "sha256:$ambiguous" "$zeros" "sha256:$zeros" "${zeros:0:12}" "sha256:${zeros:0:12}" "$untagged" "${untagged:0:12}"
        "$hidden" "$hidden:latest" "sha256:$hidden" abcd abcd:latest sha256 sha256:latest "sha512:$id" "$short:latest" "library/$short"
        # no names
        "" " $one:1" "$one:1 " "$one:" ":1" "$one:1:2" "$prefix//one" "/$one" "$one/" "-$one" "${prefix}_/one" "$one:.x" "$one:-x"
        "$one:$long" "$one:${long}n" "$(printf 'a/%.0s' {1..150})x" 'naïve:1' $'caf\xe9:1' "$one@" "$one@sha256:" '*' '<none>' '<none>:<none>'
        "$one?x" "one,two" "../$one" ".:1" 'https://registry.example.com/x' "$one:1#x" "$one%3A1")
    for name in "${names[@]}"; do
        asks "$name"
    done
    asks "$one:1" "$id" "$one:2"
    asks "$one:2" "$one:1" "docker.io/$one:2" "$one:2"
    asks "$two" "$one" "$one:1"
    asks "$one:1" "$prefix/no-such"
    asks "$ambiguous" "$one:1"
    asks "$one:1" "$prefix//one"
    ask_docker
    local i
    for ((i = 1; i <= named; i++)); do
        name=$(tr '\0' ' ' <"$work/named/$i/names" | tr -c '[:print:]\n' '?')
        start "what docker save makes of it, and docker inspect: '$(cut -c1-100 <<<"${name% }")'" as_docker "$work/named/$i"
        [ $((i % 4)) -ne 0 ] || collect
    done
    collect
    check "tarexport ls lists what docker images does: IDs, sizes, platforms, times and names" lists_alike
}

# What docker images shows, with all names of each image: it leaves out images that only others are built on.
docker_lists() {
    local ids
    ids=$(in_peers docker image ls --no-trunc -q | sort -u)
    in_peers docker image inspect $ids | python3 -c '
import json, sys
for image in json.load(sys.stdin):
    print(image["Id"], image["Size"], image["Os"] + "/" + image["Architecture"], image.get("Created") or "undated",
          *sorted((image["RepoTags"] or []) + (image["RepoDigests"] or [])))' | LC_ALL=C sort
}

tool_lists() {
    "$tool" ls --json --store "$(docker_store)" | python3 -c '
import json, sys
for image in json.load(sys.stdin):
    print(image["id"], image["size"], image["platform"], image["created"] or "undated", *sorted(image["names"]))' | LC_ALL=C sort
}

lists_alike() { same "the list" "$(tool_lists)" "$(docker_lists)"; }

# --- podman ----------------------------------------------------------------------------------------------------------

# Asks podman, by one shell where the engines are, for the ID that each name stands for; none where it stands for nothing.
ask_podman() {
    in_peers bash -c '
        root=$1
        shift
        for name; do
            podman --root "$root" --runroot "$root-run" image inspect --format "sha256:{{.Id}}" -- "$name" 2>/dev/null || echo none
        done' bash "$work/podman" "$@"
}

# The same of the tool.
ask_tool() {
    local name planned
    for name; do
        if planned=$("$tool" plan --json --store "$(podman_store)" -- "$name" 2>/dev/null); then
            python3 -c 'import json, sys; print(*(each["id"] for each in json.load(sys.stdin)["images"]))' <<<"$planned"
        else
            echo none
        fi
    done
}

# Where the store has rules of its own (a name alone is every tag, several hosts that have a name are none, and digits after
# sha256: are the first ones of an ID), nothing is asked.
podman_names_alike() {
    local id digest names zeros
    id=$(podman image inspect --format '{{.Id}}' localhost/imported:1)
    digest=$(podman image inspect --format '{{.Digest}}' "$registry/team/zstd:1")
    zeros=$(printf '%064d' 0)
    names=(
        # names and tags
        localhost/built:1 localhost/built:2 localhost/built:3 localhost/committed:1 built:1 built:2 built:3 built:latest committed:1
        imported:1 imported:latest Imported:1 "localhost/$prefix/files:1.0" "$prefix/files:1.0" "$prefix/added:1.0"
        # hosts
        "docker.io/$prefix/undated:1.0" "$prefix/undated:1.0" "localhost/$prefix/undated:1.0" undated:1.0 "docker.io/$prefix/files:1.0"
        localhost/pulled/gzip:1 pulled/gzip:1 gzip:1 "$registry/team/zstd:1" team/zstd:1 zstd:1 localhost/team/zstd:1
        both:1 localhost/both:1 docker.io/both:1 library/both:1 docker.io/library/built:1 docker.io/built:1 localhost:1/built:1
        # digests
        "$registry/team/zstd@$digest" "localhost/built@$digest" "$registry/team/zstd@sha256:$zeros" "$registry/team/zstd:1@$digest"
        # IDs
        "$id" "sha256:$id" "${id:0:12}" "${id:0:20}" "${id:0:63}" "${id}0" "${id^^}" "$zeros" "sha256:$zeros" "${zeros:0:12}"
        "$(tail -n 1 "$work/podman-untagged")"
        # no names
        "" "built:" ":1" "built:1:2" "built//x" "/built" "built/" "built:.x" "built@sha256:1234" '*' '<none>' "built?x" "../built" "built:1#x")
    check "podman image inspect and tarexport plan: ${#names[@]} names stand for the same images" same "each name and its image" \
        "$(paste <(printf '%s\n' "${names[@]}") <(ask_tool "${names[@]}"))" "$(paste <(printf '%s\n' "${names[@]}") <(ask_podman "${names[@]}"))"
    check "tarexport ls lists what podman images does: IDs and names" same "the list" \
        "$("$tool" ls --json --store "$(podman_store)" | listed id names)" "$(podman images --no-trunc --format json | listed Id Names)"
    check "tarexport plan --all has the same images under the same names" same "the list" \
        "$("$tool" plan --all --json --store "$(podman_store)" | python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin)["images"]))' | listed id tags)" \
        "$(podman images --no-trunc --format json | sed 's|"docker.io/library/|"|g; s|"docker.io/|"|g' | listed Id Names)"
}

# listed ID NAMES: a JSON array of images as lines, by these keys; podman has each as often as it has names.
listed() {
    python3 -c '
import json, sys
for image in json.load(sys.stdin):
    print(image[sys.argv[1]].removeprefix("sha256:"), *sorted(image.get(sys.argv[2]) or []))' "$@" | LC_ALL=C sort -u
}
