"""The hot path of online predictions: JSON rows to serving and back, on the event loop but for large bodies."""

from __future__ import annotations

import asyncio
import time

import grpc

from fairlead.api.common.v1.table_pb2 import ColumnKind
from fairlead.api.serving.v1.deployment_service_pb2 import GetDeploymentRequest
from fairlead.api.serving.v1.prediction_service_pb2 import PredictRequest, PredictResponse
from fairlead.api.trainer.v1.model_service_pb2 import GetModelVersionRequest
from fairlead.kit.errors import FairleadError, InvalidArgument, NotFound
from fairlead.kit.logging import get_logger
from fairlead.kit.rpc import deadline
from fairlead.kit.rpc.status import from_rpc_error
from fairlead.kit.telemetry import inject

from ..columns_wire import messages_of
from ..domain.columns import guess_kinds, to_columns
from ..domain.input_kinds import Kind, ModelInputs
from ..domain.predictions import Asked
from ..off_loop import work
from .services import Services, named_failure

METHOD = "/fairlead.api.serving.v1.PredictionService/Predict"
LOOK_UP_SECONDS = 2.0
# How long a failure to learn a model's inputs is remembered: the rows' own looks must do meanwhile.
FORGET_SECONDS = 10.0
KINDS = {
    ColumnKind.COLUMN_KIND_NUMBER: Kind.NUMBER,
    ColumnKind.COLUMN_KIND_TEXT: Kind.TEXT,
    ColumnKind.COLUMN_KIND_DATETIME: Kind.DATETIME,
    ColumnKind.COLUMN_KIND_BOOLEAN: Kind.BOOLEAN,
}

_log = get_logger("fairlead.gateway.predictor")


class Predictor:
    """Predicts rows; remembers what each deployment's model reads."""

    def __init__(self, services: Services, token: str, timeout: float) -> None:
        self._services = services
        self._authorization = f"Bearer {token}"
        self._timeout = timeout
        self._channel: grpc.aio.Channel | None = None
        self._inputs: dict[str, ModelInputs] = {}
        self._unknown_until: dict[str, float] = {}

    async def open(self) -> None:
        """Make the channel; it belongs to the loop that runs."""
        self._channel = grpc.aio.insecure_channel(
            self._services.address("serving"),
            options=[
                ("grpc.max_receive_message_length", 64 * 1024**2),
                ("grpc.max_send_message_length", 64 * 1024**2),
                ("grpc.initial_reconnect_backoff_ms", 100),
                ("grpc.min_reconnect_backoff_ms", 100),
                ("grpc.max_reconnect_backoff_ms", 1000),
            ],
        )
        self._predict: grpc.aio.UnaryUnaryMultiCallable[bytes, PredictResponse] = self._channel.unary_unary(
            METHOD,
            # Requests come as bytes, for gRPC would write them on the event loop whatever their size.
            request_serializer=None,
            response_deserializer=PredictResponse.FromString,
        )

    async def close(self) -> None:
        """Close the channel."""
        if self._channel is not None:
            await self._channel.close()

    async def predict(self, deployment: str, asked: Asked, large: bool = False) -> PredictResponse:
        """Return serving's answer for rows of JSON values; many are converted in a thread where `large` says so.

        Raises InvalidArgument naming row and column, NotFound, Unavailable, DeadlineExceeded, and FailedPrecondition
        where the model has no explanation or interval to give.
        """
        known = await self._inputs_of(deployment)
        try:
            answer = await self._call(await work(large, _message, deployment, asked, known))
        except (InvalidArgument, NotFound):
            self._inputs.pop(deployment, None)
            if known is None or not await self._has_changed(deployment, known):
                raise
            # Another version is served since its inputs were learnt: once more, by what that one reads.
            known = await self._inputs_of(deployment)
            answer = await self._call(await work(large, _message, deployment, asked, known))
        if known is not None and answer.model_version not in known.model_versions:
            self._inputs.pop(deployment, None)
        return answer

    async def _call(self, request: bytes) -> PredictResponse:
        carrier = {"authorization": self._authorization}
        inject(carrier)
        try:
            answer: PredictResponse = await self._predict(
                request, timeout=deadline.remaining(self._timeout), metadata=tuple(carrier.items())
            )
        except grpc.aio.AioRpcError as error:
            raise named_failure("serving", from_rpc_error(error)) from None
        return answer

    async def _inputs_of(self, deployment: str) -> ModelInputs | None:
        """Return what the deployment's model reads; None where that can't be learnt now."""
        known = self._inputs.get(deployment)
        if known is not None or self._unknown_until.get(deployment, 0.0) > time.monotonic():
            return known
        try:
            known = await asyncio.to_thread(self._look_up, deployment)
        except NotFound:
            raise
        except FairleadError as error:
            # Serving predicts without the trainer; only the checks here are coarser then.
            _log.warning("a model's inputs can't be learnt now", deployment=deployment, why=error.message)
            self._unknown_until[deployment] = time.monotonic() + FORGET_SECONDS
            return None
        self._inputs[deployment] = known
        return known

    async def _has_changed(self, deployment: str, known: ModelInputs) -> bool:
        now = await self._inputs_of(deployment)
        return now is not None and now.model_versions != known.model_versions

    def _look_up(self, deployment: str) -> ModelInputs:
        found = self._services.deployments.GetDeployment(GetDeploymentRequest(name=deployment), timeout=LOOK_UP_SECONDS)
        name = found.deployment.model_version
        try:
            answer = self._services.models.GetModelVersion(GetModelVersionRequest(name=name), timeout=LOOK_UP_SECONDS)
        except NotFound as error:
            # The deployment is there; that its version is not in the registry must not read as if it were not.
            raise InvalidArgument(f"the registry does not know {name}: {error.message}") from error
        inputs = answer.model_version.manifest.inputs
        if not inputs:
            raise InvalidArgument(f"the manifest of {name} names no inputs")
        versions = frozenset([name, *(target.model_version for target in found.deployment.traffic)])
        return ModelInputs(versions, {each.name: KINDS.get(each.kind, Kind.TEXT) for each in inputs})


def _message(deployment: str, asked: Asked, known: ModelInputs | None) -> bytes:
    """Return the serialized PredictRequest. Raises InvalidArgument naming row and column."""
    columns = to_columns(asked.rows, guess_kinds(asked.rows) if known is None else known.kinds)
    request = PredictRequest(
        deployment=deployment,
        columns=messages_of(columns),
        request_id=asked.request_id,
        routing_key=asked.routing_key,
        explain=asked.explain,
        interval=asked.interval,
    )
    return request.SerializeToString()
