"""The schemas of the REST API show the contracts whole, and their examples are true to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from google.protobuf.descriptor import Descriptor

from fairlead.api.common.v1 import preparation_pb2, table_pb2
from fairlead.api.conductor.v1 import workflow_pb2
from fairlead.api.drift.v1 import experiment_pb2, monitor_pb2
from fairlead.api.events.v1 import events_pb2
from fairlead.api.gateway.v1 import project_service_pb2
from fairlead.api.profiler.v1 import dataset_pb2, profile_pb2
from fairlead.api.serving.v1 import deployment_pb2
from fairlead.api.tasks.v1 import task_pb2
from fairlead.api.trainer.v1 import model_pb2, run_pb2
from fairlead.api.trainer.v1 import preparation_pb2 as trainer_preparation_pb2
from services.gateway import app  # noqa: F401  loads all schemas
from services.gateway.schemas.base import Response, Schema

MODULES = (
    preparation_pb2,
    table_pb2,
    workflow_pb2,
    experiment_pb2,
    monitor_pb2,
    events_pb2,
    project_service_pb2,
    dataset_pb2,
    profile_pb2,
    deployment_pb2,
    task_pb2,
    model_pb2,
    trainer_preparation_pb2,
    run_pb2,
)
MESSAGES: dict[str, Descriptor] = {
    name: message for module in MODULES for name, message in module.DESCRIPTOR.message_types_by_name.items()
}
# The name says more than "Field"; the other two are put together here.
RENAMED = {"DatasetField": "Field"}
OWN = {"Suggestions", "Leaderboard", "TaskMessage"}


def schemas_of(base: type[Schema]) -> Iterator[type[Schema]]:
    for each in base.__subclasses__():
        if each.__module__.startswith("services.gateway"):
            yield each
            yield from schemas_of(each)


def name_of(schema: type[Schema]) -> str:
    return schema.__name__


def by_name(schemas: Iterable[type[Schema]]) -> list[type[Schema]]:
    return sorted(set(schemas), key=name_of)


RESPONSES = by_name(schemas_of(Response))
ALL = by_name(
    each for each in schemas_of(Schema) if each.model_fields and name_of(each) != "Page" and "[" not in name_of(each)
)


@pytest.mark.parametrize("schema", RESPONSES)
def test_a_response_has_the_fields_of_its_message(schema: type[Schema]) -> None:
    if schema.__name__ in OWN:
        return
    message = MESSAGES[RENAMED.get(schema.__name__, schema.__name__)]

    assert set(schema.model_fields) == {field.name for field in message.fields}


@pytest.mark.parametrize("schema", ALL)
def test_an_example_is_valid(schema: type[Schema]) -> None:
    schema.model_validate(schema.example())


@pytest.mark.parametrize("schema", ALL)
def test_every_field_is_described(schema: type[Schema]) -> None:
    assert [name for name, field in schema.model_fields.items() if not field.description] == []
