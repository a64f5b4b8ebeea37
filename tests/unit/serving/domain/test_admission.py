"""The gate in front of what takes long: turns, waiting places, and who is refused at once."""

from __future__ import annotations

import time
from collections import Counter
from threading import Event, Thread

import pytest

from fairlead.kit.errors import DeadlineExceeded, ResourceExhausted
from services.serving.domain.admission import Admission, AdmissionLimits, Reason, Turn
from tests import waiting

FOREVER = 1000.0


class Gate:
    """An admission whose time goes on as a test says."""

    def __init__(self, turns: int = 2, places: int = 30, seconds: float = 10.0) -> None:
        self.now = 0.0
        self.admission = Admission(AdmissionLimits(turns, places, seconds), lambda: self.now)

    def enter(self, deployment: str, patience: float = FOREVER) -> Turn:
        return self.admission.enter(deployment, patience)

    def leave(self, turn: Turn, after: float = 0.0) -> None:
        self.now += after
        self.admission.leave(turn)

    def learn(self, deployment: str, seconds: float) -> None:
        """Let it see how long a deployment's requests take."""
        self.leave(self.enter(deployment), after=seconds)

    def refused(self) -> dict[str, int]:
        return {reason.value: count for reason, count in self.admission.usage().refused.items() if count}


def test_as_many_compute_as_there_are_turns_and_the_rest_wait_in_order() -> None:
    gate = Gate(turns=3)
    first, second, third, fourth = (gate.enter("a") for _ in range(4))
    assert [turn.came for turn in (first, second, third, fourth)] == [True, True, False, False]
    gate.leave(first)
    assert (third.came, fourth.came) == (True, False)
    gate.leave(second)
    assert fourth.came


def test_one_turn_is_left_for_others_than_the_deployment_that_has_the_rest() -> None:
    gate = Gate(turns=4)
    turns = [gate.enter("slow") for _ in range(10)]
    assert sum(turn.came for turn in turns) == 3
    assert gate.enter("other").came


def test_a_single_turn_is_anybodys() -> None:
    gate = Gate(turns=1)
    assert gate.enter("a").came
    assert not gate.enter("b").came


def test_turns_go_by_the_time_each_deployment_has_had() -> None:
    gate = Gate(turns=1, places=1000, seconds=FOREVER)
    seconds = {"slow": 0.5, "brisk": 0.1}
    for deployment, took in seconds.items():
        gate.learn(deployment, took)
    owner = gate.enter("other")
    lines = {name: [gate.enter(name) for _ in range(60)] for name in seconds}
    had: Counter[str] = Counter()
    gate.leave(owner)
    for _ in range(60):
        name = next(name for name, line in lines.items() if any(turn.came for turn in line))
        turn = next(turn for turn in lines[name] if turn.came)
        lines[name].remove(turn)
        gate.leave(turn, after=seconds[name])
        had[name] += 1
    assert had["slow"] * 0.5 == pytest.approx(had["brisk"] * 0.1, abs=0.6)


def test_a_deployment_alone_gets_two_thirds_of_the_waiting_places_and_others_find_some_left() -> None:
    gate = Gate(turns=1, places=30)
    gate.enter("slow")
    for _ in range(20):
        gate.enter("slow")
    with pytest.raises(ResourceExhausted, match="too many requests wait here already"):
        gate.enter("slow")
    assert not gate.enter("other").came
    assert gate.refused() == {"places": 1}


def test_those_who_wait_for_a_model_to_load_have_places_too() -> None:
    gate = Gate(turns=1, places=3)
    with gate.admission.loading("cold"), gate.admission.loading("cold"):
        assert gate.admission.usage().loading == 2
        with pytest.raises(ResourceExhausted) as refused, gate.admission.loading("cold"):
            pass
        assert refused.value.retry_after == 1.0
        with gate.admission.loading("other"):
            pass
    assert gate.admission.usage().loading == 0


def test_who_cannot_have_a_turn_within_the_setting_is_refused_and_told_when_half_is_done() -> None:
    gate = Gate(turns=1, seconds=10.0)
    gate.learn("slow", 4.0)
    gate.enter("slow")
    # Ahead of these are 4 and 8 seconds.
    gate.enter("slow")
    gate.enter("slow")
    with pytest.raises(ResourceExhausted) as refused:
        gate.enter("slow")
    assert refused.value.retry_after == pytest.approx(6.0)
    assert refused.value.resource == "slow"
    assert gate.refused() == {"time": 1}


def test_two_deployments_share_the_turns_so_each_waits_twice_as_long() -> None:
    gate = Gate(turns=1, seconds=10.0)
    gate.learn("a", 4.0)
    gate.learn("b", 4.0)
    gate.enter("a")
    gate.enter("a")
    gate.enter("b")
    with pytest.raises(ResourceExhausted):
        gate.enter("a")


def test_a_deadline_that_the_line_leaves_no_time_for_is_refused_at_once() -> None:
    gate = Gate(turns=1)
    gate.learn("slow", 1.0)
    gate.enter("slow")
    gate.enter("slow")
    with pytest.raises(ResourceExhausted, match="deadline"):
        gate.enter("slow", patience=2.5)
    gate.enter("slow", patience=3.5)
    assert gate.refused() == {"deadline": 1}


def test_without_a_line_nobody_is_refused_for_expectations_so_a_wrong_one_is_corrected() -> None:
    gate = Gate(turns=1, seconds=1.0)
    gate.learn("slow", 100.0)
    turn = gate.enter("slow", patience=0.5)
    assert turn.came
    for _ in range(40):
        gate.leave(turn, after=0.01)
        turn = gate.enter("slow")
    gate.enter("slow")
    gate.enter("slow")


def test_who_gives_up_waiting_leaves_the_line() -> None:
    gate = Gate(turns=1)
    first, second, third = (gate.enter("a") for _ in range(3))
    gate.leave(second)
    gate.leave(first)
    assert third.came
    gate.leave(third)
    usage = gate.admission.usage()
    assert (usage.computing, usage.waiting) == (0, 0)


def test_a_turn_that_does_not_come_within_the_setting_is_refused() -> None:
    gate = Gate(turns=1, seconds=0.05)
    gate.enter("a")
    with pytest.raises(ResourceExhausted, match="did not come in time"), gate.admission.turn("a", FOREVER):
        pass
    assert gate.admission.usage().waiting == 0


def test_a_turn_that_does_not_come_within_the_deadline_is_over_its_deadline() -> None:
    gate = Gate(turns=1)
    gate.enter("a")
    with pytest.raises(DeadlineExceeded), gate.admission.turn("a", 0.05):
        pass


def test_a_thread_that_waits_gets_its_turn() -> None:
    gate = Gate(turns=1)
    first = gate.enter("a")
    may, got = Event(), []

    def work() -> None:
        with gate.admission.turn("b", FOREVER):
            got.append("turn")
            may.wait(20)

    thread = Thread(target=work)
    thread.start()
    waiting.until(lambda: gate.admission.usage().waiting == 1, "it waits")
    assert not got
    gate.leave(first)
    waiting.until(lambda: got == ["turn"], "its turn")
    may.set()
    thread.join()


def test_a_turn_is_given_back_where_the_work_fails() -> None:
    gate = Gate(turns=1)
    with pytest.raises(ValueError, match="broken"), gate.admission.turn("a", FOREVER):
        raise ValueError("broken")
    assert gate.enter("a").came


def test_what_is_forgotten_is_learnt_anew() -> None:
    gate = Gate(turns=1, seconds=1.0)
    gate.learn("a", 100.0)
    gate.admission.forget("a")
    for _ in range(3):
        gate.enter("a")
    assert gate.refused() == {}


def test_many_threads_never_compute_more_at_a_time_than_there_are_turns() -> None:
    admission = Admission(AdmissionLimits(turns=3, places=1000), time.monotonic)
    under_way: list[int] = []
    most = []

    def work(number: int) -> None:
        for _ in range(20):
            with admission.turn(f"d{number % 3}", FOREVER):
                under_way.append(number)
                most.append(len(under_way))
                under_way.remove(number)

    threads = [Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 240
    assert max(most) <= 3
    assert {reason: count for reason, count in admission.usage().refused.items() if count} == {}
    assert Reason.PLACES in admission.usage().refused
