"""Values: documented, and refused where nobody knows them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from fairlead.kit.settings import KitSettings
from scripts import chart_docs
from tests.chart import chart
from tests.chart.chart import CHART, Refused

VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("servng.replicas=2", "servng"),
        ("serving.replica=2", "replica"),
        ("serving.replicas=two", "replicas"),
        ("common.resources.request.cpu=1", "request"),
        ("autoscaling.mode=always", "mode"),
        ("kafka.securityProtocol=TLS", "securityProtocol"),
        ("image.digests.serving=sha256:abc", "serving"),
        ("image.digests.web=sha256:abc", "web"),
        ("dev.kafka.imag=kafka", "imag"),
        ("jobs.resources.drift.limits.memory=1Gi", "drift"),
        ("networkPolicy.database.ports={postgres}", "ports"),
        ("tracing.ratio=2", "ratio"),
        ("backup.schedule=nightly", "schedule"),
        ("backup.keep=0", "keep"),
        ("backup.volume.accessMode=ReadOnlyMany", "accessMode"),
        ("operator.replicas=2", "replicas"),
        ("gateway.preStopSeconds=0", "preStopSeconds"),
        # What services or Kubernetes would refuse later.
        ("common.startupSeconds=1", "startupSeconds"),
        ("autoscaling.drift.maxReplicas=0", "maxReplicas"),
        ("conductor.replicas=2", "conductor"),
        ("dev.postgres.uid=0", "uid"),
        ("s3.region=", "region"),
    ],
)
def test_a_wrong_value_is_refused(setting: str, said: str) -> None:
    with pytest.raises(Refused, match=rf"specifications of the schema[^$]*{said}"):
        chart.text("minimal", setting)


def groups(schema: Any, values: Any, path: str = "") -> Iterator[tuple[str, set[str], set[str]]]:
    """Yield each group of values: its path, the names that the schema has, and those that are there."""
    schema = schema["allOf"][0] if "allOf" in schema else schema
    schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    if not isinstance(values, dict) or "properties" not in schema:
        return
    yield path, set(schema["properties"]), set(values)
    for name, value in values.items():
        yield from groups(schema["properties"][name], value, f"{path}.{name}")


def test_the_schema_has_the_values_and_no_others() -> None:
    own = {".global", ".operator", *(f".{service}" for service in chart.SERVICES)}
    open_to_others = {".image.digests", ".jobs.resources"}
    for path, known, there in groups(SCHEMA, VALUES):
        if path in own | open_to_others or path.endswith("resources"):
            assert there <= known, path
        else:
            assert there == known - {"global"}, path


def test_what_a_service_may_have_of_its_own_is_what_all_have() -> None:
    common = SCHEMA["properties"]["common"]

    for service in set(chart.SERVICES) - {"conductor"}:
        assert SCHEMA["properties"][service] == common
    # Of which there are never two.
    assert SCHEMA["properties"]["conductor"] == {"allOf": [common, {"properties": {"replicas": {"maximum": 1}}}]}


# The values that become settings as they are.
BECOMES = {
    "database.connections": "database_connections",
    "kafka.replicationFactor": "kafka_replication_factor",
    "s3.cacheMb": "blob_cache_mb",
    "common.drainSeconds": "drain_seconds",
    "jobs.deadlineSeconds": "job_deadline_seconds",
    "jobs.startSeconds": "job_start_seconds",
    "jobs.ttlSeconds": "job_ttl_seconds",
    "tracing.ratio": "trace_ratio",
}


@pytest.mark.parametrize(("value", "setting"), BECOMES.items())
def test_a_value_has_the_bounds_of_the_setting_that_it_becomes(value: str, setting: str) -> None:
    group, name = value.split(".")
    schema = SCHEMA["$defs"]["service"] if group == "common" else SCHEMA["properties"][group]
    ours, of_setting = schema["properties"][name], KitSettings.model_json_schema()["properties"][setting]
    least = of_setting["minimum"] if "minimum" in of_setting else of_setting["exclusiveMinimum"] + 1

    assert (ours["minimum"], ours.get("maximum")) == (least, of_setting.get("maximum"))


def test_a_conductor_may_be_stopped() -> None:
    assert chart.deployment("conductor", "minimal", "conductor.replicas=0")["spec"]["replicas"] == 0


LARGE = 2_000_000


def test_a_million_is_told_in_digits(tmp_path: Path) -> None:
    numbers = chart.variant_of(
        tmp_path / "numbers",
        {
            "trainer": {"env": {"FAIRLEAD_TRAINER_MAX_ROWS": LARGE, "FAIRLEAD_TRACE_RATIO": 0.25}},
            "s3": {"cacheMb": LARGE},
            "migrations": {"deadlineSeconds": LARGE},
            "jobs": {"deadlineSeconds": LARGE, "env": {"FAIRLEAD_SERVING_BATCH_ROWS": LARGE}},
            "autoscaling": {
                "mode": "keda",
                "drift": {"lag": LARGE},
                "keda": {"prometheus": {"serverAddress": "http://prometheus:9090"}},
            },
            "dev": {"enabled": True, "postgres": {"uid": LARGE}},
        },
    )
    told = chart.environment(chart.container("trainer", numbers))
    in_a_job = chart.environment(chart.job_pods(numbers)["serving"]["spec"]["containers"][0])
    trigger = chart.of_kind("ScaledObject", numbers)[f"{chart.RELEASE}-drift"]["spec"]["triggers"][1]
    postgres = chart.of_kind("StatefulSet", numbers)[f"{chart.RELEASE}-dev-postgres"]["spec"]["template"]["spec"]

    assert told["FAIRLEAD_TRAINER_MAX_ROWS"] == told["FAIRLEAD_JOB_DEADLINE_SECONDS"] == str(LARGE)
    assert told["FAIRLEAD_TRACE_RATIO"] == "0.25"
    assert in_a_job["FAIRLEAD_SERVING_BATCH_ROWS"] == str(LARGE)
    assert chart.of_kind("ConfigMap", numbers)[f"{chart.RELEASE}-env"]["data"]["FAIRLEAD_BLOB_CACHE_MB"] == str(LARGE)
    assert chart.of_kind("Job", numbers)[f"{chart.RELEASE}-migrate"]["spec"]["activeDeadlineSeconds"] == LARGE
    assert trigger["metadata"]["lagThreshold"] == str(LARGE)
    assert postgres["securityContext"]["runAsUser"] == LARGE


def test_no_group_takes_values_that_nobody_knows() -> None:
    def closed(schema: Any) -> Iterator[bool]:
        if isinstance(schema, dict):
            if schema.get("type") == "object" and "properties" in schema:
                yield schema["additionalProperties"] is False
            for each in schema.values():
                yield from closed(each)

    assert all(closed(SCHEMA))


def test_every_value_is_documented() -> None:
    documented = {value.path for value in chart_docs.documented((CHART / "values.yaml").read_text())}
    undocumented = [
        path
        for path in chart_docs.leaves(VALUES)
        if not any(path == known or path.startswith(f"{known}.") for known in documented)
    ]

    assert undocumented == []


def test_the_readme_is_fresh() -> None:
    assert chart_docs.README.read_text() == chart_docs.page(), "run scripts/chart_docs.py"


def test_a_long_default_is_left_to_the_file() -> None:
    values = list(chart_docs.documented("# -- How much.\nmuch:\n  a: {b: 1}\n# -- Which.\nwhich: [1]\nsilent: 1\n"))

    assert [(value.path, value.row()) for value in values] == [
        ("much", '| `much` | `{"a": {"b": 1}}` | How much. |'),
        ("which", "| `which` | `[1]` | Which. |"),
    ]
    assert chart_docs.Value("x", "y" * 100, "z").row() == "| `x` | see values.yaml | z |"
