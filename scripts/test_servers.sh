#!/usr/bin/env bash
# Gets the servers that tests start themselves (tests/servers); what is there already is left alone.
#
#   scripts/test_servers.sh           what FAIRLEAD_TEST_SERVERS needs: auto and process: programs; container: images
#   scripts/test_servers.sh programs  Kafka's jars by Maven, versitygw by Go, PostgreSQL and Prometheus by apt where that is allowed
#   scripts/test_servers.sh images    the official images; our own, made of tests/images, where they can't be pulled
#
# A server that the environment names (KAFKA_BOOTSTRAP_SERVERS, DATABASE_URL, S3_ENDPOINT_URL) needs nothing.
# FAIRLEAD_TEST_SERVERS_FOLDER is where programs are kept, ~/.cache/fairlead-test-servers by default.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${FAIRLEAD_TEST_SERVERS_FOLDER:-${XDG_CACHE_HOME:-$HOME/.cache}/fairlead-test-servers}
kafka=4.1.1 postgres=18 versitygw=1.8.0
mkdir -p "$folder"

say() { printf 'test servers: %s\n' "$*"; }
fail() { printf 'test servers: %s\n' "$*" >&2; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

# Debian packages, where we may install some.
apt_install() {
    has apt-get && [ "$(id -u)" = 0 ] || return 1
    say "installing $* (apt)"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

has_java() { has java && [ "$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p')" -ge 17 ]; }

jars() {
    [ -d "$folder/kafka-$kafka" ] && return
    has mvn || apt_install maven || fail "Kafka for tests needs Maven to fetch it: install maven, or set KAFKA_BOOTSTRAP_SERVERS to a broker"
    say "fetching Kafka $kafka (43 MB)"
    local part; part=$(mktemp -d "$folder/kafka.XXXXXX")
    mvn -q -B -f tests/servers/kafka.pom.xml -Dkafka.version=$kafka dependency:copy-dependencies -DoutputDirectory="$part/libs" \
        || fail "Maven could not fetch Kafka; see above, or set KAFKA_BOOTSTRAP_SERVERS to a broker"
    mv "$part/libs" "$folder/kafka-$kafka"
    rmdir "$part"
}

gateway() {
    [ -x "$folder/bin/versitygw" ] && return
    has go || fail "the S3 server for tests is built by Go: install Go 1.24 or newer, or set S3_ENDPOINT_URL to a server"
    say "building versitygw $versitygw (about two minutes)"
    CGO_ENABLED=0 GOFLAGS=-trimpath GOBIN="$folder/bin" go install "github.com/versity/versitygw/cmd/versitygw@v$versitygw" 2>"$folder/go.log" \
        || fail "Go could not build versitygw; $folder/go.log has the reason"
}

database() {
    has initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null && return
    apt_install postgresql || fail "PostgreSQL is not installed: install your system's postgresql (15 or newer), or set DATABASE_URL to a server"
}

prometheus() {
    has prometheus && has promtool && return
    apt_install prometheus || fail "Prometheus is not installed: install your system's package prometheus, or prometheus and promtool from prometheus.io, into PATH"
}

programs() {
    if [ -z "${KAFKA_BOOTSTRAP_SERVERS:-}" ]; then
        has_java || apt_install openjdk-17-jre-headless || fail "Kafka needs Java 17 or newer: install it, or set KAFKA_BOOTSTRAP_SERVERS to a broker"
        jars
    fi
    [ -n "${DATABASE_URL:-}" ] || database
    [ -n "${S3_ENDPOINT_URL:-}" ] || gateway
    prometheus
}

there() { docker image inspect "$1" >/dev/null 2>&1; }

# image NAME BASE OFFICIAL OWN: the official image; else ours, by build_NAME, on a base that is there.
image() {
    local name=$1 base=$2 official=$3 own=$4
    there "$official" || there "$own" && return
    if ! there "$base"; then
        say "pulling $official"
        docker pull -q "$official" >/dev/null && return
        fail "no image $official and no $base to build $own on; pull one of them"
    fi
    say "building $own"
    local context; context=$(mktemp -d)
    cp -r "tests/images/$name/." "$context"
    "context_$name" "$context"
    docker build -q -t "$own" "$context" >"$folder/docker.log" 2>&1 || fail "$own could not be built; $folder/docker.log has the reason"
    rm -rf "$context"
}
context_kafka() { jars; cp -r "$folder/kafka-$kafka" "$1/libs"; }
context_postgres() { :; }
context_s3() { gateway; cp "$folder/bin/versitygw" "$1/"; }

images() {
    docker info >/dev/null 2>&1 || fail "no Docker engine answers: start one, or set FAIRLEAD_TEST_SERVERS=process"
    image kafka eclipse-temurin:17-jre "apache/kafka:$kafka" "fairlead-test-kafka:$kafka"
    image postgres debian:bookworm-slim "postgres:$postgres" fairlead-test-postgres:15
    image s3 debian:bookworm-slim "versity/versitygw:v$versitygw" "fairlead-test-s3:$versitygw"
}

case ${1:-${FAIRLEAD_TEST_SERVERS:-auto}} in
    auto | process | programs) programs ;;
    container | images) images ;;
    *) sed -n '2,9p' "$0" | sed 's/^# \{0,1\}//'; exit 2 ;;
esac
