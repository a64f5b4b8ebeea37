"""The BentoML service: its own predict API, and the hooks that open and close the other doors in the same process."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from typing import Any

from starlette.responses import JSONResponse

from fairlead.kit.errors import FairleadError
from fairlead.kit.http_status import STATUS

from .adapters.rest.body_limit import BodyLimit
from .domain.columns import Columns
from .domain.deployment import name_of_inference
from .domain.inference import Answer, Inference
from .domain.rows import columns_of_rows
from .domain.schema import Schema
from .settings import ServingSettings
from .token_gate import TokenGate

DOOR = "bentoml"
NAME = "fairlead_serving"
QUICK_ROWS = 32
TIMEOUT_SECONDS = 300
MEGABYTE = 1024 * 1024


def prepare_bentoml(settings: ServingSettings) -> None:
    """Tell BentoML where its files lie, to report nothing home, and to log as little as the service does.

    Must come before BentoML is imported: it reads the environment once.
    """
    os.environ["BENTOML_HOME"] = str(settings.bento_home)
    os.environ["BENTOML_DO_NOT_TRACK"] = "True"
    if settings.log_level != "DEBUG":
        for noisy in ("bentoml", "uvicorn.error"):
            logging.getLogger(noisy).setLevel(logging.WARNING)


def bento_app(
    inference: Inference,
    settings: ServingSettings,
    gate: Callable[..., TokenGate],
    *,
    on_startup: Callable[[], None],
    on_shutdown: Callable[[], None],
) -> Any:
    """Return the ASGI application that a BentoML worker runs for the service.

    POST /predict takes {"deployment": name, "rows": [{column: value}], "request_id": optional}.
    """
    import bentoml

    @bentoml.service(
        name=NAME,
        workers=1,
        traffic={"timeout": TIMEOUT_SECONDS},
        metrics={"enabled": False},
        logging={"access": {"enabled": False}},
    )
    class FairleadServing:
        """Predicts rows with any deployment."""

        @bentoml.on_startup  # type: ignore[untyped-decorator]
        def open_doors(self) -> None:
            on_startup()

        @bentoml.on_shutdown  # type: ignore[untyped-decorator]
        def close_doors(self) -> None:
            on_shutdown()

        @bentoml.api  # type: ignore[untyped-decorator]
        async def predict(self, deployment: str, rows: list[dict[str, Any]], request_id: str = "") -> dict[str, Any]:
            """Predict rows given as objects; answers labels or values, and probabilities."""
            answer: dict[str, Any] = await _respond(
                inference, settings.serving_load_seconds, deployment, rows, request_id
            )
            return answer

    service: Any = FairleadServing
    service.add_asgi_middleware(gate)
    service.add_asgi_middleware(BodyLimit, body_bytes=settings.serving_request_mb * MEGABYTE)
    return service.to_asgi()


async def _respond(
    inference: Inference, load_seconds: float, deployment: str, rows: list[dict[str, Any]], request_id: str
) -> Any:
    def read(schema: Schema) -> tuple[Columns, int]:
        return columns_of_rows(schema, rows)

    def work() -> Answer:
        return inference.answer(name, read, door=DOOR, request_id=request_id, timeout=load_seconds)

    try:
        name = deployment if "/" in deployment else name_of_inference(deployment)
        model = inference.catalog.peek(name)
        if model is not None and model.is_quick and len(rows) <= QUICK_ROWS:
            return _body(work())
        return _body(await asyncio.to_thread(work))
    except FairleadError as error:
        # BentoML hides the text of its own errors above 499, so the answer is made here.
        return JSONResponse({"error": error.message}, STATUS[error.code])


def _body(answer: Answer) -> dict[str, Any]:
    prediction = answer.prediction
    body: dict[str, Any] = {"request_id": answer.request_id, "model_version": answer.model.version}
    if prediction.values is not None:
        # JSON has no NaN; null says that there is no number.
        body["values"] = [value if value == value else None for value in prediction.values.tolist()]
        return body
    body["labels"] = prediction.labels
    body["classes"] = answer.model.schema.classes
    if prediction.probabilities is not None:
        body["probabilities"] = prediction.probabilities.tolist()
    return body
