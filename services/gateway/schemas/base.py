"""What every schema shares: strict requests, examples put together from those of the fields."""

from __future__ import annotations

from typing import Any, Generic, Self, TypeVar, get_args

from google.protobuf.message import Message
from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

from ..convert import to_json


def _add_example(schema: dict[str, Any], model: type[Any]) -> None:
    schema["examples"] = [model.example()]


class Schema(BaseModel):
    """A JSON object of the API."""

    model_config = ConfigDict(json_schema_extra=_add_example, protected_namespaces=())

    @classmethod
    def example(cls) -> dict[str, Any]:
        """Return an example, made of the first example of each field and of the schemas within."""
        return {field.alias or name: _field_example(field) for name, field in cls.model_fields.items()}


class Response(Schema):
    """What the API answers; named as the proto message it shows."""

    @classmethod
    def of(cls, message: Message) -> Self:
        """Return the message as this schema."""
        return cls.model_validate(to_json(message))


class Request(Schema):
    """What the API accepts; an unknown member is an error, for it is often a misspelt one."""

    model_config = ConfigDict(extra="forbid")


Item = TypeVar("Item")


class Page(Schema, Generic[Item]):
    """One page of a list."""

    items: list[Item] = Field(description="The items of this page.")
    next_page_token: str = Field("", description="Pass it as page_token for the next page; empty on the last.")


def _field_example(field: FieldInfo) -> Any:
    if field.examples:
        return field.examples[0]
    inner = next(iter(_schemas_in(field.annotation)), None)
    if inner is None:
        return field.get_default(call_default_factory=True)
    example = inner.example()
    return [example] if getattr(field.annotation, "__origin__", None) is list else example


def _schemas_in(annotation: Any) -> list[type[Schema]]:
    if isinstance(annotation, type) and issubclass(annotation, Schema):
        return [annotation]
    return [found for argument in get_args(annotation) for found in _schemas_in(argument)]
