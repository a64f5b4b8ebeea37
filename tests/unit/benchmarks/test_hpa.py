"""The simulated HorizontalPodAutoscaler does what Kubernetes' documentation says, by its examples."""

from __future__ import annotations

from benchmarks.autoscaling.hpa import (
    DEFAULT_DOWN,
    DEFAULT_UP,
    Autoscaler,
    Direction,
    Rule,
    for_average,
    for_utilization,
)

FOUR_OR_A_TENTH = (Rule("Pods", 4, 60), Rule("Percent", 10, 60))


def steps(autoscaler: Autoscaler, pods: int, wanted: int, *, every: float, times: int, begin: float = 0) -> list[int]:
    """Return the pods after each sync, where the same number is wanted all the time."""
    found = []
    for number in range(times):
        pods = autoscaler.pods(begin + number * every, pods, [wanted])
        found.append(pods)
    return found


def test_twice_the_wanted_value_doubles_the_pods_and_half_of_it_halves_them() -> None:
    assert for_utilization([0.2] * 3, 0.1, 3) == 6
    assert for_utilization([0.05] * 4, 0.1, 4) == 2


def test_fifty_pods_at_ninety_per_cent_of_seventy_five_become_sixty() -> None:
    assert for_utilization([0.90] * 50, 0.75, 50) == 60


def test_a_value_within_a_tenth_of_the_target_changes_nothing() -> None:
    assert for_utilization([0.82] * 50, 0.75, 50) == 50
    assert for_average(43, 8, 5) == 5
    assert for_average(37, 8, 5) == 5


def test_a_total_is_shared_out_by_its_average_rounded_up() -> None:
    assert for_average(33, 8, 1) == 5
    assert for_average(0, 8, 3) == 0


def test_pods_that_are_not_ready_count_as_idle_when_more_are_wanted() -> None:
    assert for_utilization([1.5, 1.5, None], 0.5, 3) == 6
    assert for_utilization([1.5, None, None], 0.5, 3) == 3


def test_where_idle_pods_would_turn_the_direction_nothing_changes() -> None:
    assert for_utilization([0.6, None, None], 0.5, 3) == 3


def test_pods_that_are_not_ready_do_not_count_when_fewer_are_wanted() -> None:
    assert for_utilization([0.1, 0.1, None], 0.5, 3) == 1


def test_where_no_pod_tells_anything_nothing_is_wanted() -> None:
    assert for_utilization([None, None], 0.5, 2) is None
    assert Autoscaler(1, 10).pods(0, 2, [None]) == 2


def test_the_metric_that_wants_most_decides() -> None:
    assert Autoscaler(1, 10).pods(0, 2, [3, 5, None]) == 5


def test_the_number_stays_within_its_bounds() -> None:
    assert Autoscaler(2, 6).pods(0, 3, [50]) == 6
    assert Autoscaler(2, 6, down=Direction(DEFAULT_DOWN.rules, 0)).pods(0, 3, [0]) == 2
    assert Autoscaler(2, 6).pods(0, 1, [1]) == 2
    assert Autoscaler(2, 6).pods(0, 9, [9]) == 6


def test_by_default_four_pods_or_as_many_as_there_are_come_every_fifteen_seconds() -> None:
    assert steps(Autoscaler(1, 50), 1, 50, every=15, times=5) == [5, 10, 20, 40, 50]


def test_what_was_added_within_the_period_counts() -> None:
    autoscaler = Autoscaler(1, 100, up=DEFAULT_UP)
    assert [autoscaler.pods(0, 10, [100]), autoscaler.pods(5, 20, [100]), autoscaler.pods(15, 20, [100])] == [
        20,
        20,
        40,
    ]


def test_eighty_pods_lose_a_tenth_rounded_up_a_minute_and_four_below_forty() -> None:
    autoscaler = Autoscaler(10, 100, down=Direction(FOUR_OR_A_TENTH, 0))
    found = steps(autoscaler, 80, 10, every=60, times=10)
    assert found == [72, 64, 57, 51, 45, 40, 36, 32, 28, 24]


def test_the_smaller_of_two_changes_where_it_is_selected() -> None:
    rules = (Rule("Percent", 10, 60), Rule("Pods", 5, 60))
    assert Autoscaler(1, 100, down=Direction(rules, 0, "Min")).pods(0, 80, [1]) == 75
    assert Autoscaler(1, 100, down=Direction(rules, 0, "Min")).pods(0, 30, [1]) == 27


def test_a_direction_that_is_disabled_is_not_taken() -> None:
    assert Autoscaler(1, 100, down=Direction(DEFAULT_DOWN.rules, 0, "Disabled")).pods(0, 80, [1]) == 80
    assert Autoscaler(1, 100, up=Direction(DEFAULT_UP.rules, 0, "Disabled")).pods(0, 80, [90]) == 80


def test_the_most_that_was_wanted_within_five_minutes_stays() -> None:
    autoscaler = Autoscaler(1, 100)
    assert autoscaler.pods(0, 10, [10]) == 10
    assert steps(autoscaler, 10, 2, every=15, times=19, begin=15) == [10] * 19
    assert autoscaler.pods(300, 10, [2]) == 2


def test_with_a_window_upwards_only_what_was_wanted_all_along_comes() -> None:
    autoscaler = Autoscaler(1, 100, up=Direction(DEFAULT_UP.rules, 60))
    assert [autoscaler.pods(time, 10, [wanted]) for time, wanted in ((0, 10), (15, 14), (30, 13))] == [10, 10, 10]
    assert autoscaler.pods(61, 10, [15]) == 13


def test_a_pod_a_minute_goes_where_the_rule_says_so() -> None:
    autoscaler = Autoscaler(1, 100, down=Direction((Rule("Pods", 1, 60),), 0))
    assert steps(autoscaler, 5, 1, every=15, times=9) == [4, 4, 4, 4, 3, 3, 3, 3, 2]
