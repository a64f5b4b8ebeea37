#!/usr/bin/env bash
# Prints the command that is Docker Compose 2 here: `docker compose` where the engine's command has it; otherwise one that Go
# builds (about three minutes, once) into the folder of the test servers' programs, which scripts/test_servers.sh tells of.
set -euo pipefail
version=2.40.3
if docker compose version >/dev/null 2>&1; then echo "docker compose"; exit; fi
program=${FAIRLEAD_TEST_SERVERS_FOLDER:-${XDG_CACHE_HOME:-$HOME/.cache}/fairlead-test-servers}/bin/docker-compose-$version
if [ ! -x "$program" ]; then
    command -v go >/dev/null || { echo "Docker Compose is not here: install it, or Go 1.24 or newer to build it" >&2; exit 1; }
    module=$(mktemp -d)
    trap 'rm -rf "$module"' EXIT
    cd "$module"
    # As a dependency of a module of its own: it has directives that `go install` refuses.
    { go mod init compose && go get "github.com/docker/compose/v2@v$version" && CGO_ENABLED=0 go build -mod=mod -trimpath \
        -ldflags "-s -w -X github.com/docker/compose/v2/internal.Version=v$version" -o program github.com/docker/compose/v2/cmd
    } >log 2>&1 || { cat log >&2; exit 1; }
    mkdir -p "$(dirname "$program")"
    mv program "$program"
fi
echo "$program"
