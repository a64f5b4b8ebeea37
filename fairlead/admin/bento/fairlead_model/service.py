"""The Bento's service: POST /predict with rows, and the Open Inference Protocol below /v2."""

from __future__ import annotations

import asyncio
import uuid
from typing import Annotated, Any

import bentoml
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from starlette.responses import JSONResponse

from .in_flight import InFlight, in_flight_limit
from .manifest import read_manifest
from .model import Predicted, the_model
from .open_inference import open_inference
from .row_schema import row_schema
from .rows import Refused, columns_of_rows

TIMEOUT_SECONDS = 300
# So few take less time than handing them to a thread.
QUICK_ROWS = 32

MANIFEST = read_manifest()
Row = Annotated[dict[str, Any], WithJsonSchema(row_schema(MANIFEST))]
Rows = Annotated[
    list[Row], Field(description="One object a row: column to value; null is missing, other columns are ignored.")
]


class Asked(BaseModel):
    """Rows to predict; what a Bento does not do, such as to explain, is refused, not left out."""

    model_config = ConfigDict(extra="forbid")
    rows: Rows
    request_id: str = ""


class Classified(BaseModel):
    """What is predicted for one row."""

    label: str = Field(description="The likeliest class.")
    probabilities: dict[str, float] = Field(description="Class to probability.")


class Estimated(BaseModel):
    """What is predicted for one row."""

    value: float | None = Field(description="The predicted number; null where there is none.")


class Answer(BaseModel):
    """Predictions in the order of the rows."""

    request_id: str = Field(description="As it was sent, or made up.")
    model_version: str = Field(description="The version's name in the Fairlead it was exported from.")


class Classification(Answer):
    """Predictions in the order of the rows."""

    predictions: list[Classified] = Field(description="One entry a row.")


class Regression(Answer):
    """Predictions in the order of the rows."""

    predictions: list[Estimated] = Field(description="One entry a row.")


@bentoml.service(name=MANIFEST.model, traffic={"timeout": TIMEOUT_SECONDS})
@bentoml.asgi_app(open_inference(MANIFEST, lambda columns: the_model().predict(columns)), path="/")
class FairleadModel:
    """A model exported from Fairlead."""

    def __init__(self) -> None:
        the_model()

    @bentoml.api(  # type: ignore[untyped-decorator]
        input_spec=Asked, output_spec=Classification if MANIFEST.classes else Regression
    )
    async def predict(self, rows: Rows, request_id: str = "") -> Answer:
        """Predict rows; body and answer are those of Fairlead's own `:predict`."""
        try:
            made = _predict(rows) if len(rows) <= QUICK_ROWS else await asyncio.to_thread(_predict, rows)
        except Refused as error:
            # BentoML would answer a list around its own errors.
            refusal: Any = JSONResponse({"error": str(error)}, 400)
            return refusal  # type: ignore[no-any-return]
        return _answer(request_id or uuid.uuid4().hex, made)


FairleadModel.add_asgi_middleware(InFlight, limit=in_flight_limit())  # type: ignore[attr-defined]


def _predict(rows: list[dict[str, Any]]) -> Predicted:
    return the_model().predict(columns_of_rows(MANIFEST.columns, rows))


def _answer(request_id: str, made: Predicted) -> Answer:
    if made.values is not None:
        values = [Estimated(value=value if value == value else None) for value in made.values.tolist()]
        return Regression(request_id=request_id, model_version=MANIFEST.version, predictions=values)
    assert made.labels is not None and made.probabilities is not None
    entries = [
        Classified(label=label, probabilities=dict(zip(MANIFEST.classes, shares, strict=True)))
        for label, shares in zip(made.labels, made.probabilities.tolist(), strict=True)
    ]
    return Classification(request_id=request_id, model_version=MANIFEST.version, predictions=entries)
