import gzip
import json
import struct
import zlib
from typing import Any

import numpy as np
import pytest

from fairlead.kit.errors import InvalidArgument, ResourceExhausted, Unimplemented
from services.serving.domain.models.schema import InputColumn, Kind
from services.serving.domain.requests.columns import to_model
from services.serving.domain.requests.limits import RequestLimits
from services.serving.domain.requests.options import PLAIN, PredictionOptions
from services.serving.doors.rest.compression import compress, decompress
from services.serving.doors.rest.http import Response
from services.serving.doors.rest.infer_request import parse_infer_request

MEGABYTE = 1024 * 1024


def tensor(**changes: Any) -> dict[str, Any]:
    return {"name": "age", "shape": [2, 1], "datatype": "FP64", "data": [39, None], **changes}


def parse(request: object, binary: bytes = b"") -> Any:
    head = json.dumps(request).encode()
    return parse_infer_request(head + binary, str(len(head)).encode() if binary else None)


def test_null_and_the_empty_text_are_missing() -> None:
    request = parse(
        {
            "inputs": [
                tensor(),
                tensor(name="work", datatype="BYTES", data=["a", None]),
                tensor(name="hours", datatype="INT64", data=["", 4]),
            ]
        }
    )
    np.testing.assert_array_equal(request.tensors[0].data, [39, np.nan])
    assert request.tensors[1].data.tolist() == ["a", ""]
    np.testing.assert_array_equal(request.tensors[2].data, [np.nan, 4])


@pytest.mark.parametrize(
    ("datatype", "data", "expected"),
    [
        ("INT64", [2**53 + 1, -(2**63)], ["9007199254740993", "-9223372036854775808"]),
        ("INT64", [2**53 + 1, None], ["9007199254740993", ""]),
        ("UINT64", [2**64 - 1, None], ["18446744073709551615", ""]),
        ("INT8", [3.0, None], ["3", ""]),
        ("BOOL", [True, 0], ["true", "false"]),
        ("BOOL", [None, True], ["", "true"]),
    ],
)
def test_whole_numbers_and_booleans_are_spelled_exactly_where_they_are_categories(
    datatype: str, data: list[Any], expected: list[str]
) -> None:
    read = parse({"inputs": [tensor(datatype=datatype, data=data)]}).tensors[0]
    assert to_model(InputColumn("code", Kind.TEXT, "code"), read.data).tolist() == expected


@pytest.mark.parametrize(
    ("datatype", "data"),
    [
        ("FP64", [39, 2.5, True, 2**53 + 1, 1e308, -0.0]),
        ("FP32", [0.1, 16777217]),
        ("INT64", [2**63 - 1, -(2**63), True, 0]),
        ("UINT64", [2**64 - 1, 0]),
        ("INT8", [127, -128, 3.0]),
        ("UINT16", [65535, 0]),
        ("BYTES", ["a", "", "Größer"]),
    ],
)
def test_values_are_the_same_whether_or_not_one_beside_them_is_missing(datatype: str, data: list[Any]) -> None:
    every = parse({"inputs": [tensor(datatype=datatype, shape=[len(data)], data=data)]}).tensors[0]
    some = parse({"inputs": [tensor(datatype=datatype, shape=[len(data) + 1], data=[*data, None])]}).tensors[0]
    assert every.data.tolist() == some.data.tolist()[:-1]


@pytest.mark.parametrize(
    ("content_type", "data", "expected"),
    [
        ("str", ["a", None], ["a", ""]),
        ("pd_json", ['"a"', "3", "null", "true"], ["a", "3", "", "true"]),
        ("base64", ["R3LDtsOfZXI=", ""], ["Größer", ""]),
        ("unknown", ["a"], ["a"]),
    ],
)
def test_texts_are_read_as_their_content_type_says(content_type: str, data: list[Any], expected: list[str]) -> None:
    given = tensor(datatype="BYTES", shape=[len(data)], data=data, parameters={"content_type": content_type})
    read = parse({"inputs": [given]}).tensors[0]
    assert to_model(InputColumn("code", Kind.TEXT, "code"), read.data).tolist() == expected


def test_parameters_say_what_else_is_asked_for_and_how_long_is_waited() -> None:
    parameters = {"fairlead_explain": True, "fairlead_interval": 0.9, "fairlead_routing_key": "ann", "timeout": 250_000}
    request = parse({"inputs": [tensor()], "parameters": parameters})
    assert request.options == PredictionOptions("ann", explain=True, interval=0.9)
    assert request.timeout == 0.25
    plain = parse({"inputs": [tensor()], "parameters": {"priority": 3, "timeout": 0}})
    assert (plain.options, plain.timeout) == (PLAIN, None)


def test_more_elements_than_allowed_are_refused_before_they_are_read() -> None:
    limits = RequestLimits(rows=10, elements=100)
    body = json.dumps({"inputs": [tensor(shape=[101], data=None), "x" * 100]}).encode()
    with pytest.raises(InvalidArgument, match="101 elements; one request may have 100"):
        parse_infer_request(body, None, limits)


def test_nested_data_is_flattened() -> None:
    assert parse({"inputs": [tensor(data=[[1], [2]])]}).tensors[0].data.tolist() == [1, 2]


def test_binary_tensors_follow_the_json_part_in_order() -> None:
    age = {"name": "age", "shape": [2], "datatype": "FP32", "parameters": {"binary_data_size": 8}}
    work = {"name": "work", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": 5}}
    plain = tensor(name="hours")
    request = parse({"inputs": [age, plain, work]}, struct.pack("<ff", 1.5, 2.5) + b"\x01\x00\x00\x00x")
    assert [found.data.tolist() for found in request.tensors[::2]] == [[1.5, 2.5], ["x"]]


@pytest.mark.parametrize(
    ("outputs", "parameters", "expected"),
    [
        ([{"name": "predict"}], {}, [False]),
        ([{"name": "predict"}], {"binary_data_output": True}, [True]),
        ([{"name": "predict", "parameters": {"binary_data": False}}], {"binary_data_output": True}, [False]),
        ([{"name": "a", "parameters": {"binary_data": True}}, {"name": "b"}], {}, [True, False]),
    ],
)
def test_each_output_is_sent_as_it_was_asked_for(outputs: Any, parameters: Any, expected: list[bool]) -> None:
    request = parse({"inputs": [tensor()], "outputs": outputs, "parameters": parameters})
    assert [output.binary for output in request.outputs] == expected


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ([], "the request is no JSON object"),
        ({}, "inputs: a list of tensors is expected"),
        ({"inputs": [3]}, r"inputs\[0\] is no object"),
        ({"inputs": [tensor(shape=None)]}, "tensor 'age': shape is missing"),
        ({"inputs": [tensor(shape=[3, 1])]}, "tensor 'age': shape .* asks for 3 elements, but 2 were sent"),
        ({"inputs": [tensor(data=None)]}, "tensor 'age': data is missing"),
        ({"inputs": [tensor(data=["a", 1])]}, "tensor 'age': element 0 is 'a'; FP64 elements are numbers"),
        ({"inputs": [tensor(datatype="BYTES", data=[1, 2])]}, "tensor 'age': element 0 is 1; BYTES elements are texts"),
        ({"inputs": [tensor(data=[1, {}])]}, "tensor 'age': element 1 is {}; FP64 elements are numbers"),
        (
            {"inputs": [tensor(datatype="INT8", data=[1, 128])]},
            "element 1 is 128; INT8 elements are whole numbers from",
        ),
        ({"inputs": [tensor(datatype="UINT8", data=[-1, 1])]}, "element 0 is -1; UINT8 elements are whole numbers"),
        ({"inputs": [tensor(datatype="INT64", data=[1.5, 1])]}, "element 0 is 1.5; INT64 elements are whole numbers"),
        ({"inputs": [tensor(datatype="BOOL", data=[2, 1])]}, "element 0 is 2; BOOL elements are true, false or null"),
        (
            {"inputs": [tensor(datatype="BYTES", data=["{", None], parameters={"content_type": "pd_json"})]},
            "tensor 'age': element 0 is not pd_json",
        ),
        (
            {"inputs": [tensor()], "outputs": [{"name": "p", "parameters": {"classification": -1}}]},
            r"outputs\[0\]: classification is -1; a whole number of classes",
        ),
        (
            {"inputs": [tensor()], "parameters": {"fairlead_explain": "yes"}},
            "parameter 'fairlead_explain': it is 'yes'",
        ),
        ({"inputs": [tensor()], "parameters": {"timeout": "soon"}}, "parameter 'timeout': it is 'soon'"),
        ({"inputs": [tensor(datatype="FP8")]}, "tensor 'age': datatype 'FP8' is not read"),
        ({"inputs": [tensor()], "outputs": "predict"}, "outputs: a list of objects"),
        ({"inputs": [tensor()], "id": 7}, "id is 7; a text is expected"),
        (
            {"inputs": [{**tensor(), "parameters": {"binary_data_size": 16}}]},
            "tensor 'age': binary_data_size is 16, but 0 bytes follow",
        ),
    ],
)
def test_what_is_wrong_is_named(request_: object, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        parse(request_)


def test_bytes_that_no_tensor_asks_for_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="3 bytes follow the JSON part that no tensor's size asks for"):
        parse({"inputs": [tensor()]}, b"abc")


@pytest.mark.parametrize("length", [b"999999", b"-1", b"many"])
def test_a_false_header_length_is_refused(length: bytes) -> None:
    with pytest.raises(InvalidArgument, match="Inference-Header-Content-Length"):
        parse_infer_request(b"{}", length)


def test_broken_json_is_refused_with_its_place() -> None:
    with pytest.raises(InvalidArgument, match=r"not valid JSON: .* line 1 column"):
        parse_infer_request(b'{"inputs": [', None)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(b"text")),
        ("deflate", zlib.compress(b"text")),
        ("deflate", zlib.compress(b"text", wbits=-15)),
        ("identity", b"text"),
    ],
    ids=["gzip", "deflate-zlib", "deflate-raw", "identity"],
)
def test_bodies_are_decompressed(encoding: str, body: bytes) -> None:
    assert decompress(body, encoding, MEGABYTE) == b"text"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_data_that_is_not_compressed_as_said_is_refused(encoding: str) -> None:
    with pytest.raises(InvalidArgument, match=f"not valid {encoding} data"):
        decompress(b"plain text", encoding, MEGABYTE)


def test_a_body_that_swells_beyond_the_limit_is_refused() -> None:
    with pytest.raises(ResourceExhausted, match="larger than 1 MB"):
        decompress(gzip.compress(b"\x00" * (2 * MEGABYTE)), "gzip", MEGABYTE)


def test_an_unknown_encoding_is_refused() -> None:
    with pytest.raises(Unimplemented, match="'br' is not read"):
        decompress(b"", "br", MEGABYTE)


@pytest.mark.parametrize(
    ("accepted", "undo"), [("gzip, deflate", gzip.decompress), ("deflate;q=1, gzip; q=0", zlib.decompress)]
)
def test_large_responses_are_compressed_as_the_client_accepts(accepted: str, undo: Any) -> None:
    response = compress(Response(b"x" * 5000), accepted)
    assert undo(response.body) == b"x" * 5000
    assert dict(response.headers)[b"content-encoding"] == accepted.partition(",")[0].partition(";")[0].encode()


def test_small_responses_and_other_clients_get_plain_bytes() -> None:
    assert compress(Response(b"small"), "gzip").headers == ()
    assert compress(Response(b"x" * 5000), "br").headers == ()
    assert compress(Response(b"x" * 5000), "gzip;q=0, deflate; q=0.000").headers == ()


@pytest.mark.parametrize(("datatype", "why"), [("FP64", "too large"), ("INT64", "whole numbers from")])
def test_a_number_beyond_every_float_is_refused_by_name(datatype: str, why: str) -> None:
    with pytest.raises(InvalidArgument, match=rf"'age'.*element 1 is 1000.*{why}") as caught:
        parse({"inputs": [tensor(datatype=datatype, data=[1, 10**400])]})
    assert caught.value.violations
    with pytest.raises(InvalidArgument, match="Inference-Header-Content-Length"):
        parse_infer_request(b"{}", b"9" * 5000)
