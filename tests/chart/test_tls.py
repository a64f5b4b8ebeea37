"""Certificates of the services, and the way in from outside."""

from __future__ import annotations

import pytest
import yaml

from tests.chart import chart
from tests.chart.chart import CHART, RELEASE, SERVICES, Json


def secret_of(pod: Json) -> list[str]:
    return [each["secret"]["secretName"] for each in pod["spec"]["volumes"] if each["name"] == "tls"]


def test_each_service_has_a_certificate_for_the_names_that_it_is_called_by() -> None:
    settings = chart.of_kind("ConfigMap", "production")[f"{RELEASE}-env"]["data"]
    for service in SERVICES:
        spec = chart.of_kind("Certificate", "production")[f"{RELEASE}-{service}"]["spec"]
        called = settings[f"FAIRLEAD_{service.upper()}_ADDRESS"].removeprefix("dns:///").partition(":")[0]
        assert called in spec["dnsNames"]
        assert {"server auth", "client auth"} <= set(spec["usages"])
        assert spec["privateKey"]["rotationPolicy"] == "Always"
        assert spec["issuerRef"] == {"name": "cluster-authority", "kind": "ClusterIssuer", "group": "cert-manager.io"}
        assert secret_of(chart.deployment(service, "production")["spec"]["template"]) == [spec["secretName"]]


def test_what_works_in_jobs_has_its_services() -> None:
    for service, pod in chart.job_pods("production").items():
        assert secret_of(pod) == [f"{RELEASE}-{service}-tls"]


def test_files_are_where_settings_say() -> None:
    settings = chart.of_kind("ConfigMap", "production")[f"{RELEASE}-env"]["data"]

    assert {name: settings[name] for name in settings if "_TLS_" in name} == {
        "FAIRLEAD_TLS_CERTIFICATE_FILE": "/etc/fairlead/tls/tls.crt",
        "FAIRLEAD_TLS_KEY_FILE": "/etc/fairlead/tls/tls.key",
        "FAIRLEAD_TLS_CA_FILE": "/etc/fairlead/tls/ca.crt",
    }
    assert {"name": "tls", "mountPath": "/etc/fairlead/tls", "readOnly": True} in chart.container(
        "drift", "production"
    )["volumeMounts"]


def test_without_an_issuer_the_release_has_an_authority_of_its_own() -> None:
    issuers = chart.of_kind("Issuer", "airgapped")
    authority = chart.of_kind("Certificate", "airgapped")[f"{RELEASE}-ca"]["spec"]

    assert authority["isCA"] is True
    assert authority["privateKey"]["rotationPolicy"] == "Never"
    assert issuers[f"{RELEASE}-ca"]["spec"] == {"ca": {"secretName": authority["secretName"]}}
    assert chart.of_kind("Certificate", "airgapped")[f"{RELEASE}-drift"]["spec"]["issuerRef"]["name"] == f"{RELEASE}-ca"


def test_no_name_is_longer_than_certificates_take() -> None:
    space = "ns-" + "n" * 60
    given = chart.helm(
        *("template", "release-" + "r" * 40, str(CHART), "--kube-version", chart.KUBERNETES, "--namespace", space),
        *("--values", str(CHART / "ci" / "airgapped.yaml"), "--set", "operator.enabled=true"),
    )
    names = [each["spec"]["commonName"] for each in yaml.safe_load_all(given) if each and each["kind"] == "Certificate"]

    assert len(names) == 2 + len(SERVICES)
    assert all(len(name) <= 64 for name in names)


@pytest.mark.parametrize("variant", ["minimal", "production"])
def test_a_port_says_what_is_spoken_at_it(variant: str) -> None:
    clear = variant == "minimal"
    for service in SERVICES:
        for port in chart.of_kind("Service", variant)[f"{RELEASE}-{service}"]["spec"]["ports"]:
            by_grpc = port["name"].startswith("grpc")
            # There is no word for gRPC within TLS.
            assert port.get("appProtocol") == (("kubernetes.io/h2c" if clear else None) if by_grpc else "http"), service


def test_a_secret_that_is_named_needs_no_cert_manager() -> None:
    settings = ("tls.existingSecret=ours",)

    assert chart.of_kind("Certificate", "airgapped", *settings) == chart.of_kind("Issuer", "airgapped", *settings) == {}
    for service in SERVICES:
        assert secret_of(chart.deployment(service, "airgapped", *settings)["spec"]["template"]) == ["ours"]


def test_without_tls_nothing_is_mounted() -> None:
    assert secret_of(chart.deployment("drift", "minimal")["spec"]["template"]) == []
    assert not [name for name in chart.of_kind("ConfigMap", "minimal")[f"{RELEASE}-env"]["data"] if "_TLS_" in name]


def test_the_ingress_leads_to_the_gateway() -> None:
    (ingress,) = chart.of_kind("Ingress", "production").values()
    (rule,) = ingress["spec"]["rules"]

    assert rule["host"] == "fairlead.example.org"
    assert rule["http"]["paths"][0]["backend"]["service"] == {"name": f"{RELEASE}-gateway", "port": {"name": "http"}}
    assert ingress["spec"]["tls"] == [{"hosts": ["fairlead.example.org"], "secretName": f"{RELEASE}-ingress-tls"}]
