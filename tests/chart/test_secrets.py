"""Secrets: named by their owners, or made once."""

from __future__ import annotations

import hashlib

from tests.chart import chart
from tests.chart.chart import RELEASE, SERVICES

NAMED = (
    "auth.existingSecret=tokens",
    "database.existingSecret=db",
    "s3.existingSecret=bucket",
    "dev.enabled=false",
    "kafka.bootstrapServers=k:9092",
)


def test_no_secret_is_made_where_all_are_named() -> None:
    assert chart.of_kind("Secret", "minimal", *NAMED) == {}


def test_every_service_reads_the_secrets_that_are_named() -> None:
    for service in SERVICES:
        told = chart.environment(chart.container(service, "minimal", *NAMED))
        assert told["FAIRLEAD_SERVICE_TOKEN"] == "tokens/service-token"
        assert told["FAIRLEAD_ADMIN_TOKEN_SHA256"] == "tokens/admin-token-sha256"
        assert told["FAIRLEAD_METRICS_TOKEN"] == "tokens/metrics-token"
        assert told["FAIRLEAD_DATABASE_URL"] == "db/url"
        assert told["AWS_ACCESS_KEY_ID"] == "bucket/access-key-id"
        assert told["AWS_SECRET_ACCESS_KEY"] == "bucket/secret-access-key"


def test_pods_with_a_role_of_their_own_get_no_keys() -> None:
    told = chart.environment(chart.container("serving", "production"))
    account = chart.of_kind("ServiceAccount", "production")[f"{RELEASE}-serving"]

    assert not {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} & told.keys()
    assert account["metadata"]["annotations"] == {
        "eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/fairlead"
    }


def test_the_admins_token_is_made_beside_its_hash_and_no_service_has_it() -> None:
    made = chart.of_kind("Secret", "minimal")
    token = made[f"{RELEASE}-admin"]["stringData"]["admin-token"]

    assert len(token) >= 32
    assert made[f"{RELEASE}-auth"]["stringData"]["admin-token-sha256"] == hashlib.sha256(token.encode()).hexdigest()
    for service in SERVICES:
        assert f"{RELEASE}-admin/admin-token" not in chart.environment(chart.container(service, "minimal")).values()


def test_the_database_for_trying_out_is_opened_by_the_password_that_it_was_made_with() -> None:
    made = chart.of_kind("Secret", "minimal")[f"{RELEASE}-dev"]["stringData"]
    password = made["postgres-password"]

    assert made["database-url"] == f"postgresql://fairlead:{password}@{RELEASE}-dev-postgres:5432/fairlead"
    assert (
        chart.environment(chart.container("drift", "minimal"))["FAIRLEAD_DATABASE_URL"] == f"{RELEASE}-dev/database-url"
    )


def test_a_url_among_the_values_is_kept_in_a_secret() -> None:
    settings = ("database.url=postgresql://a:b@c/d", "dev.postgres.enabled=false")

    told = chart.environment(chart.container("drift", "minimal", *settings))
    assert told["FAIRLEAD_DATABASE_URL"] == f"{RELEASE}-backends/database-url"
    assert chart.of_kind("Secret", "minimal", *settings)[f"{RELEASE}-backends"]["stringData"] == {
        "database-url": "postgresql://a:b@c/d"
    }
    # The one before an upgrade would be the old one.
    assert f"{RELEASE}-migrate" in chart.of_kind("Secret", "minimal", *settings)


def test_kafkas_user_and_authority_are_taken_from_secrets() -> None:
    told = chart.environment(chart.container("drift", "production"))
    settings = chart.of_kind("ConfigMap", "production")[f"{RELEASE}-env"]["data"]

    assert told["FAIRLEAD_KAFKA_USERNAME"] == "fairlead-kafka/username"
    assert told["FAIRLEAD_KAFKA_PASSWORD"] == "fairlead-kafka/password"
    assert settings["FAIRLEAD_KAFKA_SECURITY_PROTOCOL"] == "SASL_SSL"
    assert settings["FAIRLEAD_KAFKA_CA_FILE"] == "/etc/fairlead/kafka/ca.crt"
    assert {"name": "kafka-ca", "mountPath": "/etc/fairlead/kafka", "readOnly": True} in chart.container(
        "drift", "production"
    )["volumeMounts"]
