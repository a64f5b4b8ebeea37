"""Each set of values in ci/ gives objects that Kubernetes and the operators take."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from scripts import chart_schemas
from tests.chart import chart
from tests.chart.chart import CHART, VARIANTS, Refused


def kubeconform(given: str) -> tuple[int, str]:
    schemas = chart_schemas.fetch()
    places = [part for place in chart_schemas.locations(schemas) for part in ("-schema-location", place)]
    command = [chart.program("kubeconform"), "-strict", "-summary", *places]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("variant", VARIANTS)
def test_helm_finds_no_fault(variant: str) -> None:
    values = CHART / "ci" / f"{variant}.yaml"

    chart.helm("lint", "--strict", "--kube-version", chart.KUBERNETES, str(CHART), "--values", str(values))


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_object_is_as_its_api_defines(variant: str) -> None:
    status, said = kubeconform(chart.text(variant))

    assert status == 0, said
    assert f"{len(chart.objects(variant))} resources found" in said
    assert "Skipped: 0" in said


@pytest.mark.parametrize(
    ("variant", "line", "wrong"),
    [
        ("minimal", "terminationGracePeriodSeconds: 60", "terminationGraceSeconds: 60"),
        ("production", "pollingInterval: 10", "pollingEvery: 10"),
        ("production", "renewBefore: 720h", "renewIn: 720h"),
        ("airgapped", "instances: 3", "instancs: 3"),
        ("airgapped", "honorLabels: true", "honourLabels: true"),
        ("airgapped", "type: scram-sha-512", "type: scram"),
    ],
)
def test_a_field_that_nobody_defines_would_be_found(variant: str, line: str, wrong: str) -> None:
    given = next(document for document in chart.text(variant).split("\n---\n") if line in document)

    assert kubeconform(given)[0] == 0
    status, said = kubeconform(given.replace(line, wrong))
    assert status == 1
    assert "Errors: 0" in said


def test_without_values_it_says_what_is_missing() -> None:
    with pytest.raises(Refused, match=r"No Kafka: set kafka\.bootstrapServers"):
        chart.helm("template", "demo", str(CHART), "--kube-version", chart.KUBERNETES)


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_two_objects_are_the_same(variant: str) -> None:
    # A hook after a deletion takes the name of the one that it removes.
    names = [
        (each["kind"], each["metadata"]["name"], each["metadata"].get("annotations", {}).get("helm.sh/hook"))
        for each in chart.objects(variant)
    ]

    assert len(names) == len(set(names))


def test_the_schemas_of_strimzi_are_ours() -> None:
    assert {path.name for path in Path(__file__).with_name("schemas").glob("*/*.json")} == {
        "kafkatopic_v1.json",
        "kafkauser_v1.json",
    }


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_key_comes_twice(variant: str) -> None:
    # The second would win without a word.
    def check(node: yaml.Node) -> None:
        if isinstance(node, yaml.MappingNode):
            keys = [key.value for key, _ in node.value]
            assert len(keys) == len(set(keys)), f"{keys} in line {node.start_mark.line + 1}"
        for child in node.value if isinstance(node, yaml.CollectionNode) else ():
            for each in child if isinstance(child, tuple) else (child,):
                check(each)

    for document in yaml.compose_all(chart.text(variant)):
        if document is not None:
            check(document)
