"""When a consumer counts as stuck: it polls, events wait, and it does not move."""

from __future__ import annotations

from fairlead.kit.events.kafka.watchdog import Progress, StallDetector


def looks(detector: StallDetector[str], *steps: tuple[float, Progress]) -> list[list[str]]:
    return [detector.look({"p": progress}, now) for now, progress in steps]


def test_a_partition_with_events_to_come_that_does_not_move_is_stalled_after_the_patience() -> None:
    detector: StallDetector[str] = StallDetector(patience=30, longest_step=10)
    stuck = Progress(position=5, end=9)

    assert looks(detector, (0, stuck), (10, stuck), (20, stuck), (30, stuck)) == [[], [], [], ["p"]]


def test_one_that_moves_is_slow_not_stalled() -> None:
    detector: StallDetector[str] = StallDetector(patience=30, longest_step=10)

    found = looks(detector, *((10.0 * step, Progress(position=step, end=1000)) for step in range(20)))

    assert found == [[]] * 20


def test_one_that_has_read_all_is_idle_not_stalled() -> None:
    detector: StallDetector[str] = StallDetector(patience=30, longest_step=10)

    assert looks(detector, *((10.0 * step, Progress(position=7, end=7)) for step in range(20))) == [[]] * 20


def test_a_move_starts_the_count_again() -> None:
    detector: StallDetector[str] = StallDetector(patience=20, longest_step=10)
    early, later = Progress(position=5, end=9), Progress(position=6, end=9)

    found = looks(detector, (0, early), (10, early), (20, later), (30, later), (40, later))

    assert found == [[], [], [], [], ["p"]]


def test_time_that_the_consumer_spent_on_other_work_does_not_count() -> None:
    detector: StallDetector[str] = StallDetector(patience=30, longest_step=10)
    stuck = Progress(position=5, end=9)

    assert looks(detector, (0, stuck), (600, stuck), (1200, stuck)) == [[], [], []]


def test_partitions_are_judged_each_for_itself() -> None:
    detector: StallDetector[str] = StallDetector(patience=10, longest_step=10)

    detector.look({"a": Progress(5, 9), "b": Progress(5, 9)}, 0)

    assert detector.look({"a": Progress(5, 9), "b": Progress(6, 9)}, 10) == ["a"]


def test_a_partition_that_went_to_another_member_and_came_back_starts_anew() -> None:
    detector: StallDetector[str] = StallDetector(patience=20, longest_step=10)
    stuck = Progress(position=5, end=9)

    detector.look({"p": stuck}, 0)
    detector.look({}, 10)
    detector.look({"p": stuck}, 20)

    assert detector.look({"p": stuck}, 30) == []
    assert detector.look({"p": stuck}, 40) == ["p"]


def test_a_consumer_made_anew_starts_anew() -> None:
    detector: StallDetector[str] = StallDetector(patience=10, longest_step=10)
    stuck = Progress(position=5, end=9)

    detector.look({"p": stuck}, 0)
    detector.reset()

    assert detector.look({"p": stuck}, 10) == []


def test_one_stuck_among_busy_ones_is_noticed_too_if_later() -> None:
    detector: StallDetector[str] = StallDetector(patience=10, longest_step=10)

    found = [
        detector.look({"stuck": Progress(5, 9), "busy": Progress(step, 1000)}, 10.0 * step, busy=True)
        for step in range(5)
    ]

    assert found == [[], [], [], [], ["stuck"]]
