"""Answers of one row, which are put together in their own way."""

from __future__ import annotations

import numpy as np
import pytest

from services.serving.domain.inference import Answer
from services.serving.domain.models.model import Model
from services.serving.domain.models.schema import Schema
from services.serving.domain.requests.columns import Array, Columns
from services.serving.domain.requests.outputs import RequestedOutput, output_infos
from services.serving.doors.open_inference.convert import to_infer_response
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
        (INCOME, numbers([0.25, 0.75]).reshape(1, 2)),
        (INCOME, numbers([1.0, 0.0]).reshape(1, 2)),
        (PRICE, numbers([18.5])),
        (PRICE, numbers([np.nan]).reshape(1, 1)),
    ],
)
def test_the_answer_of_a_row_is_that_of_naming_every_output(schema: Schema, output: Array) -> None:
    model = Model("projects/p/models/m/versions/7", schema, Fixed(output))
    prediction = model.predict((), 1)
    every = [RequestedOutput(info.name) for info in output_infos(schema)]
    for request_id, name in (("a", "p.one"), ("b", "p.one"), ("a", "p.other")):
        answer = Answer(request_id, model, prediction)
        response = to_infer_response(name, answer, [])
        assert response == to_infer_response(name, answer, every)
        assert (response.id, response.model_name, response.model_version) == (request_id, name, "7")
