"""REST's answers of one row, which are put together in their own way."""

from __future__ import annotations

import json

import numpy as np
import pytest

from services.serving.domain.inference import Answer
from services.serving.domain.models.model import Model
from services.serving.domain.models.schema import Schema
from services.serving.domain.requests.columns import Array, Columns
from services.serving.domain.requests.outputs import RequestedOutput, output_infos
from services.serving.doors.rest.infer_request import InferRequest
from services.serving.doors.rest.infer_response import infer_response
from tests.unit.serving.schemas import INCOME, PRICE, numbers


class Fixed:
    """Predicts what it was given."""

    def __init__(self, output: Array) -> None:
        self._output = output

    def run(self, columns: Columns) -> Array:
        return self._output


@pytest.mark.parametrize(
    ("schema", "output"),
    [
        (INCOME, numbers([0.1, 0.9]).reshape(1, 2)),
        (INCOME, numbers([1.0, 1e-300]).reshape(1, 2)),
        (INCOME, numbers([np.nan, 0.0]).reshape(1, 2)),
        (PRICE, numbers([-1.5e300])),
        (PRICE, numbers([np.inf]).reshape(1, 1)),
    ],
)
@pytest.mark.parametrize("request_id", ["7f", 'quoted "id" \\ ü \n'])
def test_the_answer_of_a_row_is_that_of_naming_every_output(schema: Schema, output: Array, request_id: str) -> None:
    model = Model("projects/p/models/m/versions/7", schema, Fixed(output))
    answer = Answer(request_id, model, model.predict((), 1))
    every = [RequestedOutput(info.name) for info in output_infos(schema)]
    plain, named = (InferRequest("", [], memoryview(b""), None, outputs, False) for outputs in ([], every))
    for name in ("p.one", "p.other"):
        response = infer_response(name, plain, answer)
        assert response == infer_response(name, named, answer)
        told = json.loads(response.body)
        assert (told["model_name"], told["model_version"], told["id"]) == (name, "7", request_id)
