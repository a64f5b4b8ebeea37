"""Where the brokers are, and how they are spoken to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fairlead.kit.errors import InvalidArgument

SCHEME = "kafka://"
DEFAULT_PORT = 9092
# kafka-python goes up to 30 s between two attempts to reach a broker: too long after its return.
RECONNECT_BACKOFF_MAX_MS = 2_000
METADATA_MAX_AGE_MS = 60_000
BOOTSTRAP_TIMEOUT_MS = 4_000


@dataclass(frozen=True)
class KafkaOptions:
    """Encryption and sign-in, as in the settings kafka_*; the defaults are plain text and nobody in particular."""

    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str = "SCRAM-SHA-512"
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: str = ""


@dataclass(frozen=True)
class Cluster:
    """The brokers of an event log and how they are spoken to; `str` gives the brokers for messages."""

    servers: tuple[str, ...]
    options: KafkaOptions = KafkaOptions()

    def __str__(self) -> str:
        return ",".join(self.servers)

    def client_config(self) -> dict[str, Any]:
        """Return the keyword arguments that each client of kafka-python gets."""
        options = self.options
        config: dict[str, Any] = {
            "bootstrap_servers": list(self.servers),
            "security_protocol": options.security_protocol,
            "reconnect_backoff_max_ms": RECONNECT_BACKOFF_MAX_MS,
            "metadata_max_age_ms": METADATA_MAX_AGE_MS,
            "bootstrap_timeout_ms": BOOTSTRAP_TIMEOUT_MS,
        }
        if options.security_protocol.startswith("SASL"):
            config["sasl_mechanism"] = options.sasl_mechanism
            config["sasl_plain_username"] = options.username
            config["sasl_plain_password"] = options.password
        if options.ca_file and options.security_protocol.endswith("SSL"):
            config["ssl_cafile"] = options.ca_file
        return config


def cluster_of(url: str, options: KafkaOptions) -> Cluster:
    """Return the cluster that kafka://host[:port][,host[:port]] names; raises InvalidArgument on another form."""
    servers = tuple(_server(text, url) for text in url.removeprefix(SCHEME).rstrip("/").split(","))
    if options.security_protocol.startswith("SASL") and not options.username:
        raise InvalidArgument(
            f"The security protocol {options.security_protocol} needs a user and a password; "
            "set FAIRLEAD_KAFKA_USERNAME and FAIRLEAD_KAFKA_PASSWORD."
        )
    return Cluster(servers, options)


def _server(text: str, url: str) -> str:
    host, colon, port = text.strip().rpartition(":")
    if not colon:
        host, port = port, str(DEFAULT_PORT)
    if not host or any(character in host for character in "/@ ") or not port.isdecimal() or not 0 < int(port) < 65536:
        raise InvalidArgument(f"'{url}' is not the URL of an event log; write kafka://host:9092[,host:9092].")
    return f"{host}:{port}"
