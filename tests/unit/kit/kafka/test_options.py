"""URLs of a Kafka event log, and what its clients are told."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fairlead.kit.errors import InvalidArgument
from fairlead.kit.events import KafkaOptions, open_event_log
from fairlead.kit.events.kafka.options import cluster_of


@pytest.mark.parametrize(
    ("url", "servers"),
    [
        ("kafka://broker:9092", ("broker:9092",)),
        ("kafka://a:9092,b:9093", ("a:9092", "b:9093")),
        ("kafka://broker", ("broker:9092",)),
        ("kafka://broker:9092/", ("broker:9092",)),
        ("kafka://[::1]:9092", ("[::1]:9092",)),
    ],
)
def test_a_url_names_one_broker_or_more(url: str, servers: tuple[str, ...]) -> None:
    assert cluster_of(url, KafkaOptions()).servers == servers


@pytest.mark.parametrize(
    "url", ["kafka://", "kafka://:9092", "kafka://a:port", "kafka://a:9092,", "kafka://u:p@a:9092"]
)
def test_another_form_is_refused_with_the_right_one(url: str) -> None:
    with pytest.raises(InvalidArgument, match=r"write kafka://host:9092\[,host:9092\]"):
        open_event_log(url, source="test")


def test_a_url_of_something_else_names_both_forms() -> None:
    with pytest.raises(InvalidArgument, match=r"sqlite:///.* or kafka://"):
        open_event_log("amqp://host", source="test")


def test_plain_text_says_nothing_of_users_and_certificates() -> None:
    config = cluster_of("kafka://a", KafkaOptions(username="u", password="p", ca_file="ca.pem")).client_config()

    assert config["security_protocol"] == "PLAINTEXT"
    assert not {name for name in config if name.startswith(("sasl", "ssl"))}


def test_signing_in_over_tls_says_who_and_which_certificates_to_trust() -> None:
    options = KafkaOptions("SASL_SSL", "SCRAM-SHA-256", "user", "secret", "ca.pem")

    config = cluster_of("kafka://a", options).client_config()

    assert (config["security_protocol"], config["sasl_mechanism"]) == ("SASL_SSL", "SCRAM-SHA-256")
    assert (config["sasl_plain_username"], config["sasl_plain_password"]) == ("user", "secret")
    assert config["ssl_cafile"] == "ca.pem"


def test_signing_in_needs_a_user() -> None:
    with pytest.raises(InvalidArgument, match="FAIRLEAD_KAFKA_USERNAME"):
        cluster_of("kafka://a", KafkaOptions("SASL_SSL"))


def test_the_password_is_not_shown() -> None:
    assert "secret" not in repr(KafkaOptions(password="secret"))


def test_an_embedded_fairlead_does_not_load_kafkas_client() -> None:
    program = "import sys; from fairlead.kit import backends; print('kafka' in sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert loaded.stdout.strip() == "False"
