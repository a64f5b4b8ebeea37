"""The BentoML service: its own predict API, and the hooks that open and close the other doors in the same process."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse

from fairlead.kit.errors import FairleadError
from fairlead.kit.http.status import STATUS
from fairlead.kit.worker_pool import WorkerPool

from ...domain.inference import Answer, Inference, TakesLong
from ...domain.insights.explanation import Explanation
from ...domain.insights.interval import Interval
from ...domain.models.schema import Schema
from ...domain.requests.columns import Columns
from ...domain.requests.parameters import checked_options
from ...domain.requests.rows import columns_of_rows
from ...domain.traffic.deployment import name_of_inference
from ...settings import ServingSettings
from ..rest.body_limit import BodyLimit
from .token_gate import TokenGate

DOOR = "bentoml"
NAME = "fairlead_serving"
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
    pool: WorkerPool,
) -> Any:
    """Return the ASGI application that a BentoML worker runs for the service; what is not quick runs in the pool.

    POST /predict takes {"deployment": name, "rows": [{column: value}]} and, where wanted, "request_id", "routing_key",
    "explain" and "interval".
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
        async def predict(
            self,
            deployment: str,
            rows: list[dict[str, Any]],
            request_id: str = "",
            routing_key: str = "",
            explain: bool = False,
            interval: float = 0.0,
        ) -> dict[str, Any]:
            """Predict rows given as objects; answers labels or values, and probabilities."""
            asked = _Asked(deployment, rows, request_id, routing_key, explain, interval)
            answer: dict[str, Any] = await _respond(inference, settings, asked, pool)
            return answer

    service: Any = FairleadServing
    service.add_asgi_middleware(gate)
    service.add_asgi_middleware(BodyLimit, body_bytes=settings.serving_request_mb * MEGABYTE)
    return service.to_asgi()


@dataclass(frozen=True)
class _Asked:
    deployment: str
    rows: list[dict[str, Any]]
    request_id: str
    routing_key: str
    explain: bool
    interval: float


async def _respond(inference: Inference, settings: ServingSettings, asked: _Asked, pool: WorkerPool) -> Any:
    def read(schema: Schema) -> tuple[Columns, int]:
        settings.request_limits.check_rows(len(asked.rows))
        return columns_of_rows(schema, asked.rows)

    def work(at_once: bool) -> Answer:
        options = checked_options(asked.routing_key, asked.explain, asked.interval)
        timeout = settings.serving_load_seconds
        return inference.answer(
            name,
            read,
            door=DOOR,
            request_id=asked.request_id,
            timeout=timeout,
            options=options,
            at_once=at_once,
        )

    try:
        name = asked.deployment if "/" in asked.deployment else name_of_inference(asked.deployment)
        with suppress(TakesLong):
            return _body(work(at_once=True))
        pool.refuse_if_behind()
        return _body(await asyncio.get_running_loop().run_in_executor(pool, work, False))
    except FairleadError as error:
        # BentoML hides the text of its own errors above 499, so the answer is made here.
        return _error(error)


def _error(error: FairleadError) -> JSONResponse:
    headers = {} if error.retry_after is None else {"retry-after": str(max(1, round(error.retry_after)))}
    return JSONResponse({"error": error.message}, STATUS[error.code], headers)


def _body(answer: Answer) -> dict[str, Any]:
    prediction = answer.prediction
    body: dict[str, Any] = {"request_id": answer.request_id, "model_version": answer.model.version}
    if prediction.values is not None:
        # JSON has no NaN; null says that there is no number.
        body["values"] = [value if value == value else None for value in prediction.values.tolist()]
    else:
        body["labels"] = prediction.labels
        body["classes"] = answer.model.schema.classes
        if prediction.probabilities is not None:
            body["probabilities"] = prediction.probabilities.tolist()
    if answer.explanation is not None:
        body["explanation"] = _explanation(answer.explanation)
    if answer.interval is not None:
        body["interval"] = _interval(answer.interval)
    return body


def _explanation(explanation: Explanation) -> dict[str, Any]:
    contributions = explanation.contributions
    return {
        "columns": explanation.columns,
        "contributions": (contributions[:, 0] if contributions.shape[1] == 1 else contributions).tolist(),
        "base_values": explanation.base_values.tolist(),
        "scale": explanation.scale,
    }


def _interval(interval: Interval) -> dict[str, Any]:
    found = {"lower": interval.lower, "upper": interval.upper, "contains": interval.contains}
    known = {name: array.tolist() for name, array in found.items() if array is not None}
    return {"coverage": interval.coverage, **known}
