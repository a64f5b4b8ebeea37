#!/usr/bin/env bash
# Builds the images of Fairlead and tells how large they are.
#
#   scripts/images.sh [build] [NAME...]     builds them all, or those named: gateway profiler trainer serving drift conductor operator client
#   scripts/images.sh sizes                 prints the size of each, and what it adds to its base
#   scripts/images.sh sbom FOLDER           writes each one's list of packages to FOLDER as CycloneDX JSON
#
# An image is named ${REGISTRY}fairlead-<name>:$TAG; REGISTRY (with its slash) is empty and TAG is dev where they are not set.
# PYTHON_IMAGE is the base, python:3.11-slim-bookworm where it is not set.
set -euo pipefail
cd "$(dirname "$0")/.."
all=(gateway profiler trainer serving drift conductor operator client)
base=${PYTHON_IMAGE:-python:3.11-slim-bookworm}

# Its label "description".
about() {
    case $1 in
        gateway) echo "REST and events of Fairlead: projects, roles, what people and programs speak to" ;;
        profiler) echo "Datasets of Fairlead: ingest, validate, profile, suggest" ;;
        trainer) echo "Models of Fairlead: preparation, search, evaluation, the model registry" ;;
        serving) echo "Predictions of Fairlead: many models, traffic splits, the prediction log" ;;
        drift) echo "Monitors of Fairlead: drift of data, predictions and performance, alerts" ;;
        conductor) echo "Workflows of Fairlead: stages, approvals, healing" ;;
        operator) echo "The operator's commands of Fairlead: backup and restore, tables, topics" ;;
        client) echo "Command line and Python client of Fairlead" ;;
        *) echo "no image is called $1" >&2; return 1 ;;
    esac
}

named() { printf '%sfairlead-%s:%s' "${REGISTRY:-}" "$1" "${TAG:-dev}"; }
there() { docker image inspect "$1" >/dev/null 2>&1; }
bytes() { docker image inspect --format '{{.Size}}' "$1"; }

build() {
    there "$base" || docker pull -q "$base" >/dev/null || { echo "no image $base; pull it, or set PYTHON_IMAGE to one like it" >&2; exit 1; }
    local name log version revision created description oci=org.opencontainers.image
    log=$(mktemp)
    version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
    revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
    created=$(git log -1 --format=%cI 2>/dev/null || echo unknown)
    for name in "$@"; do
        description=$(about "$name")
        printf 'building %s\n' "$(named "$name")"
        docker build -q -f deploy/images/Dockerfile --target "$name" -t "$(named "$name")" --build-arg PYTHON_IMAGE="$base" \
            --label $oci.title="fairlead-$name" --label $oci.description="$description" --label $oci.licenses=Apache-2.0 \
            --label $oci.version="$version" --label $oci.revision="$revision" --label $oci.created="$created" \
            --label $oci.base.name="$base" . >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
    done
    rm "$log"
}

sizes() {
    local name size
    printf '%-32s %8s %14s\n' image MB "adds to base"
    printf '%-32s %8d\n' "$base" $(($(bytes "$base") / 1000000))
    for name in "$@"; do
        size=$(bytes "$(named "$name")")
        printf '%-32s %8d %14d\n' "$(named "$name")" $((size / 1000000)) $(((size - $(bytes "$base")) / 1000000))
    done
}

sbom() {
    local name container
    mkdir -p "$1"
    for name in "${all[@]}"; do
        container=$(docker create "$(named "$name")")
        docker cp "$container:/opt/fairlead/sbom.cdx.json" "$1/fairlead-$name.cdx.json" >/dev/null
        docker rm "$container" >/dev/null
    done
}

case ${1:-build} in
    sizes) sizes "${all[@]}" ;;
    sbom) sbom "${2:?where to?}" ;;
    build) shift || true; build "${@:-${all[@]}}"; sizes "${@:-${all[@]}}" ;;
    -h | --help | help) sed -n '2,9p' "$0" | sed 's/^# \{0,1\}//' ;;
    *) build "$@"; sizes "$@" ;;
esac
