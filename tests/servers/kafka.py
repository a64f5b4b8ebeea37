"""An Apache Kafka broker for tests: one node in KRaft mode."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path

from tests.ports import free_port
from tests.servers.container import ContainerServer, image_for
from tests.servers.ladder import SCRIPT, NotHere, climb, given_url
from tests.servers.process import Account, ProcessServer, cache_folder, require_program
from tests.servers.server import Server, wait_until_ready

URL = "KAFKA_BOOTSTRAP_SERVERS"
IMAGE = "FAIRLEAD_TEST_KAFKA_IMAGE"
VERSION = "4.1.1"
_HEAP = ("-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")

# One node, and no larger than a test needs; a topic that nobody declared is an error, as on a well kept cluster.
_SMALL = {
    "auto.create.topics.enable": "false",
    # A broker that was killed is let in again only once the session of the one before it has ended.
    "broker.heartbeat.interval.ms": "1000",
    "broker.session.timeout.ms": "4000",
    "group.initial.rebalance.delay.ms": "0",
    "log.cleaner.dedupe.buffer.size": "16777216",
    "num.partitions": "3",
    "offsets.topic.num.partitions": "4",
    "offsets.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
}


class KafkaBroker:
    """A broker of one's own, which can be killed and started again on the same port with the same data.

    `settings` are the broker's own, such as {"log.retention.ms": "1000"}. A context manager.
    """

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        self.port = free_port()
        self._settings = {**_SMALL, **(settings or {})}
        self._server = climb("a Kafka broker of their own", URL, self._as_container, self._as_process)

    @property
    def bootstrap(self) -> str:
        """Return host:port of the broker."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> KafkaBroker:
        """Start it, or start it again, and return once it answers."""
        from kafka.errors import KafkaError

        self._server.start()
        wait_until_ready("Kafka", self._server, self._answers, (OSError, KafkaError))
        return self

    def kill(self) -> None:
        """Kill it without warning, as a failing machine would."""
        self._server.kill()

    def stop(self) -> None:
        """Stop it in an orderly way; it can be started again."""
        self._server.stop()

    def discard(self) -> None:
        """Stop it and forget its data."""
        self._server.discard()

    def __enter__(self) -> KafkaBroker:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.discard()

    def _answers(self) -> None:
        from kafka.admin import KafkaAdminClient
        from kafka.errors import BrokerNotAvailableError

        # Asked first: the client would wait longer and longer between its attempts to connect.
        socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap, request_timeout_ms=5_000)
        try:
            if not admin.describe_cluster()["brokers"]:
                raise BrokerNotAvailableError("no broker has joined yet")
        finally:
            admin.close()

    def _as_container(self) -> Server:
        image = image_for(IMAGE, f"apache/kafka:{VERSION}", f"fairlead-test-kafka:{VERSION}")
        properties = {
            **self._settings,
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.voters": "1@localhost:9093",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093",
            "node.id": "1",
            "process.roles": "broker,controller",
        }
        environment = {"KAFKA_" + name.upper().replace(".", "_"): value for name, value in properties.items()}
        return ContainerServer(image, 9092, self.port, {**environment, "KAFKA_HEAP_OPTS": " ".join(_HEAP[:2])})

    def _as_process(self) -> Server:
        jars = cache_folder() / f"kafka-{VERSION}"
        if not jars.is_dir():
            raise NotHere(f"Kafka is not in {jars}; run {SCRIPT}")
        java = _java()
        folder = Account().new_folder("kafka")
        properties = folder / "server.properties"
        listeners = {"PLAINTEXT": self.bootstrap, "CONTROLLER": f"127.0.0.1:{free_port()}"}
        settings = {
            **self._settings,
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.bootstrap.servers": listeners["CONTROLLER"],
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "listeners": ",".join(f"{name}://{address}" for name, address in listeners.items()),
            "log.dirs": str(folder / "data"),
            "node.id": "1",
            "process.roles": "broker,controller",
        }
        properties.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        command = [java, *_HEAP, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{jars}/*"]
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        formatting = [
            "kafka.tools.StorageTool",
            "format",
            "--standalone",
            f"--cluster-id={cluster}",
            "-c",
            str(properties),
        ]
        Account().run([*command, *formatting])
        return ProcessServer([*command, "kafka.Kafka", properties], folder)


def _java() -> str:
    """Return the path of a Java 17 or newer; raises NotHere."""
    home = os.environ.get("JAVA_HOME")
    java = require_program("java", "install Java 17 or newer", *([Path(home, "bin")] if home else []))
    said = subprocess.run([java, "-version"], capture_output=True, text=True).stderr
    found = re.search(r'version "(\d+)', said)
    if found is None or int(found[1]) < 17:
        raise NotHere(f"Kafka needs Java 17 or newer, and {java} is {said.splitlines()[0] if said else 'none'}")
    return java


class Kafka:
    """The broker that tests share; where the environment names one, that."""

    def __init__(self) -> None:
        self.bootstrap = given_url(URL)
        self._broker: KafkaBroker | None = None
        if not self.bootstrap:
            self._broker = KafkaBroker().start()
            self.bootstrap = self._broker.bootstrap

    def close(self) -> None:
        """End what was started."""
        if self._broker is not None:
            self._broker.discard()
