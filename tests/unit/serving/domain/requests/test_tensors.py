import json

import numpy as np
import pytest

from fairlead.kit.errors import InvalidArgument
from services.serving.domain.requests.content_types import decode_content
from services.serving.domain.requests.outputs import OutputTensor
from services.serving.domain.requests.raw_tensors import decode_raw, encode_raw
from services.serving.domain.requests.tensors import Tensor, columns_of_tensors
from tests.unit.serving.schemas import INCOME, PRICE, numbers, texts


def tensors_a_column() -> list[Tensor]:
    return [
        Tensor("married", "BOOL", (1, 1), np.array([True])),
        Tensor("age", "FP32", (1, 1), np.array([39], dtype=np.float32)),
        Tensor("seen", "BYTES", (1,), texts("1970-01-02")),
        Tensor("workclass", "BYTES", (1, 1), texts("Private")),
    ]


def test_one_tensor_a_column_in_any_order() -> None:
    columns, rows = columns_of_tensors(INCOME, tensors_a_column())
    assert (rows, [column.tolist() for column in columns]) == (1, [[39.0], ["Private"], [86400.0], [1.0]])


def test_one_matrix_in_the_order_of_the_inputs() -> None:
    matrix = Tensor("input", "FP64", (2, 2), numbers([3, 1, 4, 2]))
    columns, rows = columns_of_tensors(PRICE, [matrix])
    assert (rows, [column.tolist() for column in columns]) == (2, [[3, 4], [1, 2]])


def test_one_tensor_of_json_rows() -> None:
    rows = Tensor("rows", "BYTES", (2, 1), texts('{"rooms": 3, "age": null}', '{"rooms": "4"}'))
    columns, count = columns_of_tensors(PRICE, [rows])
    assert count == 2
    assert columns[0].tolist() == [3, 4]
    assert np.isnan(columns[1]).all()


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ([Tensor("x", "FP64", (1, 3), numbers([1, 2, 3]))], r"tensor 'x': shape \[1, 3\] was sent; expected \[n, 2\]"),
        ([Tensor("x", "FP64", (2,), numbers([1, 2]))], r"tensor 'x': shape \[2\] was sent; expected \[n, 2\]"),
        ([Tensor("x", "BYTES", (1,), texts("no json"))], "tensor 'x': element 0 is not a JSON object"),
        (
            [Tensor("rooms", "FP64", (1,), numbers([1])), Tensor("floor", "FP64", (1,), numbers([1]))],
            "tensor 'floor': the model has no input of this name; it reads rooms, age",
        ),
        (
            [Tensor("rooms", "FP64", (1,), numbers([1])), Tensor("rooms", "FP64", (1,), numbers([1]))],
            "tensor 'rooms': it was sent twice",
        ),
        (
            [Tensor("rooms", "FP64", (1, 2), numbers([1, 2])), Tensor("age", "FP64", (1,), numbers([1]))],
            r"tensor 'rooms': shape \[1, 2\] was sent; expected \[n\] or \[n, 1\]",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_the_tensors_name(tensors: list[Tensor], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        columns_of_tensors(PRICE, tensors)


def test_a_matrix_for_a_model_with_text_is_refused_naming_the_text_inputs() -> None:
    with pytest.raises(InvalidArgument, match=r"text inputs \(workclass\)"):
        columns_of_tensors(INCOME, [Tensor("x", "FP64", (1, 4), numbers([1, 2, 3, 4]))])


def test_text_survives_the_way_to_raw_bytes_and_back() -> None:
    raw = encode_raw(OutputTensor("predict", "BYTES", (3,), ["<=50K", "", "größer"]))
    assert decode_raw("predict", "BYTES", [3], raw).data.tolist() == ["<=50K", "", "größer"]


def test_numbers_are_little_endian_in_row_major_order() -> None:
    raw = encode_raw(OutputTensor("p", "FP64", (1, 2), numbers([0.25, 0.75]).reshape(1, 2)))
    assert raw == bytes.fromhex("000000000000d03f000000000000e83f")
    assert decode_raw("p", "INT16", [2], b"\x01\x00\xff\xff").data.tolist() == [1, -1]


def test_half_precision_is_read_in_both_its_forms() -> None:
    assert decode_raw("p", "FP16", [2], b"\x00\x3e\x00\xc0").data.tolist() == [1.5, -2.0]
    read = decode_raw("p", "BF16", [3], b"\xc0\x3f\x00\xc0\xc0\x7f").data
    np.testing.assert_array_equal(read, [1.5, -2.0, np.nan])


def test_an_empty_tensor_has_no_rows() -> None:
    tensors = [Tensor("rooms", "FP64", (0,), numbers([])), Tensor("age", "FP64", (0, 1), numbers([]))]
    assert columns_of_tensors(PRICE, tensors)[1] == 0
    assert decode_raw("x", "BYTES", [0, 1], b"").data.tolist() == []


@pytest.mark.parametrize(
    ("datatype", "shape", "raw", "message"),
    [
        ("FP64", [2], b"\x00" * 8, "asks for 2 elements, but 1 were sent"),
        ("FP64", [1], b"\x00" * 7, "7 bytes are no whole number of FP64 elements"),
        ("BYTES", [1], b"\x05\x00\x00\x00ab", "an element of 5 bytes is cut short"),
        ("BYTES", [1], b"\x05\x00", "the bytes end within an element's length"),
        ("BYTES", [1], b"\x01\x00\x00\x00\xff", "an element is not UTF-8"),
        ("FP8", [1], b"\x00\x00", "datatype 'FP8' is not read; send one of BOOL,"),
        ("BF16", [1], b"\x00\x00\x00", "3 bytes are no whole number of BF16 elements"),
        ("FP64", [-1], b"\x00" * 8, "asks for -1 elements"),
    ],
)
def test_broken_raw_bytes_are_refused(datatype: str, shape: list[int], raw: bytes, message: str) -> None:
    with pytest.raises(InvalidArgument, match=f"tensor 'x': .*{message}"):
        decode_raw("x", datatype, shape, raw)


def test_what_decoded_elements_of_a_text_column_are_is_spelled_as_a_category() -> None:
    sent = (
        Tensor("married", "BOOL", (1, 1), np.array([True])),
        Tensor("age", "FP64", (1, 1), numbers([39])),
        Tensor("seen", "BYTES", (1, 1), texts("1970-01-02")),
    )
    columns, _ = columns_of_tensors(INCOME, [*sent, Tensor("workclass", "BYTES", (1, 1), texts(3.0), decoded=True)])
    assert columns[1].tolist() == ["3"]


def test_values_that_are_no_texts_are_no_rows_in_json() -> None:
    tensor = Tensor("rows", "BYTES", (1,), np.array([3], dtype=object), decoded=True)
    with pytest.raises(InvalidArgument, match="element 0 is not a JSON object"):
        columns_of_tensors(PRICE, [tensor])


def test_json_rows_with_a_text_that_utf8_can_not_spell_are_refused() -> None:
    row = json.dumps({"age": 1, "workclass": "a\ud800", "seen": None, "married": None})
    with pytest.raises(InvalidArgument, match=r"column 'workclass', row 0: .* half of a pair of surrogates"):
        columns_of_tensors(INCOME, [Tensor("rows", "BYTES", (1,), texts(row))])


def test_a_json_value_with_a_text_that_utf8_can_not_spell_is_refused() -> None:
    decoded = decode_content("workclass", "pd_json", texts('"a\\ud800"'))
    sent = [tensor for tensor in tensors_a_column() if tensor.name != "workclass"]
    with pytest.raises(InvalidArgument, match=r"column 'workclass', row 0: .* half of a pair of surrogates"):
        columns_of_tensors(INCOME, [*sent, Tensor("workclass", "BYTES", (1,), decoded, decoded=True)])
