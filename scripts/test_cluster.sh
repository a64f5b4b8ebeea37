#!/usr/bin/env bash
# Installs the chart on a real cluster and runs tests/cluster there, and before it tests/chart, of what is rendered.
#
# KUBECONFIG names the cluster; CLUSTER_LOAD is the command that hands it an image of the local Docker engine, such as
# "kind load docker-image" or "minikube image load". Tests reach pods and services by their addresses, so they run on a
# node, or where its networks are routed. Images that are there already are built again only where something changed.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'test cluster: %s\n' "$*"; }
fail() { printf 'test cluster: %s\n' "$*" >&2; exit 1; }
for tool in kubectl helm docker; do
    command -v "$tool" >/dev/null 2>&1 || fail "$tool is not on the PATH; install it"
done
[ -n "${KUBECONFIG:-}" ] || fail "set KUBECONFIG to a cluster that tests may install in, such as one of kind or minikube"
[ -n "${CLUSTER_LOAD:-}" ] || fail 'set CLUSTER_LOAD to what hands it an image, such as CLUSTER_LOAD="kind load docker-image"'
kubectl get --raw /readyz >/dev/null || fail "no cluster answers at $KUBECONFIG"

scripts/test_servers.sh images
scripts/images.sh
servers=$(docker image ls --format '{{.Repository}}:{{.Tag}}' | grep -E '^(fairlead-test-|apache/kafka:|postgres:|versity/versitygw:)' || true)
for image in $servers fairlead-{gateway,profiler,trainer,serving,drift,conductor,client,operator}:dev; do
    say "handing over $image"
    # A runtime that collects garbage meanwhile may lose a layer of it.
    $CLUSTER_LOAD "$image" >/dev/null || $CLUSTER_LOAD "$image" >/dev/null || fail "$image could not be handed over"
done
.venv/bin/pytest tests/chart tests/cluster "$@"
