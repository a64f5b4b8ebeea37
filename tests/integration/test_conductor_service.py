"""The conductor as its own process between a profiler and a trainer, over sockets and the event log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fairlead.api.conductor.v1 import workflow_service_pb2 as pb
from fairlead.api.conductor.v1.workflow_pb2 import Workflow
from fairlead.api.tasks.v1.task_pb2 import TASK_STATE_CANCELLED, TASK_STATE_FAILED, TASK_STATE_SUCCEEDED
from fairlead.api.tasks.v1.task_service_pb2 import GetTaskRequest
from fairlead.kit.errors import (
    AlreadyExists,
    FailedPrecondition,
    FairleadError,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
)
from tests.integration.conductor_house import PROJECT, House, stage_of, state_of, task_of
from tests.integration.conductor_peers import MODEL_VERSION, PREPARATION, RUN, VERSION

STAGES = ("parse_intent", "data_source", "profile", "prepare", "select_models", "train", "review", "export")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("home"))
    house.start()
    yield house
    house.close()


@pytest.fixture
def house(running: House) -> Iterator[House]:
    running.reset()
    yield running
    running.reset()


def test_the_eight_stages_run_in_order_and_end_in_a_model_version(house: House) -> None:
    workflow = house.ended(house.create(target="income-per-year").name)

    assert workflow.state == "succeeded"
    assert [stage.id for stage in workflow.stages] == list(STAGES)
    assert {state_of(stage) for stage in workflow.stages} == {"succeeded"}
    assert (workflow.dataset_version, workflow.preparation, workflow.run) == (VERSION, PREPARATION, RUN)
    assert workflow.model_version == MODEL_VERSION
    starts = [stage.start_time.ToNanoseconds() for stage in workflow.stages]
    ends = [stage.end_time.ToNanoseconds() for stage in workflow.stages]
    assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))


def test_the_workflow_is_a_task_whose_result_it_is(house: House) -> None:
    workflow = house.ended(house.create().name)

    task, result = house.task(workflow.name), Workflow()
    assert (task.kind, task.owner, task.state, task.progress) == ("workflow", "conductor", TASK_STATE_SUCCEEDED, 1.0)
    assert task.resource == MODEL_VERSION
    assert task.result.Unpack(result)
    assert result.state == "succeeded"


def test_each_change_of_a_stage_is_an_event(house: House) -> None:
    workflow = house.ended(house.create().name)

    told = list(dict.fromkeys(house.stages_told(workflow.name)))
    assert told == [(stage, state) for stage in STAGES for state in ("running", "succeeded")]


def test_facts_and_log_lines_of_the_stages_tasks_are_the_workflows_too(house: House) -> None:
    workflow = house.ended(house.create().name)

    trials = [told.train_progress for told in house.told(workflow.name) if told.HasField("train_progress")]
    assert [(trial.run, trial.score) for trial in trials] == [(RUN, 0.9)]
    lines = house.lines(workflow.name)
    assert {line.task for line in lines} == {task_of(workflow.name)}
    assert [line.source for line in lines if line.source.endswith(".work")] == [
        "profile.work", "prepare.work", "train.work", "export.work",
    ]  # fmt: skip
    assert next(line.meta["rows"] for line in lines if line.source == "train.work") == 3


def test_progress_only_rises(house: House) -> None:
    workflow = house.ended(house.create().name)

    progress = [told.task.progress for told in house.told(workflow.name)]
    assert progress == sorted(progress)


def test_the_tasks_of_the_stages_know_the_workflow_they_are_part_of(house: House) -> None:
    workflow = house.ended(house.create().name)

    children = [stage.task for stage in workflow.stages if stage.task]
    assert len(children) == 4
    known = [*house.profiler.store.list(PROJECT)[0], *house.trainer.store.list(PROJECT)[0]]
    assert {task.parent_task for task in known if task.name in children} == {task_of(workflow.name)}


def test_the_same_request_id_is_the_same_workflow(house: House) -> None:
    first = house.create("once", target="num")
    again = house.create("once", target="num")

    assert again.name == first.name
    house.ended(first.name)
    assert house.create("once", target="num").state == "succeeded"


def test_the_same_request_id_for_something_else_is_refused(house: House) -> None:
    house.create("twice", target="num")

    with pytest.raises(AlreadyExists, match="twice"):
        house.create("twice", target="age")


def test_a_goal_in_words_is_enough(house: House) -> None:
    workflow = house.create(dataset="", goal="predict income from adult within 90 s by auc with lightgbm")

    spec = house.ended(workflow.name).spec
    assert (spec.dataset, spec.target, spec.budget.seconds) == ("adult", "income", 90)
    assert (spec.metric, [*spec.families]) == ("roc_auc", ["lightgbm"])
    trained = house.trainer.requests["train"].spec  # type: ignore[attr-defined]
    assert (trained.metric, trained.budget.seconds, trained.families) == ("roc_auc", 90, ["lightgbm"])


@pytest.mark.parametrize(
    ("said", "column", "condition"),
    [("income", "income-per-year", ""), ("num > 0", "num", "> 0"), ("", "income-per-year", "")],
)
def test_a_target_is_found_or_guessed(house: House, said: str, column: str, condition: str) -> None:
    workflow = house.ended(house.create(target=said).name)

    assert (workflow.target.column, workflow.target.condition) == (column, condition)
    assert house.trainer.requests["prepare"].target == workflow.target  # type: ignore[attr-defined]
    guessed = "guessed the target 'income-per-year'" in stage_of(workflow, "profile").summary
    assert guessed == (said == "")


def test_a_table_without_a_likely_target_asks_for_one(house: House) -> None:
    house.profiler.guess = ""
    workflow = house.ended(house.create().name)

    assert workflow.state == "failed"
    assert "say what to predict" in workflow.error


@pytest.mark.parametrize(("skipped", "taken"), [([], ["impute-age", "scale"]), (["scale"], ["impute-age"])])
def test_likely_steps_are_prepared_but_those_left_out(house: House, skipped: list[str], taken: list[str]) -> None:
    house.ended(house.create(skip_steps=skipped).name)

    steps = house.trainer.requests["prepare"].steps  # type: ignore[attr-defined]
    assert [step.id for step in steps] == taken


def test_two_workflows_on_one_dataset_prepare_each_for_its_own_target(house: House) -> None:
    house.trainer.hold("prepare")
    first = house.create(target="num")
    house.trainer.wait_for_work("prepare", first.name)
    house.ended_stage(house.create(target="age").name, "profile")
    house.trainer.let_go("prepare")

    assert house.ended(first.name).target.column == "num"
    targets = [request.target.column for request in house.trainer.received["prepare"]]  # type: ignore[attr-defined]
    assert sorted(targets[-2:]) == ["age", "num"]


def test_a_review_waits_for_a_person_who_approves(house: House) -> None:
    workflow = house.wait_for(house.create(require_approval=True).name, "waiting")
    assert state_of(stage_of(workflow, "review")) == "waiting"
    assert not house.trainer.asked[f"{workflow.name.rsplit('/', 1)[-1]}-export"]

    house.review(workflow.name, approve=True, comment="fine")

    done = house.ended(workflow.name)
    assert done.state == "succeeded"
    assert stage_of(done, "review").summary.startswith("approved by a person: fine (held-out roc_auc 0.9000")
    assert ("review", "waiting") in house.stages_told(workflow.name)


def test_a_rejected_run_is_not_exported(house: House) -> None:
    workflow = house.wait_for(house.create(require_approval=True).name, "waiting")

    house.review(workflow.name, approve=False, comment="too plain")

    done = house.ended(workflow.name)
    assert (done.state, done.error) == ("failed", "a person rejected the run: too plain")
    assert state_of(stage_of(done, "export")) == "pending"
    assert house.task(workflow.name).error_code == "FAILED_PRECONDITION"


def test_a_winner_below_the_baseline_waits_without_being_told_to(house: House) -> None:
    house.trainer.score = 0.4
    workflow = house.wait_for(house.create().name, "waiting")

    assert "does not beat the baseline" in stage_of(workflow, "review").summary
    house.review(workflow.name, approve=True)
    assert house.ended(workflow.name).state == "succeeded"


def test_only_a_review_that_waits_can_be_answered(house: House) -> None:
    done = house.ended(house.create().name)

    with pytest.raises(FailedPrecondition, match="does not wait"):
        house.review(done.name, approve=True)


def test_a_cancel_during_training_cancels_the_training(house: House) -> None:
    house.trainer.hold("train")
    workflow = house.create()
    child = house.trainer.wait_for_work("train", workflow.name)

    assert house.cancel(workflow.name).state == TASK_STATE_CANCELLED

    done = house.ended(workflow.name)
    assert (done.state, state_of(stage_of(done, "train"))) == ("cancelled", "cancelled")
    assert house.trainer.store.get(child.name).state == TASK_STATE_CANCELLED
    assert not house.trainer.asked[f"{workflow.name.rsplit('/', 1)[-1]}-export"]


def test_a_cancel_while_waiting_for_review_ends_the_wait(house: House) -> None:
    workflow = house.wait_for(house.create(require_approval=True).name, "waiting")

    house.cancel(workflow.name)

    done = house.ended(workflow.name)
    assert (done.state, state_of(stage_of(done, "review"))) == ("cancelled", "cancelled")
    assert house.task(workflow.name).state == TASK_STATE_CANCELLED


def test_a_cancel_of_an_ended_workflow_changes_nothing(house: House) -> None:
    done = house.ended(house.create().name)

    assert house.cancel(done.name).state == TASK_STATE_SUCCEEDED
    assert house.get(done.name) == done


def test_a_training_cancelled_by_itself_cancels_the_workflow(house: House) -> None:
    house.trainer.hold("train")
    workflow = house.create()
    house.trainer.cancel(house.trainer.wait_for_work("train", workflow.name).name)

    assert house.ended(workflow.name).state == "cancelled"


@pytest.mark.parametrize("kind", ["profile", "train", "export"])
def test_a_failed_task_fails_the_workflow_with_its_message_and_code(house: House, kind: str) -> None:
    peer = house.profiler if kind == "profile" else house.trainer
    peer.failing[kind] = ResourceExhausted("the machine ran out of memory; use fewer rows")
    workflow = house.ended(house.create().name)

    task = house.task(workflow.name)
    assert (workflow.state, workflow.error) == ("failed", "the machine ran out of memory; use fewer rows")
    assert (task.state, task.error_code, task.error) == (TASK_STATE_FAILED, "RESOURCE_EXHAUSTED", workflow.error)
    assert state_of(stage_of(workflow, kind)) == "failed"


def test_a_dataset_that_is_not_there_fails_the_workflow(house: House) -> None:
    workflow = house.ended(house.create(dataset="nothing").name)

    assert (workflow.state, house.task(workflow.name).error_code) == ("failed", "NOT_FOUND")
    assert "nothing" in workflow.error


@pytest.mark.parametrize("names", [("trainer",), ("profiler", "trainer")])
def test_services_that_are_away_for_a_while_are_waited_for(house: House, names: tuple[str, ...]) -> None:
    peers = [getattr(house, name) for name in names]
    house.trainer.hold("train")
    workflow = house.create()
    house.trainer.wait_for_work("train", workflow.name)
    for peer in peers:
        peer.go_away()

    house.wait_for_line(workflow.name, "waiting for a service that is away")
    house.trainer.let_go("train")
    for peer in peers:
        peer.come_back()

    assert house.ended(workflow.name).state == "succeeded"
    assert house.trainer.asked[f"{workflow.name.rsplit('/', 1)[-1]}-train"] == 1


def test_a_cancel_reaches_a_trainer_that_was_away(house: House) -> None:
    house.trainer.hold("train")
    workflow = house.create()
    child = house.trainer.wait_for_work("train", workflow.name)
    house.trainer.go_away()

    house.cancel(workflow.name)
    house.trainer.come_back()

    assert house.ended(workflow.name).state == "cancelled"
    assert house.trainer.store.get(child.name).state == TASK_STATE_CANCELLED


def test_workflows_are_listed_newest_first_page_by_page(house: House) -> None:
    made = [house.create(target="num").name for _ in range(3)]

    first = house.workflows.ListWorkflows(pb.ListWorkflowsRequest(parent=PROJECT, page_size=2))
    second = house.workflows.ListWorkflows(
        pb.ListWorkflowsRequest(parent=PROJECT, page_size=2, page_token=first.next_page_token)
    )

    assert [workflow.name for workflow in [*first.workflows, *second.workflows]][:3] == made[::-1]
    elsewhere = house.workflows.ListWorkflows(pb.ListWorkflowsRequest(parent="projects/elsewhere"))
    assert not elsewhere.workflows
    assert not elsewhere.next_page_token


@pytest.mark.parametrize(
    ("error", "spec", "about"),
    [
        (InvalidArgument, {"dataset": "", "goal": "predict income"}, "dataset"),
        (InvalidArgument, {"families": ["oracle"]}, "oracle"),
        (InvalidArgument, {"metric": "beauty"}, "beauty"),
        (InvalidArgument, {"dataset": "projects/other/datasets/adult"}, "projects/demo"),
        (InvalidArgument, {"dataset": "No Such Name"}, "No Such Name"),
        (InvalidArgument, {"model_id": "My Model"}, "My Model"),
    ],
)
def test_a_wish_that_cannot_be_understood_is_refused_at_once(
    house: House, error: type[FairleadError], spec: dict[str, Any], about: str
) -> None:
    with pytest.raises(error, match=about):
        house.create(**spec)


@pytest.mark.parametrize(
    ("error", "name"), [(NotFound, f"{PROJECT}/workflows/nothing"), (InvalidArgument, "workflows/nothing")]
)
def test_an_unknown_workflow_is_refused_wherever_it_is_named(
    house: House, error: type[FairleadError], name: str
) -> None:
    with pytest.raises(error, match="nothing"):
        house.get(name)
    with pytest.raises(error, match="nothing"):
        house.review(name, approve=True)
    with pytest.raises(error, match="nothing"):
        house.cancel(name)
    with pytest.raises(error, match="nothing"):
        house.tasks.GetTask(GetTaskRequest(name=task_of(name)))


def test_a_workflow_of_another_project_is_not_found(house: House) -> None:
    workflow = house.ended(house.create().name)

    with pytest.raises(NotFound):
        house.get(workflow.name.replace("/demo/", "/other/"))


def test_the_log_of_the_service_is_json_without_tracebacks(house: House) -> None:
    house.ended(house.create().name)

    records = [record for record in house.log_records() if record["logger"] != "fairlead.tasks"]
    assert [record for record in records if record["event"] == "serving"]
    assert not [record for record in records if record["level"] not in ("info", "debug")]
