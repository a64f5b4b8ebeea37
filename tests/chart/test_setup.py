"""What makes tables and topics, tests a release, and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from fairlead.kit.events import topics
from fairlead.kit.events.kafka.topic_plan import MAX_MESSAGE, RETENTION, first_settings
from tests.chart import chart
from tests.chart.chart import RELEASE, SERVICES, Json

NO_DEV_DATABASE = ("dev.postgres.enabled=false",)


def migrate(variant: str, *settings: str) -> Json:
    return chart.of_kind("Job", variant, *settings)[f"{RELEASE}-migrate"]


def test_tables_are_brought_up_to_date_before_pods_are_replaced() -> None:
    job = migrate("production")
    spec = job["spec"]["template"]["spec"]
    steps = [*spec["initContainers"], *spec["containers"]]

    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-upgrade"
    assert {step["name"]: step["image"] for step in steps} == {s: f"fairlead-{s}:0.1.0" for s in SERVICES}
    assert all(step["command"] == ["python", "-m", "fairlead.kit.migrate"] for step in steps)
    assert all(chart.environment(step)["FAIRLEAD_DATABASE_URL"] == "fairlead-database/url" for step in steps)


def test_before_an_upgrade_the_tables_of_the_new_url_are_meant() -> None:
    settings = (*NO_DEV_DATABASE, "database.url=postgresql://a:b@c/d")
    (step,) = migrate("minimal", *settings)["spec"]["template"]["spec"]["containers"]
    secret = chart.of_kind("Secret", "minimal", *settings)[f"{RELEASE}-migrate"]

    assert chart.environment(step)["FAIRLEAD_DATABASE_URL"] == f"{RELEASE}-migrate/database-url"
    assert secret["metadata"]["annotations"]["helm.sh/hook-weight"] == "-1"
    assert secret["stringData"] == {"database-url": "postgresql://a:b@c/d"}


def test_tables_may_be_left_to_the_services() -> None:
    assert f"{RELEASE}-migrate" not in chart.of_kind("Job", "production", "migrations.enabled=false")


def test_tables_are_left_to_the_services_where_their_database_comes_with_the_upgrade() -> None:
    def steps(variant: str) -> list[str]:
        values = ("--values", str(chart.CHART / "ci" / f"{variant}.yaml"), "--kube-version", chart.KUBERNETES)
        # Without a cluster nobody has found the Secret that is asked for.
        given = chart.helm("template", RELEASE, str(chart.CHART), "--is-upgrade", *values)
        return [each["metadata"]["name"] for each in yaml.safe_load_all(given) if each and each["kind"] == "Job"]

    assert f"{RELEASE}-migrate" not in steps("minimal") + steps("airgapped")
    # A Secret that people name is waited for: they may have misspelt it.
    assert f"{RELEASE}-migrate" in steps("production")


def topics_job(*settings: str) -> str:
    (name,) = (name for name in chart.of_kind("Job", "production", *settings) if "-topics-" in name)
    return name


def test_topics_are_made_once_the_brokers_of_the_services_answer() -> None:
    (step,) = chart.of_kind("Job", "production")[topics_job()]["spec"]["template"]["spec"]["containers"]
    told, service = chart.environment(step), chart.environment(chart.container("drift", "production"))
    kafka = {name for name in service if name.startswith("FAIRLEAD_KAFKA_")}

    assert step["command"] == ["python", "-m", "fairlead.kit.events.setup"]
    assert step["image"] == "fairlead-gateway:0.1.0"
    assert {name: told[name] for name in kafka} == {name: service[name] for name in kafka}


def test_the_job_of_the_topics_has_another_name_when_it_does_another_thing() -> None:
    assert topics_job() == topics_job("gateway.replicas=5", "logLevel=DEBUG")
    assert topics_job() != topics_job("image.tag=1.2.3")
    assert topics_job() != topics_job("kafka.replicationFactor=2")


def test_topics_are_somebody_elses_where_the_values_say_so() -> None:
    names = chart.of_kind("Job", "production", "kafka.setupTopics=false")

    assert not [name for name in names if "-topics-" in name]
    assert not [name for name in chart.of_kind("Job", "airgapped") if "-topics-" in name]


def test_who_makes_the_topics_is_told_what_they_need(tmp_path: Path) -> None:
    notes = chart.notes(tmp_path, "production", "kafka.setupTopics=false")

    assert f"max.message.bytes of {first_settings(topics.SPECS[0])[MAX_MESSAGE]} or more" in notes


def test_strimzis_topics_are_those_that_fairlead_would_make() -> None:
    topics_of = chart.of_kind("KafkaTopic", "airgapped")
    made = {name: each["spec"] for name, each in topics_of.items()}
    # Events are not to go with an uninstall.
    assert all(each["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"} for each in topics_of.values())

    assert set(made) == {spec.name for spec in topics.SPECS}
    for spec in topics.SPECS:
        config = {name: str(value) for name, value in made[spec.name]["config"].items()}
        assert made[spec.name]["partitions"] == spec.partitions
        assert {RETENTION: config[RETENTION], MAX_MESSAGE: config[MAX_MESSAGE]} == first_settings(spec)


def test_strimzis_user_is_the_services() -> None:
    (user,) = chart.of_kind("KafkaUser", "airgapped").values()
    told = chart.environment(chart.container("drift", "airgapped"))
    settings = chart.of_kind("ConfigMap", "airgapped")[f"{RELEASE}-env"]["data"]

    assert user["metadata"]["labels"]["strimzi.io/cluster"] == "events"
    assert told["FAIRLEAD_KAFKA_USERNAME"] == user["metadata"]["name"]
    assert told["FAIRLEAD_KAFKA_PASSWORD"] == f"{user['metadata']['name']}/password"
    assert settings["FAIRLEAD_EVENTS_URL"] == "kafka://events-kafka-bootstrap.ml.svc:9093"
    assert settings["FAIRLEAD_KAFKA_SECURITY_PROTOCOL"] == "SASL_SSL"
    volumes = chart.deployment("drift", "airgapped")["spec"]["template"]["spec"]["volumes"]
    assert [v["secret"]["secretName"] for v in volumes if v["name"] == "kafka-ca"] == ["events-cluster-ca-cert"]


def test_cloudnativepgs_database_is_the_services() -> None:
    (cluster,) = chart.of_kind("Cluster", "airgapped").values()
    told = chart.environment(chart.container("drift", "airgapped"))

    assert told["FAIRLEAD_DATABASE_URL"] == f"{cluster['metadata']['name']}-app/uri"
    assert cluster["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_helm_test_does_the_whole_job_with_the_admins_token() -> None:
    (pod,) = [each for each in chart.objects("minimal") if hook(each) == "test"]
    (container,) = pod["spec"]["containers"]

    assert chart.environment(container) == {
        "FAIRLEAD_URL": f"http://{RELEASE}-gateway:7400",
        "FAIRLEAD_TOKEN": f"{RELEASE}-admin/admin-token",
    }
    assert set(chart.of_kind("ConfigMap", "minimal")[f"{RELEASE}-test"]["data"]) == {
        "main_job.py",
        "red.csv",
        "white.csv",
    }


def test_without_a_token_there_is_no_test() -> None:
    assert not [each for each in chart.objects("production") if hook(each) == "test"]
    named = chart.objects("production", "tests.tokenSecret=mine")
    (pod,) = [each for each in named if hook(each) == "test"]
    assert chart.environment(pod["spec"]["containers"][0])["FAIRLEAD_TOKEN"] == "mine/admin-token"


def hook(of: Json) -> str:
    return str(of["metadata"].get("annotations", {}).get("helm.sh/hook", ""))


@pytest.mark.parametrize("variant", chart.VARIANTS)
def test_every_hook_is_removed_by_helm(variant: str) -> None:
    for each in chart.objects(variant):
        if hook(each):
            policy = each["metadata"]["annotations"]["helm.sh/hook-delete-policy"]
            removers = [o for o in chart.objects(variant) if hook(o) == "post-delete" and same(o, each)]
            assert "hook-succeeded" in policy or removers, each["metadata"]["name"]


def same(one: Json, other: Json) -> bool:
    return bool((one["kind"], one["metadata"]["name"]) == (other["kind"], other["metadata"]["name"]))


def test_the_next_three_commands_are_told(tmp_path: Path) -> None:
    notes = chart.notes(tmp_path, "minimal")

    assert "kubectl -n ml get pods -l app.kubernetes.io/instance=demo" in notes
    assert "kubectl -n ml port-forward service/demo-gateway 7400" in notes
    assert "helm -n ml test demo --logs" in notes
    assert "get secret demo-admin" in notes


def test_nobody_is_told_to_run_a_test_that_is_not_there(tmp_path: Path) -> None:
    assert "helm -n ml test" not in chart.notes(tmp_path / "off", "minimal", "tests.enabled=false")
    assert "helm -n ml test" not in chart.notes(tmp_path / "without a token", "production")
    assert "helm -n ml test" in chart.notes(tmp_path / "with one", "production", "tests.tokenSecret=mine")


def test_migrations_have_the_volumes_that_services_have() -> None:
    settings = (
        "common.extraVolumes[0].name=authority",
        "common.extraVolumes[0].configMap.name=authority",
        "common.extraVolumeMounts[0].name=authority",
        "common.extraVolumeMounts[0].mountPath=/etc/fairlead/authority",
        "drift.extraVolumes[0].name=others",
        "drift.extraVolumes[0].configMap.name=others",
        "drift.extraVolumeMounts[0].name=others",
        "drift.extraVolumeMounts[0].mountPath=/etc/others",
    )
    (job,) = [each for name, each in chart.of_kind("Job", "minimal", *settings).items() if name.endswith("-migrate")]
    pod = job["spec"]["template"]["spec"]

    assert [each["name"] for each in pod["volumes"] if "configMap" in each] == ["authority", "others"]
    for each in [*pod["initContainers"], *pod["containers"]]:
        assert each["volumeMounts"][-1] == (
            {"name": "others", "mountPath": "/etc/others"}
            if each["name"] == "drift"
            else {"name": "authority", "mountPath": "/etc/fairlead/authority"}
        )
