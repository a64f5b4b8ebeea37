"""PredictionService: protobuf in, the inference core or a task, protobuf out."""

from __future__ import annotations

import grpc

from fairlead.api.serving.v1 import prediction_service_pb2 as pb
from fairlead.api.serving.v1.prediction_service_pb2_grpc import PredictionServiceServicer
from fairlead.kit.resources import parse_name
from fairlead.kit.rpc import deadline
from fairlead.kit.tasks import TaskOwner, TaskStore

from ...domain.batch_prediction.request import BATCH_KIND
from ...domain.feedback import Feedback, Truth
from ...domain.inference import Inference
from ...domain.models.schema import Schema
from ...domain.requests.columns import Columns, columns_of
from ...domain.requests.limits import LIMITS, RequestLimits
from ...domain.requests.parameters import checked_options
from ...domain.traffic.deployments import NAME
from .batch_request import check_batch
from .convert import arrays_of, to_predict_response

DOOR = "predict_grpc"


class PredictionServicer(PredictionServiceServicer):
    """Predicts online and in batch, and takes feedback."""

    def __init__(
        self,
        inference: Inference,
        feedback: Feedback,
        tasks: TaskStore,
        owner: TaskOwner,
        load_seconds: float,
        limits: RequestLimits = LIMITS,
    ) -> None:
        self._inference = inference
        self._feedback = feedback
        self._tasks = tasks
        self._owner = owner
        self._load_seconds = load_seconds
        self._limits = limits

    def Predict(self, request: pb.PredictRequest, _context: grpc.ServicerContext) -> pb.PredictResponse:
        """Answer for rows given as columns."""

        def read(schema: Schema) -> tuple[Columns, int]:
            given = arrays_of(request.columns)
            self._limits.check_rows(max(map(len, given.values()), default=0))
            columns = columns_of(schema, given)
            # Raises where no time is left.
            deadline.remaining(0.0)
            return columns

        answer = self._inference.answer(
            request.deployment,
            read,
            door=DOOR,
            request_id=request.request_id,
            timeout=deadline.remaining(self._load_seconds),
            options=checked_options(request.routing_key, request.explain, request.interval),
        )
        return to_predict_response(answer)

    def BatchPredict(self, request: pb.BatchPredictRequest, _context: grpc.ServicerContext) -> pb.BatchPredictResponse:
        """Begin a task that predicts a dataset version or a file."""
        project = parse_name(NAME, request.deployment)["project"]
        check_batch(request, project)
        self._inference.catalog.find(request.deployment)
        task = self._tasks.create(
            project,
            BATCH_KIND,
            request,
            request_id=request.request_id,
            parent_task=request.parent_task,
            resource=request.deployment,
        )
        self._owner.submit(task)
        return pb.BatchPredictResponse(task=task)

    def SendFeedback(self, request: pb.SendFeedbackRequest, _context: grpc.ServicerContext) -> pb.SendFeedbackResponse:
        """Record the truth of earlier predictions; it is in the event log when this returns."""
        deployment = self._inference.catalog.find(request.deployment)
        truths = [Truth(truth.request_id, truth.row, truth.value) for truth in request.truths]
        return pb.SendFeedbackResponse(accepted_count=self._feedback.accept(deployment, truths))
