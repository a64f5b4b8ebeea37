"""Pods: what they may, how they are probed, ended and told where everything is."""

from __future__ import annotations

import pytest

from fairlead.kit.settings import KitSettings
from scripts.settings_table import settings_of
from tests.chart import chart
from tests.chart.chart import RELEASE, SERVICES, VARIANTS

GRPC = {service: 7401 + number for number, service in enumerate(SERVICES)}
MAKES_JOBS = {"profiler", "trainer", "serving"}


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_pod_keeps_to_pod_security_restricted(variant: str) -> None:
    for what, pod in chart.pods(variant):
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True, what
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, what
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), what
        assert not any("hostPath" in volume for volume in spec.get("volumes", [])), what
        for each in [*spec["containers"], *spec.get("initContainers", [])]:
            assert each["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, what


def test_the_cluster_may_say_who_pods_run_as() -> None:
    for what, pod in chart.pods("airgapped"):
        context = pod["spec"]["securityContext"]
        assert context["runAsUser"] == context["runAsGroup"] == context["fsGroup"] == 10001, what
    for what, pod in chart.pods("airgapped", "runAsUser=null"):
        context = pod["spec"]["securityContext"]
        assert context["runAsNonRoot"] is True, what
        assert not {"runAsUser", "runAsGroup", "fsGroup"} & context.keys(), what


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_container_says_what_it_needs(variant: str) -> None:
    for what, pod in chart.pods(variant):
        for each in [*pod["spec"]["containers"], *pod["spec"].get("initContainers", [])]:
            assert {"cpu", "memory"} <= each["resources"]["requests"].keys(), what
            assert "memory" in each["resources"]["limits"], what


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_pod_takes_variables_of_services_for_settings(variant: str) -> None:
    assert all(pod["spec"]["enableServiceLinks"] is False for _, pod in chart.pods(variant))


@pytest.mark.parametrize("variant", VARIANTS)
def test_there_are_never_two_conductors(variant: str) -> None:
    spec = chart.deployment("conductor", variant, "common.replicas=3")["spec"]

    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_the_minimal_variant_fits_a_small_node() -> None:
    def millicores(cpu: str) -> int:
        return int(cpu[:-1]) if cpu.endswith("m") else int(cpu) * 1000

    standing = [
        sum(millicores(each["resources"]["requests"]["cpu"]) for each in pod["spec"]["containers"])
        for what, pod in chart.pods("minimal")
        if what.startswith(("Deployment/", "StatefulSet/"))
    ]

    assert len(standing) == 10
    assert sum(standing) <= 1000


def test_only_services_that_make_jobs_speak_to_kubernetes() -> None:
    for service in SERVICES:
        spec = chart.deployment(service, "production")["spec"]["template"]["spec"]
        assert spec["serviceAccountName"] == f"{RELEASE}-{service}"
        assert spec["automountServiceAccountToken"] is (service in MAKES_JOBS)
    for what, pod in chart.pods("production"):
        if not what.startswith("Deployment/"):
            assert pod["spec"]["automountServiceAccountToken"] is False, what
    for account in chart.of_kind("ServiceAccount", "production").values():
        assert account["automountServiceAccountToken"] is False


@pytest.mark.parametrize("service", SERVICES)
def test_probes_ask_the_port_that_is_for_them(service: str) -> None:
    container = chart.container(service, "minimal")
    port = GRPC[service] + 200

    assert container["startupProbe"]["grpc"] == {"port": port, "service": "fairlead.started"}
    assert container["readinessProbe"]["grpc"] == {"port": port, "service": "fairlead.ready"}
    assert container["livenessProbe"]["grpc"] == {"port": port}


@pytest.mark.parametrize(("pause", "drain"), [(5, 30), (40, 30), (5, 600)])
def test_a_pod_has_time_to_drain(pause: int, drain: int) -> None:
    settings = (f"common.preStopSeconds={pause}", f"common.drainSeconds={drain}")

    for service in SERVICES:
        spec = chart.deployment(service, "minimal", *settings)["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        assert container["lifecycle"]["preStop"] == {"sleep": {"seconds": pause}}
        assert chart.environment(container)["FAIRLEAD_DRAIN_SECONDS"] == str(drain)
        assert pause + drain + 20 <= spec["terminationGracePeriodSeconds"]


def test_the_time_to_drain_has_one_name() -> None:
    with pytest.raises(chart.Refused, match="FAIRLEAD_DRAIN_SECONDS is drainSeconds among the values"):
        chart.text("minimal", "serving.env.FAIRLEAD_DRAIN_SECONDS=90")


def test_who_is_forgotten_late_goes_on_for_longer_by_itself() -> None:
    settings = ("gateway.preStopSeconds=20",)

    for service, seconds in (("gateway", 20), ("serving", 5)):
        assert chart.container(service, "minimal", *settings)["lifecycle"]["preStop"]["sleep"]["seconds"] == seconds


def test_no_pod_goes_before_another_is_ready() -> None:
    for service in set(SERVICES) - {"conductor"}:
        strategy = chart.deployment(service, "minimal")["spec"]["strategy"]
        assert strategy == {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


def test_services_find_each_other_by_headless_names_and_themselves_by_none() -> None:
    settings = chart.of_kind("ConfigMap", "minimal")[f"{RELEASE}-env"]["data"]
    services = chart.of_kind("Service", "minimal")

    for service in SERVICES:
        assert settings[f"FAIRLEAD_{service.upper()}_ADDRESS"] == f"dns:///{RELEASE}-{service}-headless:{GRPC[service]}"
        assert services[f"{RELEASE}-{service}-headless"]["spec"]["clusterIP"] == "None"
        assert "clusterIP" not in services[f"{RELEASE}-{service}"]["spec"]
        assert chart.environment(chart.container(service, "minimal"))[f"FAIRLEAD_{service.upper()}_ADDRESS"] == ""


def test_what_stands_before_a_service_is_told_by_annotations() -> None:
    settings = ("gateway.service.annotations.cloud=backend", "common.service.annotations.mesh=in")
    services = chart.of_kind("Service", "minimal", *settings)

    assert services[f"{RELEASE}-gateway"]["metadata"]["annotations"] == {"cloud": "backend", "mesh": "in"}
    assert services[f"{RELEASE}-serving"]["metadata"]["annotations"] == {"mesh": "in"}
    # Its peers alone know the headless one, and without the values there is nothing to tell.
    assert "annotations" not in services[f"{RELEASE}-gateway-headless"]["metadata"]
    assert "annotations" not in chart.of_kind("Service", "minimal")[f"{RELEASE}-gateway"]["metadata"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variable_is_a_setting(variant: str) -> None:
    classes: list[type[KitSettings]] = [KitSettings, *map(settings_of, SERVICES)]
    known = {f"FAIRLEAD_{name.upper()}" for settings in classes for name in settings.model_fields}
    told = set(chart.of_kind("ConfigMap", variant)[f"{RELEASE}-env"]["data"])
    for _, pod in chart.pods(variant):
        if pod["metadata"]["labels"]["app.kubernetes.io/component"] != "test":
            told |= {each["name"] for c in pod["spec"]["containers"] for each in c.get("env", [])}

    assert {name for name in told if name.startswith("FAIRLEAD_")} <= known


def test_pods_are_replaced_when_their_settings_change() -> None:
    def checksums(*settings: str) -> dict[str, str]:
        annotations = chart.deployment("serving", "minimal", *settings)["spec"]["template"]["metadata"]["annotations"]
        return {name: value for name, value in annotations.items() if name.startswith("checksum/")}

    before = checksums()

    assert checksums("logLevel=DEBUG")["checksum/config"] != before["checksum/config"]
    assert checksums("auth.existingSecret=x")["checksum/secrets"] != before["checksum/secrets"]
    assert checksums("jobs.resources.serving.limits.memory=9Gi")["checksum/job"] != before["checksum/job"]
    assert checksums("gateway.replicas=2") == before


def test_an_upgrade_changes_no_selector() -> None:
    selector = {"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component"}
    for service in SERVICES:
        spec = chart.deployment(service, "production")["spec"]
        assert set(spec["selector"]["matchLabels"]) == selector
        assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_object_tells_what_it_belongs_to(variant: str) -> None:
    for each in chart.objects(variant):
        labels = each["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"] == labels["app.kubernetes.io/part-of"] == "fairlead"
        assert labels["app.kubernetes.io/instance"] == RELEASE
        assert labels["app.kubernetes.io/managed-by"] == "Helm"
        assert {"app.kubernetes.io/version", "app.kubernetes.io/component"} <= labels.keys()


def test_images_are_named_by_digest_where_one_is_given() -> None:
    images = {chart.container(service, "airgapped")["image"] for service in SERVICES}
    images |= {pod["spec"]["containers"][0]["image"] for pod in chart.job_pods("airgapped").values()}

    assert all(image.startswith("registry.example.internal/fairlead/fairlead-") for image in images)
    assert all("@sha256:" in image for image in images)
    assert chart.container("gateway", "minimal", "image.tag=1.2.3")["image"] == "fairlead-gateway:1.2.3"


def test_pods_are_spread_and_kept() -> None:
    spec = chart.deployment("serving", "production")["spec"]["template"]["spec"]
    budgets = chart.of_kind("PodDisruptionBudget", "production")

    assert [each["topologyKey"] for each in spec["topologySpreadConstraints"]] == [
        "topology.kubernetes.io/zone",
        "kubernetes.io/hostname",
    ]
    assert set(budgets) == {f"{RELEASE}-{service}" for service in SERVICES if service != "conductor"}
    assert chart.of_kind("PodDisruptionBudget", "minimal") == {}
    assert set(chart.of_kind("PodDisruptionBudget", "minimal", "serving.replicas=2")) == {f"{RELEASE}-serving"}


def test_a_service_may_differ_from_the_others() -> None:
    settings = (
        "serving.env.FAIRLEAD_LOG_LEVEL=DEBUG",
        "serving.nodeSelector.pool=fast",
        "common.nodeSelector.os=linux",
    )

    assert chart.environment(chart.container("serving", "minimal", *settings))["FAIRLEAD_LOG_LEVEL"] == "DEBUG"
    assert chart.deployment("serving", "minimal", *settings)["spec"]["template"]["spec"]["nodeSelector"] == {
        "pool": "fast",
        "os": "linux",
    }
    assert chart.deployment("gateway", "minimal", *settings)["spec"]["template"]["spec"]["nodeSelector"] == {
        "os": "linux"
    }


@pytest.mark.parametrize("variant", ["minimal", "production"])
def test_what_the_values_put_on_all_pods_is_on_every_one(variant: str) -> None:
    more = ("common.podLabels.team=credit", "common.podAnnotations.owner=ada")
    pods = dict(chart.pods(variant, *more, "migrations.enabled=true"))

    assert len(pods) > 10
    for what, pod in pods.items():
        assert pod["metadata"]["labels"]["team"] == "credit", what
        assert pod["metadata"]["annotations"]["owner"] == "ada", what
