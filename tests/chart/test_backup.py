"""Backups by the clock, and the pod of those who run Fairlead."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chart import chart
from tests.chart.chart import NAMESPACE, RELEASE, VARIANTS, Json

ON = ("backup.enabled=true",)
BACKUPS = {"name": "backups", "mountPath": "/backups"}


def operator(variant: str, *settings: str) -> Json:
    return dict(chart.deployment("operator", variant, *settings)["spec"]["template"])


def cronjob(variant: str, *settings: str) -> Json:
    return dict(chart.of_kind("CronJob", variant, *settings)[f"{RELEASE}-backup"]["spec"])


def backup(variant: str, *settings: str) -> Json:
    return dict(cronjob(variant, *settings)["jobTemplate"]["spec"]["template"])


def both(variant: str, *settings: str) -> tuple[Json, Json]:
    return operator(variant, *settings), backup(variant, *settings)


def only_container(pod: Json) -> Json:
    (found,) = pod["spec"]["containers"]
    return dict(found)


def test_nothing_of_it_is_there_unless_asked_for() -> None:
    assert chart.of_kind("CronJob", "minimal") == chart.of_kind("PersistentVolumeClaim", "minimal") == {}
    assert f"{RELEASE}-operator" not in chart.of_kind("Deployment", "minimal") | chart.of_kind(
        "ServiceAccount", "minimal"
    )


def test_the_operators_pod_may_be_there_without_backups() -> None:
    pod = operator("minimal", "operator.enabled=true")

    assert "sleep infinity" in only_container(pod)["command"][-1]
    assert BACKUPS not in only_container(pod)["volumeMounts"]
    assert "affinity" not in pod["spec"]
    assert chart.of_kind("CronJob", "minimal", "operator.enabled=true") == {}


def test_with_backups_it_is_there_too_so_that_their_volume_is_used_at_once() -> None:
    # Helm waits for a claim to be bound, and most classes bind one for its first pod.
    assert BACKUPS in only_container(operator("minimal", *ON))["volumeMounts"]


def test_nobody_calls_it_and_it_may_ask_kubernetes_for_nothing() -> None:
    spec = chart.deployment("operator", "production")["spec"]

    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    assert f"{RELEASE}-operator" not in chart.of_kind("Service", "production")
    assert not [
        each for each in chart.of_kind("RoleBinding", "production").values() if "operator" in str(each["subjects"])
    ]
    for pod in both("production"):
        assert pod["spec"]["serviceAccountName"] == f"{RELEASE}-operator"
        assert pod["spec"]["automountServiceAccountToken"] is False


@pytest.mark.parametrize("variant", ["production", "airgapped"])
def test_it_reaches_the_back_ends_as_services_do(variant: str) -> None:
    service = chart.container("conductor", variant)
    # A service is told where it is itself, and how long calls to it may take at the end.
    its_own = {"FAIRLEAD_CONDUCTOR_ADDRESS", "FAIRLEAD_DRAIN_SECONDS"}
    told = {name: value for name, value in chart.environment(service).items() if name not in its_own}

    for pod in both(variant, *ON):
        container = only_container(pod)
        assert told.items() <= chart.environment(container).items()
        assert container["envFrom"] == service["envFrom"]
        assert [each for each in service["volumeMounts"] if each not in container["volumeMounts"]] == []
    account = chart.of_kind("ServiceAccount", variant)
    role = account[f"{RELEASE}-conductor"]["metadata"].get("annotations")
    assert account[f"{RELEASE}-operator"]["metadata"].get("annotations") == role


def test_it_knows_of_databases_that_a_service_has_of_its_own() -> None:
    settings = (
        "trainer.env.FAIRLEAD_TRAINER_MLFLOW_URL=postgresql://mlflow",
        "conductor.env.FAIRLEAD_CONDUCTOR_WORKFLOW_URL=postgresql://steps",
        "trainer.env.FAIRLEAD_LOG_LEVEL=DEBUG",
        "operator.env.AWS_CA_BUNDLE=/ca",
    )
    for pod in both("minimal", *ON, *settings):
        told = chart.environment(only_container(pod))
        assert told["FAIRLEAD_TRAINER_MLFLOW_URL"] == "postgresql://mlflow"
        assert told["FAIRLEAD_CONDUCTOR_WORKFLOW_URL"] == "postgresql://steps"
        assert told["AWS_CA_BUNDLE"] == "/ca"
        assert "FAIRLEAD_LOG_LEVEL" not in told


def test_it_has_a_certificate_of_its_own() -> None:
    spec = chart.of_kind("Certificate", "airgapped")[f"{RELEASE}-operator"]["spec"]

    (volume,) = [each for each in operator("airgapped")["spec"]["volumes"] if each["name"] == "tls"]
    assert volume["secret"]["secretName"] == spec["secretName"]
    assert f"{RELEASE}-operator" not in chart.of_kind("Certificate", "airgapped", "operator.enabled=false")


@pytest.mark.parametrize("variant", VARIANTS)
def test_both_are_the_image_that_has_the_commands(variant: str) -> None:
    images = {only_container(pod)["image"] for pod in both(variant, *ON)}

    (image,) = images
    assert image.partition("@")[0].partition(":")[0].endswith("fairlead-operator")


def test_a_backup_is_made_by_the_clock_one_at_a_time() -> None:
    spec = cronjob(
        "minimal", *ON, "backup.schedule=0 4 * * 0", "backup.timeZone=Europe/Berlin", "backup.deadlineSeconds=2000000"
    )
    job = spec["jobTemplate"]["spec"]

    assert (spec["schedule"], spec["timeZone"], spec["suspend"]) == ("0 4 * * 0", "Europe/Berlin", False)
    assert spec["concurrencyPolicy"] == "Forbid"
    assert job["backoffLimit"] <= 1
    assert job["activeDeadlineSeconds"] == 2000000
    assert job["template"]["spec"]["restartPolicy"] == "Never"
    assert cronjob("minimal", *ON, "backup.suspend=true")["suspend"] is True


def test_it_runs_the_script_that_is_tested() -> None:
    container = only_container(backup("minimal", *ON))
    (mount,) = [each for each in container["volumeMounts"] if each["name"] == "script"]
    shell, script, *arguments = container["command"]

    assert (shell, script, arguments) == ("sh", f"{mount['mountPath']}/backup.sh", ["/backups", "7"])
    assert chart.of_kind("ConfigMap", "minimal", *ON)[f"{RELEASE}-backup"]["data"] == {
        "backup.sh": (chart.CHART / "files" / "backup" / "backup.sh").read_text()
    }
    command = only_container(backup("minimal", *ON, "backup.keep=30", "backup.events=false"))["command"]
    assert command[-3:] == ["/backups", "30", "--no-events"]


def test_backups_outlive_the_release() -> None:
    (claim,) = chart.of_kind("PersistentVolumeClaim", "production", "backup.volume.storageClass=cold").values()

    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert claim["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "cold",
        "resources": {"requests": {"storage": "500Gi"}},
    }
    for pod in both("production"):
        assert claims(pod) == [claim["metadata"]["name"]]


def claims(pod: Json) -> list[str]:
    return [v["persistentVolumeClaim"]["claimName"] for v in pod["spec"]["volumes"] if v["name"] == "backups"]


def test_a_claim_that_is_named_is_not_made() -> None:
    settings = (*ON, "backup.volume.existingClaim=ours")

    assert chart.of_kind("PersistentVolumeClaim", "minimal", *settings) == {}
    assert [claims(pod) for pod in both("minimal", *settings)] == [["ours"], ["ours"]]


def test_pods_that_share_a_volume_of_one_node_share_the_node() -> None:
    for pod in both("minimal", *ON):
        (term,) = pod["spec"]["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        assert term["topologyKey"] == "kubernetes.io/hostname"
        # The first of them is beside itself, and goes anywhere.
        for each in both("minimal", *ON):
            assert term["labelSelector"]["matchLabels"].items() <= each["metadata"]["labels"].items()
        assert "topologySpreadConstraints" not in pod["spec"]
    for service in chart.SERVICES:
        labels = chart.deployment(service, "minimal", *ON)["spec"]["template"]["metadata"]["labels"]
        assert not term["labelSelector"]["matchLabels"].items() <= labels.items()


def test_a_volume_of_many_nodes_binds_nobody() -> None:
    for pod in both("minimal", *ON, "backup.volume.accessMode=ReadWriteMany"):
        assert "affinity" not in pod["spec"]


def test_affinity_of_the_values_stays() -> None:
    mine = "common.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey=rack"
    nodes = "operator.affinity.nodeAffinity.x=y"

    for pod in both("minimal", *ON, mine, nodes):
        affinity = pod["spec"]["affinity"]
        required = affinity["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        assert [term["topologyKey"] for term in required] == ["rack", "kubernetes.io/hostname"]
        assert affinity["nodeAffinity"] == {"x": "y"}


def test_what_stays_and_how_to_make_one_now_is_told(tmp_path: Path) -> None:
    notes = chart.notes(tmp_path, "production")

    assert f"{RELEASE}-backups, which an uninstall leaves" in notes
    assert f"kubectl -n {NAMESPACE} create job --from=cronjob/{RELEASE}-backup" in notes
