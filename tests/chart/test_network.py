"""Network policies: what is called may be called, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.chart import chart
from tests.chart.chart import RELEASE, SERVICES, Json

ROOT = Path(__file__).resolve().parents[2]
_CALLED = re.compile(r"connect_to\([^,()]*, \"(\w+)\"")


def policies(variant: str = "production", *settings: str) -> dict[str, Json]:
    found = chart.of_kind("NetworkPolicy", variant, *settings)
    return {name.removeprefix(f"{RELEASE}-"): each["spec"] for name, each in found.items()}


def component(peer: Json) -> str:
    return str(peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"])


def allowed_out(spec: Json) -> set[str]:
    return {component(peer) for rule in spec["egress"] for peer in rule.get("to", []) if "podSelector" in peer}


def allowed_in(spec: Json) -> set[str]:
    return {component(peer) for rule in spec["ingress"] for peer in rule.get("from", []) if "podSelector" in peer}


def calls_in_code() -> Iterator[tuple[str, str]]:
    """Yield who connects to whom, as the composition roots and adapters say; what works for a service is its `-job`."""
    for service in SERVICES:
        for file in (ROOT / "services" / service).rglob("*.py"):
            for called in _CALLED.findall(file.read_text()):
                yield (f"{service}-job" if file.name == "worker.py" else service), called


def test_whoever_calls_another_may() -> None:
    found = set(calls_in_code())

    assert {("drift", "serving"), ("serving", "trainer"), ("trainer-job", "profiler")} <= found
    for caller, called in found:
        assert called in allowed_out(policies()[caller]), f"{caller} calls {called}"
        assert caller in allowed_in(policies()[called]), f"{caller} calls {called}"


def test_where_no_jobs_are_made_a_service_may_call_whom_they_would() -> None:
    spec = policies("production", "jobs.enabled=false")

    assert not [name for name in spec if name.endswith("-job")]
    for caller, called in calls_in_code():
        service = caller.removesuffix("-job")
        assert called in allowed_out(spec[service]), f"{service} calls {called}"
        assert service in allowed_in(spec[called]), f"{service} calls {called}"


def test_all_that_is_traced_may_tell_the_collector() -> None:
    for name in (*SERVICES, "profiler-job", "trainer-job", "serving-job"):
        assert 4317 in {port["port"] for rule in policies()[name]["egress"] for port in rule["ports"]}, name


def test_the_gateway_may_call_all_others() -> None:
    assert allowed_out(policies()["gateway"]) == set(SERVICES) - {"gateway"}


def test_what_nobody_does_is_not_allowed() -> None:
    spec = policies()

    assert allowed_out(spec["profiler"]) == set()
    assert "drift" not in allowed_out(spec["conductor"])
    assert allowed_in(spec["conductor"]) == allowed_in(spec["drift"]) == {"gateway"}


def test_all_that_no_policy_allows_is_refused() -> None:
    spec = policies()["default"]

    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in spec
    assert spec["podSelector"]["matchLabels"] == {
        "app.kubernetes.io/name": "fairlead",
        "app.kubernetes.io/instance": RELEASE,
    }
    assert {port["port"] for rule in spec["egress"] for port in rule["ports"]} == {53}


def test_every_pod_that_keeps_state_elsewhere_may_reach_it() -> None:
    settings = ("networkPolicy.enabled=true", "backup.enabled=true")
    (expression,) = policies("minimal", *settings)["backends"]["podSelector"]["matchExpressions"]
    there = {pod["metadata"]["labels"]["app.kubernetes.io/component"] for _, pod in chart.pods("minimal", *settings)}

    assert set(expression["values"]) == {name for name in there if name != "test" and name not in DEV_SERVERS}


DEV_SERVERS = ("dev-kafka", "dev-postgres", "dev-s3")


def test_back_ends_for_trying_out_are_for_this_release() -> None:
    spec = policies("minimal", "networkPolicy.enabled=true")

    assert set(DEV_SERVERS) <= allowed_out(spec["backends"])
    (rule,) = spec["dev"]["ingress"]
    assert rule["from"][0]["podSelector"]["matchLabels"]["app.kubernetes.io/instance"] == RELEASE


def test_only_those_named_reach_the_gateway_and_the_metrics() -> None:
    spec = policies()["gateway"]
    by_port = {rule["ports"][0]["port"]: rule["from"] for rule in spec["ingress"]}

    assert by_port[7400][0] == {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}
    assert component(by_port[7400][1]) == "test"
    assert by_port[7501] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]


def test_only_services_that_make_jobs_reach_the_kubernetes_api() -> None:
    def reaches(spec: Json) -> bool:
        return any({"port": 6443, "protocol": "TCP"} in rule["ports"] for rule in spec["egress"])

    assert {name for name in SERVICES if reaches(policies()[name])} == {"profiler", "trainer", "serving"}


def test_a_service_answers_at_all_ports_that_its_policy_opens() -> None:
    for service in SERVICES:
        listens = {port["containerPort"] for port in chart.container(service, "production")["ports"]}
        opened = {port["port"] for rule in policies()[service]["ingress"] for port in rule["ports"]}
        # Nobody calls the gateway by gRPC.
        assert opened | {7401} == listens | {7401}, service
