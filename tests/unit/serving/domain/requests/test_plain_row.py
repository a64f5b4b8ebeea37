"""A row read at once is what its tensors would be."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from fairlead.api.inference.v2 import open_inference_pb2 as pb
from services.serving.domain.models.schema import InputColumn, Kind, Schema, TaskType
from services.serving.domain.requests.columns import Columns
from services.serving.domain.requests.plain_row import PlainRow, columns_of_plain_row, columns_of_plain_rows
from services.serving.domain.requests.tensors import columns_of_tensors
from services.serving.doors.open_inference.convert import tensors_of
from services.serving.doors.open_inference.row import plain_row
from services.serving.doors.rest.infer_request import parse_infer_request
from tests.unit.serving.schemas import INCOME

PERSON = Schema(
    TaskType.BINARY,
    ("no", "yes"),
    (
        InputColumn("work", Kind.TEXT, "work"),
        InputColumn("age", Kind.NUMBER, "age"),
        InputColumn("married", Kind.BOOLEAN, "married"),
        InputColumn("town", Kind.TEXT, "town"),
    ),
)


def tensor(name: str, datatype: str, *data: Any, **others: Any) -> dict[str, Any]:
    return {"name": name, "shape": [len(data)], "datatype": datatype, "data": list(data), **others}


def person(**changes: dict[str, Any]) -> list[dict[str, Any]]:
    known = {
        "work": tensor("work", "BYTES", "Private"),
        "age": tensor("age", "FP64", 39.5),
        "married": tensor("married", "FP32", 1),
        "town": tensor("town", "BYTES", "Zürich"),
    }
    return list({**known, **changes}.values())


def assert_same(found: Columns, expected: Columns) -> None:
    for one, other in zip(found, expected, strict=True):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "inputs",
    [
        person(),
        person(age=tensor("age", "FP64", 39)),
        person(age=tensor("age", "FP32", None)),
        person(town=tensor("town", "BYTES", None), work=tensor("work", "BYTES", "")),
        person(age={**tensor("age", "FP64", 39.5), "shape": [1, 1]}),
    ],
)
def test_a_plain_row_of_json_is_read_at_once(inputs: list[dict[str, Any]]) -> None:
    request = parse_infer_request(json.dumps({"inputs": inputs}).encode(), None)
    assert request.row is not None
    columns = columns_of_plain_row(PERSON, request.row)
    assert columns is not None
    assert_same(columns, columns_of_tensors(PERSON, request.tensors)[0])


@pytest.mark.parametrize(
    "inputs",
    [
        person(age=tensor("age", "INT64", 39)),
        person(age=tensor("age", "FP64", True)),
        person(age=tensor("age", "FP64", "")),
        person(age={**tensor("age", "FP64", 39.5), "data": [[39.5]], "shape": [1, 1]}),
        person(work=tensor("work", "BYTES", "UHJpdmF0ZQ==", parameters={"content_type": "base64"})),
        [tensor(name, kind, *data, *data) for name, kind, data in (("work", "BYTES", "a"), ("age", "FP64", [1.0]))],
    ],
)
def test_what_is_out_of_the_ordinary_is_read_as_tensors(inputs: list[dict[str, Any]]) -> None:
    request = parse_infer_request(json.dumps({"inputs": inputs}).encode(), None)
    assert request.row is None
    assert [each.name for each in request.tensors] == [each["name"] for each in inputs]


def test_a_row_that_is_not_sent_as_the_model_reads_it_is_left_to_its_tensors() -> None:
    for inputs in (person()[::-1], person()[:3], person(age=tensor("age", "BYTES", "39.5"))):
        request = parse_infer_request(json.dumps({"inputs": inputs}).encode(), None)
        assert request.row is not None
        assert columns_of_plain_row(PERSON, request.row) is None


def message(work: bytes = b"\x07\0\0\0Private", age: tuple[str, bytes] = ("FP64", bytes(8))) -> pb.ModelInferRequest:
    request = pb.ModelInferRequest(model_name="p.person")
    for name, datatype, raw in (
        ("work", "BYTES", work),
        ("age", *age),
        ("married", "FP32", np.float32(1).tobytes()),
        ("town", "BYTES", b"\x00\0\0\0"),
    ):
        request.inputs.add(name=name, datatype=datatype, shape=[1, 1])
        request.raw_input_contents.append(raw)
    return request


@pytest.mark.parametrize("age", [("FP64", np.float64(39.5)), ("FP32", np.float32(0.1)), ("INT64", np.int64(2**53 + 1))])
def test_a_plain_row_of_messages_is_read_at_once(age: tuple[str, np.generic]) -> None:
    request = message(age=(age[0], age[1].tobytes()))
    row = plain_row(request)
    assert row is not None
    columns = columns_of_plain_row(PERSON, row)
    assert columns is not None
    assert_same(columns, columns_of_tensors(PERSON, tensors_of(request))[0])


@pytest.mark.parametrize(
    "request_",
    [
        message(work=b"\x06\0\0\0Private"),
        message(work=b"\x01\0\0\0\xff"),
        message(age=("FP64", bytes(4))),
        message(age=("FP16", bytes(2))),
        pb.ModelInferRequest(inputs=[pb.ModelInferRequest.InferInputTensor(name="age", datatype="FP64", shape=[1])]),
    ],
)
def test_messages_out_of_the_ordinary_are_read_as_tensors(request_: pb.ModelInferRequest) -> None:
    assert plain_row(request_) is None


def test_a_row_sent_as_one_before_is_read_by_its_own_values() -> None:
    assert plain_row(message()) is not None
    row = plain_row(message(work=b"\x03\0\0\0two", age=("FP64", np.float64(7).tobytes())))
    assert row is not None
    assert row.values[:2] == ["two", 7]
    for broken in (message(work=b"\x04\0\0\0two"), message(age=("FP64", bytes(7))), message(work=b"\x01\0\0\0\xff")):
        assert plain_row(broken) is None


def rows_of(*people: list[dict[str, Any]]) -> list[PlainRow]:
    requests = [parse_infer_request(json.dumps({"inputs": inputs}).encode(), None) for inputs in people]
    rows = [request.row for request in requests]
    assert None not in rows
    return [row for row in rows if row is not None]


def test_rows_of_several_requests_become_the_columns_that_they_are_one_by_one() -> None:
    rows = rows_of(
        person(), person(age=tensor("age", "FP64", None)), person(town=tensor("town", "BYTES", None)), person()
    )
    together = columns_of_plain_rows(PERSON, rows)
    each = [columns_of_plain_row(PERSON, row) for row in rows]
    assert together is not None
    assert None not in each
    assert_same(together, tuple(np.concatenate(column) for column in zip(*(one or () for one in each), strict=True)))


@pytest.mark.parametrize("kinds", [(Kind.TEXT, Kind.TEXT), (Kind.NUMBER, Kind.DATETIME), (Kind.NUMBER,)])
def test_rows_of_one_kind_of_column_alone_are_read_together_too(kinds: tuple[Kind, ...]) -> None:
    names = tuple("ab"[: len(kinds)])
    schema = Schema(
        TaskType.REGRESSION, (), tuple(InputColumn(name, kind, name) for name, kind in zip(names, kinds, strict=True))
    )
    texts = tuple(kind is Kind.TEXT for kind in kinds)
    values: list[list[str | float]] = [
        ["x" if text else 1.5 for text in texts],
        ["y" if text else 2.5 for text in texts],
    ]
    columns = columns_of_plain_rows(schema, [PlainRow(names, texts, row) for row in values])
    assert columns is not None
    assert [column.tolist() for column in columns] == [list(column) for column in zip(*values, strict=True)]


def test_a_row_that_is_not_as_the_model_reads_it_keeps_all_from_being_read_together() -> None:
    good, other = rows_of(person(), list(reversed(person())))
    assert columns_of_plain_rows(PERSON, [good, other]) is None


@pytest.mark.parametrize("seen", [1.7e12, float("inf"), -1e12])
def test_an_instant_that_no_text_can_tell_is_left_to_be_refused(seen: float) -> None:
    row = PlainRow(("age", "workclass", "seen", "married"), (False, True, False, False), [39.0, "a", seen, 1.0])
    assert columns_of_plain_row(INCOME, row) is None
    columns = columns_of_plain_row(INCOME, row._replace(values=[39.0, "a", 1.7e9, 1.0]))
    assert columns is not None and columns[2].tolist() == [1.7e9]
