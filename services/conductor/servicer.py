"""WorkflowService over the engine."""

from __future__ import annotations

import grpc

from fairlead.api.conductor.v1 import workflow_service_pb2 as pb
from fairlead.api.conductor.v1.workflow_pb2 import Stage, StageState, Workflow
from fairlead.api.conductor.v1.workflow_service_pb2_grpc import WorkflowServiceServicer
from fairlead.api.tasks.v1.task_pb2 import TASK_STATE_PENDING, Task
from fairlead.kit.resources import parse_name, require_id
from fairlead.kit.tasks import TaskStore

from .adapters.engine import WorkflowEngine
from .adapters.records import WorkflowRecords
from .domain.dataset import version_name
from .stages import STAGES
from .stages.parse_intent import intent_of

_PROJECT = "projects/{project}"


class WorkflowServicer(WorkflowServiceServicer):
    """Creates, shows and reviews workflows."""

    def __init__(self, engine: WorkflowEngine, records: WorkflowRecords, tasks: TaskStore) -> None:
        self._engine = engine
        self._records = records
        self._tasks = tasks

    def CreateWorkflow(
        self, request: pb.CreateWorkflowRequest, _context: grpc.ServicerContext
    ) -> pb.CreateWorkflowResponse:
        """Start a workflow, or return the one that the same request id started."""
        project = parse_name(_PROJECT, request.parent)["project"]
        version_name(request.parent, intent_of(request.spec).dataset)
        if request.spec.model_id:
            require_id(request.spec.model_id, "model_id")
        task = self._tasks.create(project, "workflow", request, request_id=request.request_id)
        workflow = new_workflow(request, task)
        self._records.add(workflow)
        if task.state == TASK_STATE_PENDING:
            self._engine.start(workflow.name)
        return pb.CreateWorkflowResponse(workflow=self._records.get(workflow.name))

    def GetWorkflow(self, request: pb.GetWorkflowRequest, _context: grpc.ServicerContext) -> pb.GetWorkflowResponse:
        """Return one workflow."""
        return pb.GetWorkflowResponse(workflow=self._records.get(request.name))

    def ListWorkflows(
        self, request: pb.ListWorkflowsRequest, _context: grpc.ServicerContext
    ) -> pb.ListWorkflowsResponse:
        """Return workflows, newest first."""
        project = parse_name(_PROJECT, request.parent)["project"]
        workflows, token = self._records.list(project, request.page_size, request.page_token)
        return pb.ListWorkflowsResponse(workflows=workflows, next_page_token=token)

    def ReviewWorkflow(
        self, request: pb.ReviewWorkflowRequest, _context: grpc.ServicerContext
    ) -> pb.ReviewWorkflowResponse:
        """Answer a waiting review and return the workflow once it goes on."""
        self._engine.review(request.name, request.approve, request.comment)
        return pb.ReviewWorkflowResponse(workflow=self._records.get(request.name))


def new_workflow(request: pb.CreateWorkflowRequest, task: Task) -> Workflow:
    """Return the workflow, none of whose stages has begun, of a request and its task."""
    return Workflow(
        name=task.name.replace("/tasks/", "/workflows/"),
        spec=request.spec,
        stages=[Stage(id=stage.id, state=StageState.STAGE_STATE_PENDING) for stage in STAGES],
        task=task.name,
        state="pending",
        create_time=task.create_time,
    )
