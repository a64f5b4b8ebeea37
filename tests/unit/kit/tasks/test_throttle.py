from __future__ import annotations

import threading
import time

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


def test_closing_sends_what_is_held_and_leaves_nothing_to_follow() -> None:
    sent: list[tuple[str, int]] = []
    throttle = Throttle[int](0.2, lambda key, value: sent.append((key, value)))
    for key in ("a", "b"):
        throttle.offer(key, 0)
        throttle.offer(key, 1)

    throttle.close()
    closed = list(sent)
    time.sleep(0.4)

    assert sorted(closed) == [("a", 0), ("a", 1), ("b", 0), ("b", 1)]
    assert sent == closed


def test_closing_waits_for_what_is_being_sent() -> None:
    sending, done = threading.Event(), threading.Event()

    def send(_key: str, value: int) -> None:
        if value:
            sending.set()
            time.sleep(0.3)
            done.set()

    throttle = Throttle[int](0.05, send)
    throttle.offer("a", 0)
    throttle.offer("a", 1)
    assert sending.wait(10)

    throttle.close()

    assert done.is_set()
