"""The Open Inference Protocol as we wrote it down is, on the wire, what stock clients send."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.data import ROOT

OURS = "fairlead.api.inference.v2.open_inference_pb2"
TRITONS = ("tritonclient.grpc.service_pb2", "tritonclient.grpc.model_config_pb2")
DUMP = """
import importlib, json, sys
calls, fields, enums = {}, {}, {}
def walk(message):
    fields[message.full_name] = {
        field.name: [
            field.number, field.type, field.is_repeated, getattr(field.message_type or field.enum_type, "full_name", "")
        ]
        for field in message.fields
    }
    for nested in message.nested_types:
        walk(nested)
for name in sys.argv[1:]:
    file = importlib.import_module(name).DESCRIPTOR
    for service in file.services_by_name.values():
        for method in service.methods:
            calls[f"/{service.full_name}/{method.name}"] = [
                method.input_type.full_name, method.output_type.full_name,
                method.client_streaming, method.server_streaming,
            ]
    for message in file.message_types_by_name.values():
        walk(message)
    for enum in file.enum_types_by_name.values():
        enums[enum.full_name] = {value.name: value.number for value in enum.values}
print(json.dumps({"calls": calls, "fields": fields, "enums": enums}))
"""


def described(*modules: str) -> dict[str, Any]:
    """What generated modules describe; read by a process of its own, since their names clash."""
    done = subprocess.run([sys.executable, "-c", DUMP, *modules], cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def ours() -> dict[str, Any]:
    return described(OURS)


@pytest.fixture(scope="module")
def tritons() -> dict[str, Any]:
    return described(*TRITONS)


def test_every_call_of_triton_is_there_with_the_same_messages(ours: dict[str, Any], tritons: dict[str, Any]) -> None:
    assert len(tritons["calls"]) >= 20
    assert {name: ours["calls"].get(name) for name in tritons["calls"]} == tritons["calls"]


def test_every_field_has_its_number_and_type(ours: dict[str, Any], tritons: dict[str, Any]) -> None:
    different = {
        f"{message}.{name}": (field, tritons["fields"][message].get(name))
        for message, fields in ours["fields"].items()
        for name, field in fields.items()
        if tritons["fields"][message].get(name) != field
    }
    assert different == {}


def test_enumerations_are_the_same(ours: dict[str, Any], tritons: dict[str, Any]) -> None:
    assert {name: tritons["enums"][name] for name in ours["enums"]} == ours["enums"]


def test_field_6_of_metadata_stays_free(ours: dict[str, Any]) -> None:
    """The specification and MLServer put different maps there: what one family of clients reads breaks the other."""
    metadata = ours["fields"]["inference.ModelMetadataResponse"]
    assert 6 not in {number for number, *_ in metadata.values()}
