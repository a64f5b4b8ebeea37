"""Small servicers of the contracts that stand in for the other services, on one real socket."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import Message

from fairlead.api.common.v1.table_pb2 import Column, ColumnKind, NumberColumn, TextColumn
from fairlead.api.conductor.v1 import workflow_pb2, workflow_service_pb2, workflow_service_pb2_grpc
from fairlead.api.drift.v1 import (
    experiment_pb2,
    experiment_service_pb2,
    experiment_service_pb2_grpc,
    monitor_pb2,
    monitor_service_pb2,
    monitor_service_pb2_grpc,
)
from fairlead.api.inference.v2 import open_inference_pb2, open_inference_pb2_grpc
from fairlead.api.profiler.v1 import (
    dataset_pb2,
    dataset_service_pb2,
    dataset_service_pb2_grpc,
    profile_pb2,
    profile_service_pb2,
    profile_service_pb2_grpc,
)
from fairlead.api.serving.v1 import (
    deployment_pb2,
    deployment_service_pb2,
    deployment_service_pb2_grpc,
    prediction_service_pb2,
    prediction_service_pb2_grpc,
    relay_service_pb2,
    relay_service_pb2_grpc,
)
from fairlead.api.tasks.v1 import task_pb2, task_service_pb2, task_service_pb2_grpc
from fairlead.api.trainer.v1 import (
    model_pb2,
    model_service_pb2,
    model_service_pb2_grpc,
    preparation_pb2,
    preparation_service_pb2,
    preparation_service_pb2_grpc,
    run_pb2,
    run_service_pb2,
    run_service_pb2_grpc,
)
from fairlead.kit.blobs import BlobStore
from fairlead.kit.database import migrate, open_database
from fairlead.kit.errors import Aborted, FairleadError, NotFound
from fairlead.kit.events import EventLog
from fairlead.kit.rpc.server import RpcServer
from fairlead.kit.rpc.status import to_details
from fairlead.kit.settings import KitSettings
from fairlead.kit.tasks import MIGRATIONS, TaskStore
from tests.unit.gateway.open_inference_peer import OPEN_INFERENCE

VERSION = "projects/default/datasets/adult/versions/1"
MODEL = "projects/default/models/adult/versions/1"
INCOME = "projects/default/deployments/income"
CSV = b"age,workclass\n39,State-gov\n50,Private\n"


class Peers:
    """All services but the gateway, with what they were asked; `fail` makes the next call fail."""

    def __init__(self, home: Path, events: EventLog, blobs: BlobStore, service_token: str) -> None:
        engine = open_database(f"sqlite:///{home}/peers.db")
        migrate(engine, MIGRATIONS)
        self.store = TaskStore(engine, events, "trainer")
        self.asked: list[Any] = []
        self.seconds_left: list[float] = []
        self.traces: list[str] = []
        self.fail: FairleadError | Exception | None = None
        self.parquet = blobs.put_bytes(b"PAR1 the parquet copy PAR1").key
        self.original = blobs.put_bytes(CSV).key
        self.model_version = MODEL
        self.package_blob = ""
        settings = KitSettings(home=home, service_token=service_token)
        self._server = RpcServer(settings, address="127.0.0.1:0")
        for add, module, service in SERVICES:
            descriptor = module.DESCRIPTOR.services_by_name[service]
            self._server.add(add, _Servicer(self, descriptor.methods_by_name), descriptor)
        descriptor = relay_service_pb2.DESCRIPTOR.services_by_name["RelayService"]
        self._server.add(relay_service_pb2_grpc.add_RelayServiceServicer_to_server, _Relay(self), descriptor)
        self._server.start()
        self.address = f"127.0.0.1:{self._server.port}"

    def close(self) -> None:
        self._server.stop(grace=0)

    def answer(self, method: str, request: Any, context: grpc.ServicerContext) -> Message:
        """Return what the service with this method answers, after noting that it was asked."""
        self.asked.append(request)
        self.seconds_left.append(context.time_remaining())
        self.traces += [str(value) for key, value in context.invocation_metadata() if key == "traceparent"]
        if self.fail is not None and method not in ("GetTask",):
            failure, self.fail = self.fail, None
            raise failure
        answered: Message = ANSWERS[method](self, request)
        return answered

    def last(self, kind: type[Message]) -> Any:
        return next(each for each in reversed(self.asked) if isinstance(each, kind))

    def task(self, kind: str, request: Any) -> task_pb2.Task:
        return self.store.create("default", kind, request, request_id=request.request_id)


class _Servicer:
    """Any service: each of its methods asks Peers for the answer."""

    def __init__(self, peers: Peers, methods: Any) -> None:
        for name in methods:
            setattr(self, name, _method(peers, name))


def _method(peers: Peers, name: str) -> Callable[[Any, grpc.ServicerContext], Message]:
    return lambda request, context: peers.answer(name, request, context)


def _version(peers: Peers, request: Any) -> dataset_service_pb2.GetDatasetVersionResponse:
    if "/adult/" not in request.name:
        raise NotFound(f"there is no {request.name}", resource=request.name)
    version = dataset_pb2.DatasetVersion(
        name=VERSION, file_name="adult.csv", parquet_blob=peers.parquet, original_blob=peers.original
    )
    return dataset_service_pb2.GetDatasetVersionResponse(dataset_version=version)


def _rows(_: Peers, request: Any) -> dataset_service_pb2.ListRowsResponse:
    ages = [39.0, 50.0, float("nan")][request.skip :][: request.page_size]
    texts = ["State-gov", "", "Private"][request.skip :][: request.page_size]
    columns = [
        Column(name="age", numbers=NumberColumn(values=ages)),
        Column(name="workclass", texts=TextColumn(values=texts)),
    ]
    return dataset_service_pb2.ListRowsResponse(columns=columns)


def _profile(_: Peers, request: Any) -> profile_service_pb2.GetProfileResponse:
    profile = profile_pb2.Profile(name=request.name, row_count=3)
    profile.preparation_suggestions.add(id="impute-age", kind="impute", columns=["age"]).params.update({"k": 5})
    return profile_service_pb2.GetProfileResponse(profile=profile)


def _manifest(peers: Peers, request: Any) -> model_service_pb2.GetModelVersionResponse:
    inputs = [
        model_pb2.ModelInput(name="age", kind=ColumnKind.COLUMN_KIND_NUMBER),
        model_pb2.ModelInput(name="workclass", kind=ColumnKind.COLUMN_KIND_TEXT),
    ]
    if request.name.endswith("/2"):
        inputs = inputs[:1]
    manifest = model_pb2.ModelManifest(inputs=inputs, classes=["no", "yes"])
    version = model_pb2.ModelVersion(name=request.name, manifest=manifest, package_blob=peers.package_blob)
    return model_service_pb2.GetModelVersionResponse(model_version=version)


def _deployment(peers: Peers, name: str) -> deployment_pb2.Deployment:
    if name != INCOME:
        raise NotFound(f"there is no {name}", resource=name)
    state = deployment_pb2.DEPLOYMENT_STATE_READY
    return deployment_pb2.Deployment(name=name, model_version=peers.model_version, state=state, etag="e1")


def _update(peers: Peers, request: Any) -> deployment_service_pb2.UpdateDeploymentResponse:
    if request.etag not in ("", "e1"):
        raise Aborted("someone else changed it", resource=request.name)
    peers.model_version = request.model_version
    return deployment_service_pb2.UpdateDeploymentResponse(deployment=_deployment(peers, request.name))


def _split(peers: Peers, request: Any) -> deployment_service_pb2.SplitTrafficResponse:
    deployment = _deployment(peers, request.name)
    deployment.MergeFrom(deployment_pb2.Deployment(traffic=request.traffic, steps=request.steps))
    return deployment_service_pb2.SplitTrafficResponse(deployment=deployment)


def _relayed(peers: Peers, call: Any) -> relay_service_pb2.RelayedAnswer:
    if call.deployment != INCOME:
        raise NotFound(f"there is no {call.deployment}", resource=call.deployment)
    asked = json.loads(call.body[: call.json_length or None])
    if call.form == relay_service_pb2.RELAY_FORM_OPEN_INFERENCE:
        doubled = [2 * value for value in asked["inputs"][0]["data"]]
        told = {
            "id": asked["id"],
            "model_version": call.version or "1",
            "outputs": [{"name": "double", "data": doubled}],
        }
    else:
        told = {"request_id": "made-up", "model_version": peers.model_version, "predictions": asked["rows"]}
    body = json.dumps(told).encode()
    return relay_service_pb2.RelayedAnswer(
        number=call.number,
        body=body + call.body[call.json_length :] if call.json_length else body,
        json_length=len(body) if call.json_length else 0,
    )


class _Relay(relay_service_pb2_grpc.RelayServiceServicer):
    """Serving's relay; what is asked and made to fail is as with the others."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    def Relay(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        for request in requests:
            yield relay_service_pb2.RelayResponse(answers=[self._answer(call, context) for call in request.calls])

    def RelayOne(self, request: Any, context: grpc.ServicerContext) -> Any:
        answer: Any = self._peers.answer("Relay", request.call, context)
        return relay_service_pb2.RelayOneResponse(answer=answer)

    def _answer(self, call: Any, context: grpc.ServicerContext) -> Any:
        try:
            return self._peers.answer("Relay", call, context)
        except FairleadError as error:
            return relay_service_pb2.RelayedAnswer(number=call.number, error=to_details(error))


def _experiment(asked: experiment_service_pb2.GetExperimentRequest) -> experiment_pb2.Experiment:
    if not asked.name.startswith(INCOME):
        raise NotFound(f"there is no {asked.name}", resource=asked.name)
    versions = MODEL, MODEL.replace("/1", "/2")
    arms = [
        experiment_pb2.ExperimentArm(model_version=name, champion=name == MODEL, shadow=name != MODEL)
        for name in versions
    ]
    comparison = experiment_pb2.ArmComparison(
        model_version=versions[1],
        shadow=True,
        verdict=experiment_pb2.EXPERIMENT_VERDICT_CHALLENGER_BETTER,
        differences=[experiment_pb2.MetricDifference(metric="error_rate", difference=-0.1, p_value=0.0)],
    )
    return experiment_pb2.Experiment(
        name=asked.name, deployment=INCOME, number=asked.number or 2, arms=arms, comparisons=[comparison]
    )


def _monitor(name: str, policy: monitor_pb2.MonitorPolicy | None = None) -> monitor_pb2.Monitor:
    policy = policy or monitor_pb2.MonitorPolicy(window_rows=500, warning_threshold=0.1)
    return monitor_pb2.Monitor(name=name, policy=policy, etag="m1", severity=monitor_pb2.SEVERITY_OK)


def _workflow(request: Any) -> workflow_pb2.Workflow:
    name = getattr(request, "name", "") or "projects/default/workflows/w-1"
    return workflow_pb2.Workflow(name=name, spec=getattr(request, "spec", None), state="running")


ANSWERS: dict[str, Callable[[Peers, Any], Message]] = {
    "ImportDataset": lambda peers, asked: dataset_service_pb2.ImportDatasetResponse(task=peers.task("import", asked)),
    "GetDataset": lambda _, asked: dataset_service_pb2.GetDatasetResponse(
        dataset=dataset_pb2.Dataset(name=asked.name, etag="d1")
    ),
    "ListDatasets": lambda _, asked: dataset_service_pb2.ListDatasetsResponse(
        datasets=[dataset_pb2.Dataset(name=f"{asked.parent}/datasets/adult")], next_page_token="more"
    ),
    "DeleteDataset": lambda _, asked: dataset_service_pb2.DeleteDatasetResponse(),
    "GetDatasetVersion": _version,
    "ListDatasetVersions": lambda _, asked: dataset_service_pb2.ListDatasetVersionsResponse(
        dataset_versions=[dataset_pb2.DatasetVersion(name=VERSION)]
    ),
    "ListRows": _rows,
    "CreateProfile": lambda peers, asked: profile_service_pb2.CreateProfileResponse(task=peers.task("profile", asked)),
    "GetProfile": _profile,
    "CreatePreparation": lambda peers, asked: preparation_service_pb2.CreatePreparationResponse(
        task=peers.task("prepare", asked)
    ),
    "GetPreparation": lambda _, asked: preparation_service_pb2.GetPreparationResponse(
        preparation=preparation_pb2.Preparation(name=asked.name)
    ),
    "CreateRun": lambda peers, asked: run_service_pb2.CreateRunResponse(task=peers.task("train", asked)),
    "GetRun": lambda _, asked: run_service_pb2.GetRunResponse(run=run_pb2.Run(name=asked.name, metrics={"r2": 0.8})),
    "ListRuns": lambda _, asked: run_service_pb2.ListRunsResponse(runs=[run_pb2.Run(name=f"{asked.parent}/runs/r")]),
    "GetLeaderboard": lambda _, asked: run_service_pb2.GetLeaderboardResponse(
        entries=[run_pb2.LeaderboardEntry(rank=1, candidate="lightgbm-3")], metric="roc_auc", greater_is_better=True
    ),
    "ExportRun": lambda peers, asked: run_service_pb2.ExportRunResponse(task=peers.task("export", asked)),
    "GetModel": lambda _, asked: model_service_pb2.GetModelResponse(model=model_pb2.Model(name=asked.name)),
    "ListModels": lambda _, asked: model_service_pb2.ListModelsResponse(
        models=[model_pb2.Model(name=f"{asked.parent}/models/adult")]
    ),
    "GetModelVersion": _manifest,
    "ListModelVersions": lambda _, asked: model_service_pb2.ListModelVersionsResponse(
        model_versions=[model_pb2.ModelVersion(name=f"{asked.parent}/versions/1")]
    ),
    "SetModelAlias": lambda _, asked: model_service_pb2.SetModelAliasResponse(
        model=model_pb2.Model(name=asked.name, aliases={asked.alias: asked.version})
    ),
    "CreateWorkflow": lambda _, asked: workflow_service_pb2.CreateWorkflowResponse(workflow=_workflow(asked)),
    "GetWorkflow": lambda _, asked: workflow_service_pb2.GetWorkflowResponse(workflow=_workflow(asked)),
    "ListWorkflows": lambda _, asked: workflow_service_pb2.ListWorkflowsResponse(workflows=[_workflow(asked)]),
    "ReviewWorkflow": lambda _, asked: workflow_service_pb2.ReviewWorkflowResponse(workflow=_workflow(asked)),
    "CreateDeployment": lambda peers, asked: deployment_service_pb2.CreateDeploymentResponse(
        deployment=_deployment(peers, f"{asked.parent}/deployments/{asked.deployment_id}")
    ),
    "UpdateDeployment": _update,
    "GetDeployment": lambda peers, asked: deployment_service_pb2.GetDeploymentResponse(
        deployment=_deployment(peers, asked.name)
    ),
    "ListDeployments": lambda peers, asked: deployment_service_pb2.ListDeploymentsResponse(
        deployments=[_deployment(peers, INCOME)]
    ),
    "SplitTraffic": _split,
    "PromoteVersion": lambda peers, asked: deployment_service_pb2.PromoteVersionResponse(
        deployment=_deployment(peers, asked.name)
    ),
    "RollBackDeployment": lambda peers, asked: deployment_service_pb2.RollBackDeploymentResponse(
        deployment=_deployment(peers, asked.name)
    ),
    "DeleteDeployment": lambda _, asked: deployment_service_pb2.DeleteDeploymentResponse(),
    "Relay": _relayed,
    "BatchPredict": lambda peers, asked: prediction_service_pb2.BatchPredictResponse(
        task=peers.task("batch_predict", asked)
    ),
    "SendFeedback": lambda _, asked: prediction_service_pb2.SendFeedbackResponse(accepted_count=len(asked.truths)),
    "GetMonitor": lambda _, asked: monitor_service_pb2.GetMonitorResponse(monitor=_monitor(asked.name)),
    "GetExperiment": lambda _, asked: experiment_service_pb2.GetExperimentResponse(experiment=_experiment(asked)),
    "ListMonitors": lambda _, asked: monitor_service_pb2.ListMonitorsResponse(
        monitors=[_monitor(f"{asked.parent}/monitors/income")]
    ),
    "UpdateMonitor": lambda _, asked: monitor_service_pb2.UpdateMonitorResponse(
        monitor=_monitor(asked.name, asked.policy)
    ),
    "ListDriftReports": lambda _, asked: monitor_service_pb2.ListDriftReportsResponse(
        drift_reports=[monitor_pb2.DriftReport(name=f"{asked.parent}/reports/1")]
    ),
    "ListAlerts": lambda _, asked: monitor_service_pb2.ListAlertsResponse(
        alerts=[monitor_pb2.Alert(name=f"{asked.parent}/alerts/1")]
    ),
    "GetTask": lambda peers, asked: task_service_pb2.GetTaskResponse(task=peers.store.get(asked.name)),
    "CancelTask": lambda peers, asked: task_service_pb2.CancelTaskResponse(task=peers.store.cancel(asked.name)),
    **OPEN_INFERENCE,
}
SERVICES: tuple[tuple[Any, Any, str], ...] = (
    (dataset_service_pb2_grpc.add_DatasetServiceServicer_to_server, dataset_service_pb2, "DatasetService"),
    (profile_service_pb2_grpc.add_ProfileServiceServicer_to_server, profile_service_pb2, "ProfileService"),
    (
        preparation_service_pb2_grpc.add_PreparationServiceServicer_to_server,
        preparation_service_pb2,
        "PreparationService",
    ),
    (run_service_pb2_grpc.add_RunServiceServicer_to_server, run_service_pb2, "RunService"),
    (model_service_pb2_grpc.add_ModelServiceServicer_to_server, model_service_pb2, "ModelService"),
    (workflow_service_pb2_grpc.add_WorkflowServiceServicer_to_server, workflow_service_pb2, "WorkflowService"),
    (deployment_service_pb2_grpc.add_DeploymentServiceServicer_to_server, deployment_service_pb2, "DeploymentService"),
    (prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server, prediction_service_pb2, "PredictionService"),
    (
        experiment_service_pb2_grpc.add_ExperimentServiceServicer_to_server,
        experiment_service_pb2,
        "ExperimentService",
    ),
    (monitor_service_pb2_grpc.add_MonitorServiceServicer_to_server, monitor_service_pb2, "MonitorService"),
    (task_service_pb2_grpc.add_TaskServiceServicer_to_server, task_service_pb2, "TaskService"),
    (
        open_inference_pb2_grpc.add_GRPCInferenceServiceServicer_to_server,
        open_inference_pb2,
        "GRPCInferenceService",
    ),
)
