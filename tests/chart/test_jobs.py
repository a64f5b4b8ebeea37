"""What makes Jobs, what it may, and the pods that it makes them from."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from fairlead.kit.tasks.kubernetes.template import load_template
from tests.chart import chart
from tests.chart.chart import RELEASE

MAKERS = ("profiler", "serving", "trainer")
# The rights with which Jobs are made on a real cluster.
ROLE = Path(__file__).resolve().parents[1] / "cluster" / "jobs" / "role.yaml"


def test_the_rights_are_those_that_jobs_are_tested_with() -> None:
    (tested,) = (each for each in yaml.safe_load_all(ROLE.read_text()) if each["kind"] == "Role")
    ours = chart.of_kind("Role", "minimal")[f"{RELEASE}-jobs"]["rules"]

    assert [rule["resourceNames"] for rule in ours if rule["resources"] == ["configmaps"]] == [
        [f"{RELEASE}-{service}-job" for service in MAKERS]
    ]
    assert [{**rule, "resourceNames": []} for rule in ours] == [
        {**rule, "resourceNames": []} for rule in tested["rules"]
    ]


def test_only_those_that_make_jobs_have_them() -> None:
    (binding,) = chart.of_kind("RoleBinding", "production").values()

    assert [subject["name"] for subject in binding["subjects"]] == [f"{RELEASE}-{service}" for service in MAKERS]
    assert chart.of_kind("ClusterRole", "production") == chart.of_kind("ClusterRoleBinding", "production") == {}
    assert chart.of_kind("Role", "minimal", "jobs.enabled=false") == {}


@pytest.mark.parametrize("service", MAKERS)
def test_a_service_is_told_how_to_make_them(service: str) -> None:
    container = chart.container(service, "production", "jobs.ttlSeconds=60")
    told = chart.environment(container)

    assert told["FAIRLEAD_RUNNER"] == "kubernetes"
    assert told["FAIRLEAD_JOB_TEMPLATE_FILE"] == "/etc/fairlead/job/job.yaml"
    assert told["FAIRLEAD_JOB_OWNER"] == f"{RELEASE}-{service}-job"
    assert told["FAIRLEAD_JOB_TTL_SECONDS"] == "60"
    assert {"name": "job", "mountPath": "/etc/fairlead/job", "readOnly": True} in container["volumeMounts"]
    assert "FAIRLEAD_RUNNER" not in chart.environment(chart.container(service, "production", "jobs.enabled=false"))


def test_the_runner_can_read_each_pod(tmp_path: Path) -> None:
    for service, pod in chart.job_pods("production").items():
        file = tmp_path / f"{service}.yaml"
        file.write_text(yaml.safe_dump(pod))
        template = load_template(str(file))
        assert [each["name"] for each in template["spec"]["containers"]] == ["worker"]


def test_no_service_counts_jobs_among_its_pods() -> None:
    labels = [pod["metadata"]["labels"] for pod in chart.job_pods("minimal").values()]

    assert len(labels) == 3
    for each in chart.of_kind("Service", "minimal").values():
        assert not any(each["spec"]["selector"].items() <= of.items() for of in labels)


def test_a_job_is_told_what_its_service_is_and_has_resources_of_its_own() -> None:
    pods = chart.job_pods("production", "trainer.env.FAIRLEAD_TRAINER_THREADS=3", "jobs.env.FAIRLEAD_LOG_LEVEL=DEBUG")
    (worker,) = pods["trainer"]["spec"]["containers"]
    told = chart.environment(worker)

    assert told["FAIRLEAD_TRAINER_THREADS"] == "3"
    assert told["FAIRLEAD_LOG_LEVEL"] == "DEBUG"
    assert told["FAIRLEAD_DATABASE_URL"] == "fairlead-database/url"
    # Nobody calls it, so it needs nothing to know callers by.
    assert not {"FAIRLEAD_ADMIN_TOKEN_SHA256", "FAIRLEAD_METRICS_TOKEN"} & told.keys()
    assert worker["resources"]["limits"] == {"memory": "32Gi"}
    assert pods["profiler"]["spec"]["containers"][0]["resources"]["limits"] == {"memory": "8Gi"}


def test_what_works_in_a_job_may_nothing() -> None:
    accounts = {service: pod["spec"]["serviceAccountName"] for service, pod in chart.job_pods("production").items()}
    (binding,) = chart.of_kind("RoleBinding", "production").values()

    assert accounts == {service: f"{RELEASE}-{service}-job" for service in MAKERS}
    assert not set(accounts.values()) & {subject["name"] for subject in binding["subjects"]}


def test_what_works_in_a_job_has_the_role_that_a_cloud_gives_its_service() -> None:
    role = "trainer.serviceAccountAnnotations.role=trainers"
    accounts = chart.of_kind("ServiceAccount", "minimal", "common.serviceAccountAnnotations.role=all", role)
    roles = {
        name.removeprefix(f"{RELEASE}-"): each["metadata"]["annotations"]["role"] for name, each in accounts.items()
    }

    assert roles["trainer"] == roles["trainer-job"] == "trainers"
    assert roles["serving"] == roles["serving-job"] == roles["profiler-job"] == "all"


def test_what_works_in_a_job_has_the_volumes_of_its_service() -> None:
    settings = volume("common", "authority") + volume("trainer", "features")

    for service, pod in chart.job_pods("minimal", *settings).items():
        has, other = ("features", "authority") if service == "trainer" else ("authority", "features")
        for spec in (pod["spec"], chart.deployment(service, "minimal", *settings)["spec"]["template"]["spec"]):
            assert {"name": has, "configMap": {"name": has}} in spec["volumes"]
            assert {"name": has, "mountPath": f"/etc/{has}"} in spec["containers"][0]["volumeMounts"]
            assert other not in [each["name"] for each in spec["volumes"]]


def volume(of: str, name: str) -> tuple[str, ...]:
    return (
        f"{of}.extraVolumes[0].name={name}",
        f"{of}.extraVolumes[0].configMap.name={name}",
        f"{of}.extraVolumeMounts[0].name={name}",
        f"{of}.extraVolumeMounts[0].mountPath=/etc/{name}",
    )


def test_jobs_may_ask_not_to_be_moved() -> None:
    settings = ("jobs.podAnnotations.karpenter\\.sh/do-not-disrupt=yes", "common.podAnnotations.team=data")

    for service, pod in chart.job_pods("minimal", *settings).items():
        of_service = chart.deployment(service, "minimal", *settings)["spec"]["template"]["metadata"]["annotations"]
        assert pod["metadata"]["annotations"] == {"karpenter.sh/do-not-disrupt": "yes", "team": "data"}
        assert "karpenter.sh/do-not-disrupt" not in of_service


def test_jobs_may_run_on_nodes_of_their_own() -> None:
    pods = chart.job_pods("minimal", "common.nodeSelector.pool=all", "jobs.nodeSelector.pool=training")

    assert {pod["spec"]["nodeSelector"]["pool"] for pod in pods.values()} == {"training"}
