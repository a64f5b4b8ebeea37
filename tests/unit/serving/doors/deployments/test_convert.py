from dataclasses import replace
from datetime import timedelta

import pytest

from fairlead.api.serving.v1 import deployment_pb2
from fairlead.kit.errors import InvalidArgument
from services.serving.convert import to_deployment
from services.serving.domain.traffic.catalog import Status
from services.serving.domain.traffic.deployment import State
from services.serving.domain.traffic.split import Step, Target
from services.serving.doors.deployments.convert import steps_of, targets_of
from tests.unit.serving.houses import NOON, deployed, target, version

READY = Status(State.READY)


def a_step(seconds: int) -> deployment_pb2.TrafficStep:
    step = deployment_pb2.TrafficStep(traffic=[deployment_pb2.TrafficTarget(model_version=version(2), percent=100)])
    step.time.FromDatetime(NOON + timedelta(seconds=seconds))
    return step


def test_targets_and_steps_are_read_as_a_caller_names_them() -> None:
    shadow = deployment_pb2.TrafficTarget(model_version="an alias", shadow=True)
    assert targets_of([shadow]) == [Target("an alias", "", 0, True)]
    assert steps_of([a_step(5)]) == [Step(NOON + timedelta(seconds=5), (Target(version(2), "", 100),))]


def test_a_step_without_a_time_or_with_none_that_there_is_is_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"steps\[1\].time: say when"):
        steps_of([a_step(1), deployment_pb2.TrafficStep()])
    endless = a_step(1)
    endless.time.seconds = 10**15
    with pytest.raises(InvalidArgument, match=r"steps\[0\].time: "):
        steps_of([endless])


def test_why_a_plan_was_given_up_is_told_unless_something_worse_is() -> None:
    stopped = replace(deployed(), schedule_error="the plan is given up")
    assert to_deployment(deployed(), READY).error == ""
    assert to_deployment(stopped, READY).error == "the plan is given up"
    failed = to_deployment(stopped, Status(State.FAILED, "the package is broken"))
    assert (failed.state, failed.error) == (deployment_pb2.DEPLOYMENT_STATE_FAILED, "the package is broken")


def test_what_was_sent_of_a_split_comes_back_without_its_slots() -> None:
    sent = to_deployment(replace(deployed(), traffic=(target(1, 75), target(2, 25), target(3, shadow=True))), READY)
    assert [replace(each, package_blob="") for each in targets_of(sent.traffic)] == [
        Target(version(1), "", 75),
        Target(version(2), "", 25),
        Target(version(3), "", 0, True),
    ]
