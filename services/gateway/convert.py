"""Protobuf to the JSON that the REST API speaks; see the README for the conventions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from google.protobuf import symbol_database
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

from fairlead.api.events.v1 import events_pb2  # noqa: F401  every message a task may return must be registered
from fairlead.api.profiler.v1 import dataset_pb2, profile_pb2  # noqa: F401
from fairlead.api.serving.v1 import prediction_service_pb2  # noqa: F401
from fairlead.api.trainer.v1 import model_pb2, preparation_pb2, run_pb2  # noqa: F401

Json = dict[str, Any]


def to_json(message: Message) -> Json:
    """Return a message as JSON values: every field is present, absent messages are None."""
    return {field.name: _field(message, field) for field in message.DESCRIPTOR.fields}


def any_to_json(packed: AnyMessage) -> Json:
    """Return a packed message as JSON with its full name under "@type"; an unknown type has only that."""
    name = packed.TypeName()
    try:
        message = symbol_database.Default().GetSymbol(name)()
    except KeyError:
        return {"@type": name}
    packed.Unpack(message)
    return {"@type": name, **_message(message)}


def timestamp_to_json(timestamp: Timestamp) -> str:
    """Return an instant as RFC 3339 in UTC with milliseconds."""
    instant = timestamp.ToDatetime(tzinfo=UTC)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def instant(time: datetime) -> Timestamp:
    """Return a datetime, which must know its zone, as a protobuf timestamp."""
    timestamp = Timestamp()
    timestamp.FromDatetime(time.astimezone(UTC))
    return timestamp


def seconds(value: float) -> Duration:
    """Return seconds as a protobuf duration."""
    duration = Duration()
    duration.FromNanoseconds(round(value * 1e9))
    return duration


def struct(values: Mapping[str, Any]) -> Struct:
    """Return a JSON object as a protobuf struct."""
    message = Struct()
    message.update(dict(values))
    return message


def _field(message: Message, field: FieldDescriptor) -> Any:
    value = getattr(message, field.name)
    if field.is_repeated:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            one = _scalar(field.message_type.fields_by_name["value"])
            return {key: one(item) for key, item in value.items()}
        one = _scalar(field)
        return [one(item) for item in value]
    if field.has_presence and not message.HasField(field.name):
        return None
    return _scalar(field)(value)


@lru_cache(maxsize=1024)
def _scalar(field: FieldDescriptor) -> Callable[[Any], Any]:
    """Return what turns one value of the field into JSON."""
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return _message
    if field.type == FieldDescriptor.TYPE_ENUM:
        names = _enum_names(field.enum_type)
        return lambda number: names.get(number, "unspecified")
    if field.type in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
        return lambda number: number if math.isfinite(number) else None
    return lambda value: value


def _message(message: Any) -> Any:
    if isinstance(message, Timestamp):
        return timestamp_to_json(message)
    if isinstance(message, Duration):
        return message.ToNanoseconds() / 1e9
    if isinstance(message, AnyMessage):
        return any_to_json(message)
    if isinstance(message, Struct):
        return {key: _value(value) for key, value in message.fields.items()}
    return to_json(message)


def _value(value: Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "number_value":
        return _number(value.number_value)
    if kind == "struct_value":
        return _message(value.struct_value)
    if kind == "list_value":
        return [_value(item) for item in value.list_value.values]
    return None if kind in (None, "null_value") else getattr(value, kind)


def _number(number: float) -> int | float | None:
    """Return a struct's number, which protobuf keeps as a double, as people wrote it: 5, not 5.0."""
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


@lru_cache(maxsize=64)
def _enum_names(enum: EnumDescriptor) -> dict[int, str]:
    return {value.number: value.name.removeprefix(_prefix(enum)).lower() for value in enum.values}


def _prefix(enum: EnumDescriptor) -> str:
    """Return the start that buf's rules give each value: TASK_STATE_ for TASK_STATE_UNSPECIFIED."""
    return str(enum.values[0].name).removesuffix("UNSPECIFIED")
