#!/usr/bin/env bash
# Lint protos/ and refuse changes that break what landed; with "land", make today's contracts the ones that landed.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v npx >/dev/null || { echo "the contract check needs Node.js (npx) to run buf"; exit 1; }
buf() { npx --yes --loglevel=error @bufbuild/buf@1.75.0 "$@"; }
landed=tests/contract/landed.binpb
if [ "${1:-}" = land ]; then
  buf build protos -o "$landed"
  exit
fi
buf lint protos
buf breaking protos --against "$landed"
echo "Contracts: lint clean, nothing that landed is broken."
