"""ExperimentService over the database."""

from __future__ import annotations

import grpc
from sqlalchemy import Engine

from fairlead.api.drift.v1 import experiment_service_pb2, experiment_service_pb2_grpc
from fairlead.kit.errors import FieldViolation, InvalidArgument, NotFound
from fairlead.kit.resources import parse_name

from .adapters import experiment_store
from .domain.experiments.experiment import compare
from .experiment_convert import to_experiment

EXPERIMENT = "projects/{project}/deployments/{deployment}/experiment"


class ExperimentServicer(experiment_service_pb2_grpc.ExperimentServiceServicer):
    """Answers what the truths show of a deployment's versions."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def GetExperiment(
        self, request: experiment_service_pb2.GetExperimentRequest, _context: grpc.ServicerContext
    ) -> experiment_service_pb2.GetExperimentResponse:
        """Return the newest experiment of a deployment, or an earlier one."""
        ids = parse_name(EXPERIMENT, request.name)
        deployment = f"projects/{ids['project']}/deployments/{ids['deployment']}"
        if request.number < 0:
            raise InvalidArgument(
                f"experiments are numbered from 1, not {request.number}",
                violations=[FieldViolation("number", "must be 0, for the newest, or above")],
            )
        with self._engine.connect() as connection:
            splits = experiment_store.splits_of(connection, deployment)
            number = request.number or (splits[-1].experiment if splits else 0)
            mine = [split for split in splits if split.experiment == number]
            if not mine:
                raise NotFound(_absent(deployment, request.number, bool(splits)), resource=request.name)
            arms = experiment_store.arms_of(connection, deployment, mine)
        end_time = next((split.begin_time for split in splits if split.experiment > number), None)
        experiment = to_experiment(deployment, compare(mine, arms), end_time)
        return experiment_service_pb2.GetExperimentResponse(experiment=experiment)


def _absent(deployment: str, number: int, known: bool) -> str:
    if known:
        return f"'{deployment}' has no experiment {number}; without a number the newest is told"
    return f"'{deployment}' is not there, or was made a moment ago: its experiment begins once drift has heard of it"
