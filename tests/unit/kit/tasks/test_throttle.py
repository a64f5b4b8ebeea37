from __future__ import annotations

import threading

from fairlead.kit.tasks.throttle import Throttle

A_LONG_TIME = 3600.0


def test_within_the_interval_only_the_first_passes_until_flushed() -> None:
    sent: list[tuple[str, int]] = []
    throttle = Throttle[int](A_LONG_TIME, lambda key, value: sent.append((key, value)))

    for value in range(5):
        throttle.offer("a", value)
    throttle.offer("b", 9)
    assert sent == [("a", 0), ("b", 9)]

    throttle.flush("a")
    throttle.flush("a")
    assert sent == [("a", 0), ("b", 9), ("a", 4)]


def test_what_is_urgent_passes_and_takes_the_place_of_what_was_held() -> None:
    sent: list[int] = []
    throttle = Throttle[int](A_LONG_TIME, lambda _key, value: sent.append(value))

    for value in range(3):
        throttle.offer("a", value)
    throttle.offer("a", 3, urgent=True)
    throttle.flush("a")

    assert sent == [0, 3]


def test_a_forgotten_key_holds_nothing_and_begins_anew() -> None:
    sent: list[int] = []
    throttle = Throttle[int](A_LONG_TIME, lambda _key, value: sent.append(value))

    throttle.offer("a", 0)
    throttle.offer("a", 1)
    throttle.forget("a")
    throttle.flush("a")
    throttle.offer("a", 2)

    assert sent == [0, 2]


def test_the_last_value_follows_by_itself() -> None:
    done = threading.Event()
    throttle = Throttle[int](0.05, lambda _key, value: done.set() if value == 2 else None)

    for value in range(3):
        throttle.offer("a", value)

    assert done.wait(60)
