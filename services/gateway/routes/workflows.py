"""Workflows."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from fairlead.api.conductor.v1.workflow_pb2 import WorkflowSpec
from fairlead.api.conductor.v1.workflow_service_pb2 import (
    CreateWorkflowRequest,
    GetWorkflowRequest,
    ListWorkflowsRequest,
    ReviewWorkflowRequest,
)

from ..convert import seconds
from ..documentation import failures
from ..domain.budget import parse_budget
from ..domain.references import qualify
from ..schemas.workflow import NewWorkflow, Review, Workflow, WorkflowPage
from .parameters import Gateway, IdempotencyKey, Paging, Project

router = APIRouter(prefix="/api/v1/projects/{project_id}/workflows", tags=["workflows"])

WorkflowId = Annotated[str, Path(description="The workflow's id.", examples=["w-1"])]


@router.post("", status_code=202, responses=failures(400, 401, 404, 503))
def create_workflow(
    body: NewWorkflow, response: Response, project: Project, gateway: Gateway, idempotency_key: IdempotencyKey = ""
) -> Workflow:
    """Do the whole job, from a dataset to a registered model, in eight stages that survive restarts.

    Say it in words (goal) or by fields, which win. Follow it as the task with the same id.
    """
    spec = WorkflowSpec(
        goal=body.goal,
        dataset=qualify(project, "datasets", body.dataset, "dataset"),
        target=body.target,
        budget=None if body.budget is None else seconds(parse_budget(body.budget)),
        metric=body.metric,
        families=body.families,
        model_id=body.model_id,
        require_approval=body.require_approval,
        seed=body.seed,
        skip_steps=body.skip_steps,
    )
    request = CreateWorkflowRequest(parent=project, spec=spec, request_id=idempotency_key)
    workflow = gateway.services.workflows.CreateWorkflow(request).workflow
    response.headers["Location"] = f"/api/v1/{workflow.name}"
    return Workflow.of(workflow)


@router.get("", responses=failures(400, 401, 404, 503))
def list_workflows(project: Project, gateway: Gateway, paging: Paging) -> WorkflowPage:
    """List a project's workflows, newest first."""
    request = ListWorkflowsRequest(parent=project, page_size=paging.size, page_token=paging.token)
    answer = gateway.services.workflows.ListWorkflows(request)
    return WorkflowPage(items=[Workflow.of(each) for each in answer.workflows], next_page_token=answer.next_page_token)


@router.get("/{workflow_id}", responses=failures(401, 404, 503))
def get_workflow(workflow_id: WorkflowId, project: Project, gateway: Gateway) -> Workflow:
    """Return one workflow with its stages."""
    request = GetWorkflowRequest(name=f"{project}/workflows/{workflow_id}")
    return Workflow.of(gateway.services.workflows.GetWorkflow(request).workflow)


@router.post("/{workflow_id}:review", responses=failures(400, 401, 404, 503))
def review_workflow(workflow_id: WorkflowId, body: Review, project: Project, gateway: Gateway) -> Workflow:
    """Answer a review stage that waits for a person."""
    request = ReviewWorkflowRequest(
        name=f"{project}/workflows/{workflow_id}", approve=body.approve, comment=body.comment
    )
    return Workflow.of(gateway.services.workflows.ReviewWorkflow(request).workflow)
