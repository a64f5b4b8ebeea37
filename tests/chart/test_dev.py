"""Back ends for trying out."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.trainer import mlflow_pages
from tests.chart import chart
from tests.chart.chart import RELEASE, SERVICES

SERVERS = ("dev-kafka", "dev-postgres", "dev-s3")


def test_none_of_them_is_there_unless_asked_for() -> None:
    for variant in ("production", "airgapped"):
        assert not chart.of_kind("StatefulSet", variant)
        assert f"{RELEASE}-dev-mlflow" not in chart.of_kind("Deployment", variant)
        assert f"{RELEASE}-dev" not in chart.of_kind("Secret", variant)


def test_services_wait_for_those_that_are_there() -> None:
    def waits_for(*settings: str) -> list[str]:
        (wait,) = chart.deployment("drift", "minimal", *settings)["spec"]["template"]["spec"]["initContainers"]
        return [place for place in wait["command"] if place.startswith(RELEASE)]

    assert waits_for() == [f"{RELEASE}-dev-postgres:5432", f"{RELEASE}-dev-kafka:9092", f"{RELEASE}-dev-s3:7070"]
    assert waits_for("dev.kafka.enabled=false", "kafka.bootstrapServers=k:9092") == [
        f"{RELEASE}-dev-postgres:5432",
        f"{RELEASE}-dev-s3:7070",
    ]
    for service in SERVICES:
        assert "initContainers" not in chart.deployment(service, "production")["spec"]["template"]["spec"]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("database.existingSecret=db", "Two databases: keep one of database.existingSecret"),
        ("database.url=postgresql://a:b@c/d", "Two databases"),
        ("cnpg.enabled=true", "Two databases"),
        ("kafka.bootstrapServers=k:9092", "Two Kafkas"),
        ("strimzi.enabled=true", "Two Kafkas"),
        ("s3.endpoint=https://s3.example.org", "Two S3 servers"),
        ("s3.existingSecret=bucket", "Two S3 servers"),
    ],
)
def test_none_stands_before_one_that_the_values_name(setting: str, said: str) -> None:
    with pytest.raises(chart.Refused, match=said):
        chart.text("minimal", setting)


def test_their_images_may_be_others_with_users_of_their_own() -> None:
    settings = ("dev.postgres.image=mine:1", "dev.postgres.uid=100", "dev.postgres.args={postgres,-c,fsync=off}")
    spec = chart.of_kind("StatefulSet", "minimal", *settings)[f"{RELEASE}-dev-postgres"]["spec"]["template"]["spec"]
    (container,) = spec["containers"]

    assert container["image"] == "mine:1"
    assert container["args"] == ["postgres", "-c", "fsync=off"]
    assert spec["securityContext"]["runAsUser"] == spec["securityContext"]["fsGroup"] == 100


def test_their_data_are_kept_where_asked_for() -> None:
    for server in SERVERS:
        without = chart.of_kind("StatefulSet", "minimal")[f"{RELEASE}-{server}"]["spec"]
        with_volume = chart.of_kind("StatefulSet", "minimal", "dev.persistence.enabled=true")[f"{RELEASE}-{server}"][
            "spec"
        ]
        assert "volumeClaimTemplates" not in without
        assert {"name": "data", "emptyDir": {}} in without["template"]["spec"]["volumes"]
        (claim,) = with_volume["volumeClaimTemplates"]
        assert claim["metadata"]["labels"]["app.kubernetes.io/instance"] == RELEASE


def test_what_opens_their_volumes_stays_with_them() -> None:
    def annotations(*settings: str) -> object:
        return chart.of_kind("Secret", "minimal", *settings)[f"{RELEASE}-dev"]["metadata"].get("annotations")

    assert annotations("dev.persistence.enabled=true") == {"helm.sh/resource-policy": "keep"}
    assert annotations() is None


def test_it_is_told_what_an_uninstall_leaves_of_them(tmp_path: Path) -> None:
    assert "leaves their volumes, and the Secret demo-dev" in chart.notes(
        tmp_path, "minimal", "dev.persistence.enabled=true"
    )


def test_mlflows_pages_are_told_what_the_trainer_is() -> None:
    settings = (
        "common.env.AWS_CA_BUNDLE=/etc/authority/ca.crt",
        "trainer.env.FAIRLEAD_TRAINER_MLFLOW_ARTIFACTS=s3://others/mlflow",
        "common.extraVolumes[0].name=authority",
        "common.extraVolumeMounts[0].name=authority",
        "common.extraVolumeMounts[0].mountPath=/etc/authority",
    )
    (pages,) = chart.deployment("dev-mlflow", "minimal", *settings)["spec"]["template"]["spec"]["containers"]
    told = chart.environment(pages)

    assert pages["command"] == ["python", "-m", f"fairlead.{mlflow_pages.__name__}"]
    assert told["AWS_CA_BUNDLE"] == "/etc/authority/ca.crt"
    assert told["FAIRLEAD_TRAINER_MLFLOW_ARTIFACTS"] == "s3://others/mlflow"
    assert {"name": "authority", "mountPath": "/etc/authority"} in pages["volumeMounts"]


def test_the_bucket_is_made() -> None:
    server = chart.of_kind("StatefulSet", "minimal", "s3.bucket=models")[f"{RELEASE}-dev-s3"]
    (container,) = server["spec"]["template"]["spec"]["containers"]
    settings = chart.of_kind("ConfigMap", "minimal", "s3.bucket=models")[f"{RELEASE}-env"]["data"]

    assert "mkdir -p /data/models " in container["command"][-1]
    assert settings["FAIRLEAD_BLOBS_URL"] == "s3://models"
    assert settings["FAIRLEAD_S3_ENDPOINT_URL"] == f"http://{RELEASE}-dev-s3:7070"


def test_one_of_them_may_be_anothers() -> None:
    settings = chart.of_kind("ConfigMap", "minimal", "dev.s3.enabled=false", "s3.bucket=b", "s3.prefix=/a/b/")
    data = settings[f"{RELEASE}-env"]["data"]

    assert data["FAIRLEAD_BLOBS_URL"] == "s3://b/a/b"
    assert data["FAIRLEAD_S3_ENDPOINT_URL"] == ""
