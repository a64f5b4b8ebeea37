#!/usr/bin/env bash
# Starts a broker that is configured as the official image's: KAFKA_NODE_ID=1 is node.id=1.
set -euo pipefail
cd /opt/kafka
env | grep '^KAFKA_' | grep -v '^KAFKA_HEAP_OPTS=' | while IFS='=' read -r name value; do
    name=${name#KAFKA_}
    name=${name,,}
    printf '%s=%s\n' "${name//_/.}" "$value"
done > server.properties
echo "log.dirs=/opt/kafka/data" >> server.properties
kafka() {
    # shellcheck disable=SC2086
    exec java ${KAFKA_HEAP_OPTS:--Xmx512m} -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
        -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp '/opt/kafka/libs/*' "$@"
}
(kafka kafka.tools.StorageTool format --ignore-formatted -t 5L6g3nShT-eMCtK--X86sw -c server.properties)
kafka kafka.Kafka server.properties
